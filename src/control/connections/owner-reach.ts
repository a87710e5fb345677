/** Which servers an owner may call anything of: as itself, or with a token of its own that may more than that. */
import { type Access, composeAccess } from '#core/access/access.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import { composeOwner, composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { isActiveToken, isHeld } from '#core/identity/token-status.ts'
import type { ConnectionDeps } from './connection-deps.ts'

type Deps = Pick<ConnectionDeps, 'index' | 'clock'>
type Holder = Exclude<CredentialOwner, { kind: 'gateway' }>

/** By the server's name. To be kept for as long as one question takes: it does not see what changes. */
export type Reach = (server: string) => boolean

export function reachOf(deps: Deps, owner: CredentialOwner): Reach {
  if (owner.kind === 'gateway') return () => true
  const own = composeAccess({ ...composeOwner(deps.index, owner), ...serverFacts(deps.index) })
  let ofTokens: Access[] | undefined
  return (server) => own.mayReach(server) || (ofTokens ??= accessesOf(deps, owner)).some((one) => one.mayReach(server))
}

/** Each once: most tokens of one owner may the same. */
function accessesOf({ index, clock }: Deps, owner: Holder): Access[] {
  const facts = serverFacts(index)
  const now = clock.now()
  const found = new Map<string, Access>()
  for (const token of index.tokensOf(owner)) {
    if (!isActiveToken(token.spec, now) || !isHeld(index, token.spec)) continue
    const access = composeAccess({ ...composeToken(index, token), ...facts })
    if (!found.has(access.fingerprint)) found.set(access.fingerprint, access)
  }
  return [...found.values()]
}
