/** McpSessionRecords of one process. */
import type { Clock } from '#core/clock.ts'
import type { McpSessionFate, McpSessionRecord, McpSessionRecords } from '#core/session/mcp-session-records.ts'
import { ExpiringMap } from './expiring-map.ts'

export function createMemoryMcpSessionRecords({ clock }: { clock: Pick<Clock, 'now'> }): McpSessionRecords {
  /** By id, a copy; null: the session has ended. */
  const records = new ExpiringMap<McpSessionRecord | null>({ now: () => clock.now() })
  const fateOf = (id: string): McpSessionFate => {
    const record = records.get(id)
    if (record === undefined) return 'unknown'
    return record === null ? 'ended' : 'kept'
  }
  return {
    async put(record, idleMs) {
      if (fateOf(record.id) === 'ended') return false
      records.set(record.id, structuredClone(record), clock.now() + idleMs)
      return true
    },
    async get(id) {
      return structuredClone(records.get(id) ?? null)
    },
    async touch(uses) {
      return uses.map(({ id, idleMs }) => {
        const record = records.get(id)
        const until = Math.max(records.untilOf(id), clock.now() + idleMs)
        if (record) records.set(id, record, until)
        return fateOf(id)
      })
    },
    async end(id, rememberMs) {
      records.set(id, null, clock.now() + rememberMs)
    },
  }
}
