/**
 * A request that made something may be sent again, when its answer was lost, without making it twice: with the same `Idempotency-Key` it is
 * answered as before (draft-ietf-httpapi-idempotency-key-header).
 */
import { GatewayError } from '#contract/errors.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { IdempotencyStore, IdempotentRequest } from '#core/resources/idempotency-store.ts'
import type { RestReply } from './handlers.ts'

export type IdempotencyDeps = {
  idempotency: IdempotencyStore
  /** An answer may hold a secret that is shown once. */
  sealer: Sealer
  secrets: { hash(text: string): string }
  clock: { now(): number }
}

/** How long an answer is remembered, and how long a request may take before its key is free again. */
const rememberMs = 86_400_000
const underWayMs = 60_000

export type Keyed = { actorId: string; key: string; method: string; path: string; body: unknown; status: number }

const keyForm = /^[\x21-\x7e]{1,200}$/

/** @throws GatewayError `invalid_params`, `idempotency_conflict` */
export async function runOnce(deps: IdempotencyDeps, keyed: Keyed, run: () => Promise<RestReply>): Promise<RestReply> {
  const { idempotency, clock } = deps
  const request = toRequest(deps, keyed)
  const now = clock.now()
  const claim = await idempotency.claim(request, { now, until: now + underWayMs })
  if (claim.state === 'settled') return readAnswer(deps, request, claim.answer.body)
  if (claim.state !== 'claimed') {
    const reason = claim.state === 'under_way' ? 'the request of this key is still under way' : undefined
    throw new GatewayError('idempotency_conflict', { details: reason === undefined ? {} : { reason } })
  }
  let reply: RestReply
  try {
    reply = await run()
  } catch (error) {
    await idempotency.release(request)
    throw error
  }
  const body = deps.sealer.seal(JSON.stringify(reply), contextOf(request))
  await idempotency.settle(request, { status: keyed.status, body }, clock.now() + rememberMs)
  return reply
}

function toRequest({ secrets }: IdempotencyDeps, { actorId, key, method, path, body }: Keyed): IdempotentRequest {
  if (!keyForm.test(key))
    throw new GatewayError('invalid_params', {
      details: { reason: 'Idempotency-Key: 1 to 200 visible ASCII characters' },
    })
  return { scope: actorId, key, fingerprint: secrets.hash(JSON.stringify([method, path, body])) }
}

function readAnswer({ sealer }: IdempotencyDeps, request: IdempotentRequest, sealed: string): RestReply {
  const text = sealer.open(sealed, contextOf(request))
  const reply: unknown = text === null ? null : JSON.parse(text)
  // Sealed under a key that is gone: it was done, and what it answered cannot be told again.
  if (!isJsonObject(reply))
    throw new GatewayError('idempotency_conflict', { details: { reason: 'it was done before' } })
  return reply
}

function contextOf({ scope, key }: IdempotentRequest): string {
  return JSON.stringify(['idempotency', scope, key])
}
