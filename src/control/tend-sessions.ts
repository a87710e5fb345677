/** What the gateway itself does to agents' sessions. */
import { GatewayError } from '#contract/errors.ts'
import { toDead, toFailed, toReady, type SessionStep } from '#core/session/session-states.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { systemActor } from './actor.ts'
import { changeSession } from './change-session.ts'
import type { SessionDeps } from './session-deps.ts'

type TendDeps = Pick<SessionDeps, 'sessions' | 'known' | 'announceSession' | 'clock' | 'limits' | 'changes' | 'index'>

const by = 'system'
const batch = 100
const dayMs = 86_400_000
/** Ended sessions can be looked at for a week. */
const keptMs = 7 * dayMs
/** Tokens live for a day at most: after it nobody asks for a session that has ended. */
const knownMs = dayMs

/** A harness uses its session, so it runs. Never rejects with what does not matter to the harness: that the session is further already. */
export async function noteUse(deps: TendDeps, id: string): Promise<void> {
  await tended(deps, id, (before) => (before.status === 'creating' ? toReady(before, now(deps)) : null))
}

/** Ends what should have ended, and forgets what ended long ago. To be called every few seconds, by any replica. */
export async function sweepSessions(deps: TendDeps): Promise<void> {
  const { sessions, known, clock, limits } = deps
  const at = clock.now()
  const times = { startedUntil: at - limits.agentSessionStartMs, now: at }
  for (const { id } of await sessions.overdue(times, batch)) await tended(deps, id, (before) => toOver(before, deps))
  await sessions.deleteEnded(at - keptMs, batch)
  known.forgetEnded(at - knownMs)
}

/** What is over is said of the session as it is now: another replica may have been faster. */
function toOver(before: StoredSession, deps: TendDeps): SessionStep | null {
  const moment = now(deps)
  if (before.status !== 'creating' && before.status !== 'ready') return null
  if (before.expiresAt <= moment.now) return toDead(before, moment, 'expired')
  const isLate = before.status === 'creating' && before.updatedAt <= moment.now - deps.limits.agentSessionStartMs
  return isLate ? toFailed(before, moment, 'It was not in use in time.') : null
}

function now({ clock }: TendDeps): { now: number; by: string } {
  return { now: clock.now(), by }
}

/** One step, recorded where there was one to do. Somebody else may have been faster, or have deleted the session. */
async function tended(deps: TendDeps, id: string, step: (before: StoredSession) => SessionStep | null): Promise<void> {
  try {
    const { session, done } = await changeSession(deps, id, step)
    if (done) tell(deps, session)
  } catch (error) {
    const isOvertaken = error instanceof GatewayError && ['version_conflict', 'no_such_resource'].includes(error.code)
    if (!isOvertaken) throw error
  }
}

function tell({ changes, clock, index }: TendDeps, { id, agentId, status }: StoredSession): void {
  const { kind, name } = systemActor
  changes.append({
    at: clock.now(),
    requestId: '',
    actor: { kind, id: systemActor.id, name },
    changedBy: '',
    action: status === 'dead' ? 'end' : 'update',
    resource: { kind: 'session', id, name: index.get('agent', agentId)?.name ?? '' },
    changed: ['status'],
    outcome: 'ok',
  })
}
