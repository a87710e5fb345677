/** Who a bearer is for the management API: a `key` token, or a person who has signed in. Every failure is one and the same refusal. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { verifySignInToken } from '#core/identity/sign-in-token.ts'
import { bearerIn, isTokenForm } from '#core/identity/token-form.ts'
import type { TokenSecrets } from '#core/identity/token-secrets.ts'
import { isActiveToken, isHeld } from '#core/identity/token-status.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import { actorOfToken, actorOfUser, type Actor } from './actor.ts'

export type AuthenticateDeps = {
  index: ResourceIndex
  clock: Pick<Clock, 'now'>
  secrets: Pick<TokenSecrets, 'hash'>
  keys: SessionKeys
  /** A token was found good. */
  onTokenUse?: (tokenId: string) => void
}

/** @throws GatewayError `unauthorized` */
export function authenticate(deps: AuthenticateDeps, authorization: string | undefined): Actor {
  const bearer = bearerIn(authorization)
  const actor = bearer === undefined ? null : (actorOfKey(deps, bearer) ?? identifyPerson(deps, bearer))
  if (!actor) throw new GatewayError('unauthorized')
  return actor
}

function actorOfKey({ index, clock, secrets, onTokenUse }: AuthenticateDeps, bearer: string): Actor | null {
  if (!isTokenForm(bearer)) return null
  const token = index.tokenByDigest(secrets.hash(bearer))
  const now = clock.now()
  if (!token || !isActiveToken(token.spec, now) || !isHeld(index, token.spec)) return null
  onTokenUse?.(token.id)
  return actorOfToken(index, token, now)
}

/** @param text what a person has after signing in. Null where it is no good one */
export function identifyPerson(
  { index, clock, keys }: Pick<AuthenticateDeps, 'index' | 'clock' | 'keys'>,
  text: string,
): Actor | null {
  const claims = verifySignInToken(text, { keys, now: clock.now() })
  const user = claims && index.get('user', claims.user_id)
  if (!user || user.spec.type !== 'human' || user.spec.passwordSetAt === undefined) return null
  // A sign-in lasts until the password changes.
  return claims.password_set_at < user.spec.passwordSetAt ? null : actorOfUser(index, user)
}
