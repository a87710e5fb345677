/** One more try, where the upstream took nothing of the first and what was wrong can be mended. */
import { GatewayError } from '#contract/errors.ts'
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import type { PooledSession } from './pooled-session.ts'
import type { UpstreamSession } from './upstream-session.ts'

/** The upstream has forgotten the session, or refused the credential. */
export function canBeMended(failure: unknown): boolean {
  return isSessionGone(failure) || failure instanceof UpstreamRefused
}

/** @throws what it failed with, or what is told of the credential, where no other try makes sense */
export async function mend(place: PooledSession, failure: unknown): Promise<void> {
  if (failure instanceof UpstreamRefused) await place.renew(failure, { isLast: false })
  else if (!isSessionGone(failure)) throw failure
}

type Attempt<Result> = (session: UpstreamSession, place: PooledSession) => Promise<Result>

/** A lost session of ours is not the caller's lost session. */
export async function tryForTheLastTime<Result>(place: PooledSession, attempt: Attempt<Result>): Promise<Result> {
  try {
    return await attempt(await place.acquire(), place)
  } catch (failure) {
    if (failure instanceof UpstreamRefused) await place.renew(failure, { isLast: true })
    throw isSessionGone(failure) ? new GatewayError('upstream_closed') : failure
  }
}

/** @param placeOf asked for each try: a place that nobody joined goes with its session */
export async function tryTwice<Result>(placeOf: () => PooledSession, attempt: Attempt<Result>): Promise<Result> {
  const place = placeOf()
  try {
    return await attempt(await place.acquire(), place)
  } catch (failure) {
    await mend(place, failure)
  }
  return tryForTheLastTime(placeOf(), attempt)
}

/** A session that is open, for who has nothing to send yet: opened with a renewed credential where the first one is refused. */
export function openTwice(placeOf: () => PooledSession): Promise<{ session: UpstreamSession; place: PooledSession }> {
  return tryTwice(placeOf, async (session, place) => ({ session, place }))
}

function isSessionGone(failure: unknown): boolean {
  return failure instanceof GatewayError && failure.code === 'session_not_found'
}
