import { GatewayError } from '#contract/errors.ts'
import type { SessionEvent } from '#contract/session.ts'
import type { SessionQuery, SessionStore, StoredSession } from '#core/session/session-store.ts'

type Row = { session: StoredSession; events: SessionEvent[]; changeNumber: number }

/** A SessionStore that ends with the process. */
export function createMemorySessionStore(): SessionStore {
  const rows = new Map<string, Row>()
  let last = 0
  const put = (session: StoredSession, events: readonly SessionEvent[]): void => {
    rows.set(session.id, {
      session: structuredClone(session),
      events: structuredClone([...events]),
      changeNumber: ++last,
    })
  }
  const isOverdue = ({ status, updatedAt, expiresAt }: StoredSession, startedUntil: number, now: number): boolean =>
    (status === 'creating' && updatedAt <= startedUntil) ||
    ((status === 'creating' || status === 'ready') && expiresAt <= now)
  return {
    async create(session, events) {
      if (rows.has(session.id)) throw new GatewayError('already_exists')
      put(session, events)
    },
    async update(session, events) {
      const row = rows.get(session.id)
      if (row?.session.version !== session.version) throw new GatewayError('version_conflict')
      put({ ...session, version: session.version + 1 }, [...row.events, ...events])
    },
    async get(id) {
      return structuredClone(rows.get(id)?.session ?? null)
    },
    async list(query) {
      return structuredClone(pageOf([...rows.values()].map(({ session }) => session).toSorted(newestFirst), query))
    },
    async events(id, limit) {
      return structuredClone(rows.get(id)?.events.slice(-limit) ?? [])
    },
    async changesSince(number) {
      const changed = [...rows.values()].filter(({ changeNumber }) => changeNumber > number)
      return { changed: structuredClone(changed.map(({ session }) => session)), upTo: last }
    },
    async overdue({ startedUntil, now }, limit) {
      const found = [...rows.values()].filter(({ session }) => isOverdue(session, startedUntil, now))
      return structuredClone(found.slice(0, limit).map(({ session }) => session))
    },
    async deleteEnded(before, limit) {
      const ended = [...rows.values()].filter(({ session }) => (session.endedAt ?? Infinity) < before).slice(0, limit)
      for (const { session } of ended) rows.delete(session.id)
      return ended.length
    },
  }
}

function newestFirst(one: StoredSession, other: StoredSession): number {
  return other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1)
}

function pageOf(
  sessions: readonly StoredSession[],
  { agentId, status, within, limit, after }: SessionQuery,
): StoredSession[] {
  const from = after === undefined ? 0 : sessions.findIndex(({ id }) => id === after) + 1
  if (after !== undefined && from === 0) return []
  const fits = (session: StoredSession): boolean =>
    (agentId === undefined || session.agentId === agentId) &&
    (status === undefined || session.status === status) &&
    (within === undefined || within.ids.has(session.id) || within.agentIds.has(session.agentId))
  return sessions.slice(from).filter(fits).slice(0, limit)
}
