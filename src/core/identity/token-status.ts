/** Whether a stored token is good at this moment. Types of ends are told apart for people only: a caller gets one and the same refusal. */
import type { Token, TokenState } from '#contract/token.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'

export type TokenStatus = 'active' | 'expired' | 'revoked'

type Lifetime = Pick<Token, 'expiresAt'> & Pick<TokenState, 'revokedAt'>

/** @param now Unix milliseconds; a token is no longer good at the very millisecond at which it expires */
export function tokenStatus({ revokedAt, expiresAt }: Lifetime, now: number): TokenStatus {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active'
}

export function isActiveToken(token: Lifetime, now: number): boolean {
  return tokenStatus(token, now) === 'active'
}

/** Whether whose it is, and what it is bound to, are there: a token goes with its project, and rests while its user is disabled. */
export function isHeld(
  index: Pick<ResourceIndex, 'get'>,
  { owner, project }: Pick<Token, 'owner' | 'project'>,
): boolean {
  const holder = index.get(owner.kind, owner.ref)
  if (!holder || (holder.kind === 'user' && holder.spec.isDisabled)) return false
  return project === undefined || index.get('project', project) !== undefined
}
