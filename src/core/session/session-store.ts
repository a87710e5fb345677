/** Port: agents' sessions and what happened to them. Types only. */
import type { SessionEvent, SessionStatus } from '#contract/session.ts'

/** No token and no prompt is stored. Times are Unix milliseconds. */
export type StoredSession = {
  id: string
  agentId: string
  status: SessionStatus
  /** Rises with each restart and recovery. */
  run: number
  title: string | null
  details: Readonly<Record<string, string>>
  failureReason: string | null
  /** Rises by one with each change; a writer names the one it has seen. */
  version: number
  createdAt: number
  /** An actor's id. */
  createdBy: string
  /** Of the last change: of a session that is creating, when its run began. */
  updatedAt: number
  readyAt: number | null
  expiresAt: number
  endedAt: number | null
}

export type SessionQuery = {
  agentId?: string
  status?: SessionStatus
  /** Those that may be told: these, and those of these agents. Without it: all. */
  within?: { ids: ReadonlySet<string>; agentIds: ReadonlySet<string> }
  /** 1 to 1,000. */
  limit: number
  /** The id of the session after which the page begins; one that is not there gives an empty page. */
  after?: string
}

/** What has changed, as it is now, and where that leaves the reader. Numbers rise. */
export type SessionChanges = { changed: readonly StoredSession[]; upTo: number }

export interface SessionStore {
  /**
   * Of version 1.
   * @throws GatewayError `already_exists`
   */
  create(session: StoredSession, events: readonly SessionEvent[]): Promise<void>
  /**
   * Session and events together, or neither. `session.version` is the one that was seen; it is stored as one more.
   * @throws GatewayError `version_conflict` where another version is stored, or none
   */
  update(session: StoredSession, events: readonly SessionEvent[]): Promise<void>
  get(id: string): Promise<StoredSession | null>
  /** The newest first; those of one moment by id. */
  list(query: SessionQuery): Promise<StoredSession[]>
  /** The last of them, at most `limit`, in their order. */
  events(id: string, limit: number): Promise<SessionEvent[]>
  /** Sessions that have changed since; 0: all of them. What was deleted is not told. */
  changesSince(number: number): Promise<SessionChanges>
  /** Those whose time is over: creating since `startedUntil` or longer, or creating or ready and to end by `now`. At most `limit`. */
  overdue(times: { startedUntil: number; now: number }, limit: number): Promise<StoredSession[]>
  /** Deletes, with their events, at most `limit` of those that ended before. @returns how many */
  deleteEnded(before: number, limit: number): Promise<number>
}
