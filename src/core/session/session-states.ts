/**
 * How a session goes from one status to another.
 *
 *     creating → ready          it is used, or its platform says that it runs
 *     creating, ready → failed  its platform says so, or it is not in use in time
 *     any but dead → dead       it is ended, or its time is over
 *     any → creating            it is restarted: a new life
 *     any but dead → creating   it is recovered, within the life that is left
 */
import { GatewayError } from '#contract/errors.ts'
import type { ReportSession, SessionEvent } from '#contract/session.ts'
import type { StoredSession } from './session-store.ts'

/** The session as it is to be, and what is to be told of it. */
export type SessionStep = { session: StoredSession; events: readonly SessionEvent[] }

/** `now`: Unix milliseconds. `by`: the id of who brings it about. */
type Moment = { now: number; by: string }

const dayMs = 86_400_000

/** @throws GatewayError `wrong_status` */
export function toRestarted(before: StoredSession, { now, by }: Moment, lifetimeMs = dayMs): SessionStep {
  return {
    session: { ...toNextRun(before, now), expiresAt: now + lifetimeMs },
    events: [{ at: now, kind: 'restarted', by }],
  }
}

/** @throws GatewayError `wrong_status` */
export function toRecovered(before: StoredSession, { now, by }: Moment): SessionStep {
  if (before.status === 'dead' || before.expiresAt <= now) throw wrongStatus(before)
  return { session: toNextRun(before, now), events: [{ at: now, kind: 'recovered', by }] }
}

function toNextRun(before: StoredSession, now: number): StoredSession {
  const fresh = { failureReason: null, readyAt: null, endedAt: null, updatedAt: now }
  return { ...before, ...fresh, status: 'creating', run: before.run + 1 }
}

/** @returns null where it is ready. @throws GatewayError `wrong_status` */
export function toReady(before: StoredSession, { now, by }: Moment): SessionStep | null {
  if (before.status === 'ready') return null
  if (before.status !== 'creating') throw wrongStatus(before)
  return {
    session: { ...before, status: 'ready', readyAt: now, updatedAt: now },
    events: [{ at: now, kind: 'ready', by }],
  }
}

/** @returns null where it has failed. @throws GatewayError `wrong_status` */
export function toFailed(before: StoredSession, { now, by }: Moment, failureReason: string): SessionStep | null {
  if (before.status === 'failed') return null
  if (before.status === 'dead') throw wrongStatus(before)
  return {
    session: { ...before, status: 'failed', failureReason, endedAt: now, updatedAt: now },
    events: [{ at: now, kind: 'failed', by }],
  }
}

/** @throws GatewayError `wrong_status` */
export function toReported(before: StoredSession, moment: Moment, said: ReportSession): SessionStep | null {
  return said.status === 'ready' ? toReady(before, moment) : toFailed(before, moment, said.reason)
}

/** @returns null where it is dead */
export function toDead(before: StoredSession, { now, by }: Moment, kind: 'ended' | 'expired'): SessionStep | null {
  if (before.status === 'dead') return null
  return { session: { ...before, status: 'dead', endedAt: now, updatedAt: now }, events: [{ at: now, kind, by }] }
}

function wrongStatus({ status }: StoredSession): GatewayError {
  return new GatewayError('wrong_status', { details: { status } })
}
