/** Step 2 of a call: a token becomes a principal, from memory, by its hash. Every failure is the same refusal. */
import { GatewayError } from '#contract/errors.ts'
import type { Mixture, Principal, Scope } from '#core/identity/principal.ts'
import { bearerIn, isTokenForm } from '#core/identity/token-form.ts'

/** Who holds which token. */
export interface Identities {
  /** @param digest lower-case hex SHA-256 of the whole token */
  byDigest(digest: string): Principal | undefined
  /** What a principal is now, wherever it stands; undefined where its token is gone. */
  current(before: Principal): Principal | undefined
  /** The same principal, with what is left of its access for a client whose address is not internal. */
  outside(principal: Principal): Principal
  /** The project or toolset of this name. */
  scope(kind: Scope['kind'], name: string): Scope | undefined
  /** The same principal, with what is left of its access at the address of a project or toolset. */
  within(principal: Principal, scope: Scope): Principal
  /** The same, at the address of several names. */
  among(principal: Principal, mixture: Mixture): Principal
}

export const nobody: Identities = {
  byDigest: () => undefined,
  current: () => undefined,
  outside: (principal) => principal,
  scope: () => undefined,
  within: (principal) => principal,
  among: (principal) => principal,
}

/** @throws GatewayError `unauthorized`, whatever is wrong */
export function identify(
  authorization: string | undefined,
  identities: Identities,
  deps: { now: number; hash(text: string): string },
): Principal {
  const token = bearerIn(authorization)
  if (token === undefined || !isTokenForm(token)) throw new GatewayError('unauthorized')
  const principal = identities.byDigest(deps.hash(token))
  if (!principal || (principal.expiresAt !== null && principal.expiresAt <= deps.now))
    throw new GatewayError('unauthorized')
  return principal
}
