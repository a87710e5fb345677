/** Step 2 of a call: a token becomes a principal, from memory, by its hash. Every failure is the same refusal. */
import { GatewayError } from '#contract/errors.ts'
import type { Policy } from '#contract/policy.ts'
import { compileAccess } from '#core/access/access.ts'
import type { Principal } from '#core/identity/principal.ts'
import { isTokenForm } from '#core/identity/token-form.ts'
import type { StoredToken } from '#core/identity/token-store.ts'

/** Who holds which token. */
export interface Identities {
  /** @param digest lower-case hex SHA-256 of the whole token */
  byDigest(digest: string): Principal | undefined
  /** What a principal is now; undefined where its token is gone. */
  current(before: Principal): Principal | undefined
}

export const nobody: Identities = { byDigest: () => undefined, current: () => undefined }

/** Compiles every token's access once. Tokens of equal policies share one compiled access, and so the lists made for it. */
export function compileIdentities(tokens: readonly StoredToken[], policies: readonly Policy[]): Identities {
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const accesses = new Map<string, Principal['access']>()
  const byDigest = new Map<string, Principal>()
  const byToken = new Map<string, Principal>()
  for (const token of tokens) {
    const key = JSON.stringify(token.policies.toSorted())
    let access = accesses.get(key)
    // A policy that does not exist grants nothing.
    if (!access) accesses.set(key, (access = compileAccess(token.policies.flatMap((name) => byName.get(name) ?? []))))
    const { id, name, expiresAt } = token
    const principal = { id, tokenId: id, tokenName: name, access, expiresAt }
    byDigest.set(token.hash, principal)
    byToken.set(id, principal)
  }
  return { byDigest: (digest) => byDigest.get(digest), current: ({ tokenId }) => byToken.get(tokenId) }
}

const scheme = /^Bearer +(\S+)$/i

/** @throws GatewayError `unauthorized`, whatever is wrong */
export function identify(
  authorization: string | undefined,
  identities: Identities,
  deps: { now: number; hash(text: string): string },
): Principal {
  const token = authorization === undefined ? undefined : scheme.exec(authorization)?.[1]
  if (token === undefined || !isTokenForm(token)) throw new GatewayError('unauthorized')
  const principal = identities.byDigest(deps.hash(token))
  if (!principal || (principal.expiresAt !== null && principal.expiresAt <= deps.now))
    throw new GatewayError('unauthorized')
  return principal
}
