/** The tokens whose place another one took. What ends the last of them ends them all: a secret that leaked is often an older one. */
import { isActiveToken } from '#core/identity/token-status.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Caller } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { appendEvent } from './recorded.ts'

type Token = Resource<'token'>

/** Those that are still good, however many rotations ago; the newest first. To be written together with what ends the token. */
export async function findGoodPredecessors(
  { store, index, clock, announce }: ControlDeps,
  { id }: Pick<Token, 'id'>,
): Promise<Token[]> {
  // What was rotated at another replica a moment ago stands in the store, and may not have come here yet.
  await announce(await store.lastChange())
  const now = clock.now()
  return predecessorsOf(index, id).filter(({ spec }) => isActiveToken(spec, now))
}

function predecessorsOf(index: Pick<ResourceIndex, 'tokensReplacedBy'>, id: string): Token[] {
  const found = new Map<string, Token>()
  const ids = [id]
  for (const successorId of ids) {
    for (const token of index.tokensReplacedBy(successorId)) {
      if (found.has(token.id)) continue
      found.set(token.id, token)
      ids.push(token.id)
    }
  }
  return [...found.values()]
}

export function toRevoked({ clock }: Pick<ControlDeps, 'clock'>, { actor }: Caller, token: Token): Token {
  const now = clock.now()
  return { ...token, updatedAt: now, updatedBy: actor.id, spec: { ...token.spec, revokedAt: now } }
}

/** After they have been written. */
export function tellRevoked(deps: ControlDeps, caller: Caller, tokens: readonly Token[]): void {
  for (const { id, name } of tokens)
    appendEvent(deps, { caller, action: 'revoke', resource: { kind: 'token', id, name }, outcome: 'ok' })
}
