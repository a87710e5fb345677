/**
 * A request that made something may be sent again, when its answer was lost, without making it twice: with the same `Idempotency-Key` it is
 * answered as before (draft-ietf-httpapi-idempotency-key-header).
 */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { IdempotencyStore, IdempotentRequest } from '#core/resources/idempotency-store.ts'
import { answerContext } from '#core/resources/sealed-answer.ts'
import { openSealed, storeSealed, type Vault } from '#core/vault/vault.ts'
import type { RestReply } from './handler.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'

export type IdempotencyDeps = {
  idempotency: IdempotencyStore
  /** An answer may hold a secret that is shown once. */
  sealer: Vault
  secrets: { hash(text: string): string }
  /** A body may hold a password that can be guessed: what is kept of it says nothing without the key. */
  keys: Pick<SessionKeys, 'current'>
  clock: { now(): number }
}

/** How long it is remembered that a request was made, and for how long it is taken to be still under way. */
const rememberMs = 86_400_000
const underWayMs = 60_000

export type Keyed = {
  actorId: string
  key: string
  method: string
  path: string
  body: unknown
  status: number
  /** The store could not be told how it ended. */
  onLost: (error: unknown) => void
}

const keyForm = /^[\x21-\x7e]{1,200}$/

/**
 * A key that was claimed is free again only where it is certain that nothing was done. Who ends in the middle, or cannot tell the store how it
 * ended, leaves it `unknown`.
 *
 * @throws GatewayError `invalid_params`, `idempotency_conflict`, `outcome_unknown`
 */
export async function runOnce(deps: IdempotencyDeps, keyed: Keyed, run: () => Promise<RestReply>): Promise<RestReply> {
  const { idempotency, clock } = deps
  const request = toRequest(deps, keyed)
  const now = clock.now()
  const claim = await idempotency.claim(request, { now, unknownFrom: now + underWayMs, until: now + rememberMs })
  if (claim.state === 'settled') return readAnswer(deps, request, claim.answer.body)
  if (claim.state !== 'claimed') throw refusalOf(claim.state)
  let reply: RestReply
  try {
    reply = await run()
  } catch (error) {
    const ending = isCertainlyUndone(error) ? idempotency.release(request) : idempotency.abandon(request)
    await ending.catch(keyed.onLost)
    throw error
  }
  await keepAnswer(deps, request, { keyed, reply })
  return reply
}

function refusalOf(state: 'under_way' | 'unknown' | 'other_request'): GatewayError {
  if (state === 'unknown') return new GatewayError('outcome_unknown')
  const details = state === 'under_way' ? { reason: 'the request of this key is still under way' } : {}
  return new GatewayError('idempotency_conflict', { details })
}

/** What the caller got wrong is found before anything is changed. A store that is lost may be lost after it has stored. */
function isCertainlyUndone(error: unknown): boolean {
  return toGatewayError(error).status < 500
}

/** It was done, and who asked is told so, whatever becomes of the note of it. */
async function keepAnswer(
  { idempotency, sealer, clock }: IdempotencyDeps,
  request: IdempotentRequest,
  { keyed, reply }: { keyed: Keyed; reply: RestReply },
): Promise<void> {
  try {
    const text = JSON.stringify(reply)
    await storeSealed(sealer, () => {
      const body = sealer.seal(text, answerContext(request))
      return idempotency.settle(request, { status: keyed.status, body }, clock.now() + rememberMs)
    })
  } catch (error) {
    keyed.onLost(error)
    await idempotency.abandon(request).catch(keyed.onLost)
  }
}

function toRequest({ secrets, keys }: IdempotencyDeps, { actorId, key, method, path, body }: Keyed): IdempotentRequest {
  if (!keyForm.test(key))
    throw new GatewayError('invalid_params', {
      details: { reason: 'Idempotency-Key: 1 to 200 visible ASCII characters' },
    })
  const digest = secrets.hash(JSON.stringify([method, path, body]))
  // No bearer that is signed with the same key begins like this.
  return { scope: actorId, key, fingerprint: keys.current.sign(`idempotent request ${digest}`) }
}

async function readAnswer({ sealer }: IdempotencyDeps, request: IdempotentRequest, sealed: string): Promise<RestReply> {
  const text = await openSealed(sealer, sealed, answerContext(request))
  const reply: unknown = text === null ? null : JSON.parse(text)
  // Sealed under a key that is gone: it was done, and what it answered cannot be told again.
  if (!isJsonObject(reply))
    throw new GatewayError('idempotency_conflict', { details: { reason: 'it was done before' } })
  return reply
}
