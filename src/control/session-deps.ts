/** What the use cases of agents' sessions need of the world. Types only. */
import type { Limits } from '#contract/limits.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { SessionIndex } from '#core/session/session-index.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import type { SessionStore } from '#core/session/session-store.ts'
import type { ControlDeps } from './control-deps.ts'

export type SessionDeps = Pick<ControlDeps, 'store' | 'index' | 'clock' | 'newId' | 'changes'> & {
  /** What is true. */
  sessions: SessionStore
  /** The same in memory; what is written here is put there as well. */
  known: SessionIndex
  keys: SessionKeys
  /** How harnesses reach this gateway, without a slash at its end; null where that is not known. */
  baseUrl: () => string | null
  /** False where `index` may have missed changes for longer than is allowed. */
  isCurrent: () => boolean
  /** Tells the other replicas that a session has changed. */
  announceSession: () => void
  counters: Counters
  limits: Pick<
    Limits,
    'agentSessionsMax' | 'agentSessionsPerAgentMax' | 'agentSessionStartsPerMinuteMax' | 'agentSessionStartMs'
  >
}
