import { GatewayError } from '#contract/errors.ts'
import type { SessionStep } from '#core/session/session-states.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import type { SessionDeps } from './session-deps.ts'

/** A session that somebody else changes at the same moment is read again, this often. */
const attemptsMax = 5

/**
 * Does one step of a session's life, on what is stored at that moment.
 * @param step null: there is nothing to do. It may be asked several times
 * @throws GatewayError `no_such_resource`, `version_conflict`, and whatever `step` throws
 */
export async function changeSession<Step extends SessionStep>(
  deps: Pick<SessionDeps, 'sessions' | 'known' | 'announceSession'>,
  id: string,
  step: (before: StoredSession) => Step | null,
): Promise<{ session: StoredSession; done: Step | null }> {
  for (let attempt = 1; ; attempt++) {
    const before = await deps.sessions.get(id)
    if (!before) throw new GatewayError('no_such_resource')
    const done = step(before)
    if (!done) return { session: before, done }
    try {
      await deps.sessions.update(done.session, done.events)
    } catch (error) {
      if (attempt < attemptsMax && isConflict(error)) continue
      throw error
    }
    const session = { ...done.session, version: before.version + 1 }
    tellChange(deps, session)
    return { session, done }
  }
}

/** This replica decides by it from now on; the others hear of it. */
export function tellChange(deps: Pick<SessionDeps, 'known' | 'announceSession'>, session: StoredSession): void {
  deps.known.put(session)
  deps.announceSession()
}

function isConflict(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'version_conflict'
}
