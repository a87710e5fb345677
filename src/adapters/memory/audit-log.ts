import { type AuditEvent, checkAuditListLimit, toStorableAuditEvent } from '#core/audit/audit-event.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'

/**
 * An AuditLog that ends with the process. Here the ring is the store: when it is full the oldest event makes room, and
 * counts as dropped, because it is lost.
 */
export function createMemoryAuditLog(options: { ringMax: number }): AuditLog {
  const slots: AuditEvent[] = []
  let next = 0
  let droppedCount = 0
  let isClosed = false
  return {
    append(event) {
      if (isClosed) {
        droppedCount++
        return
      }
      if (slots.length === options.ringMax) droppedCount++
      slots[next] = toKept(event)
      next = next + 1 === options.ringMax ? 0 : next + 1
    },
    flush: () => Promise.resolve(),
    dropped: () => droppedCount,
    async list({ limit }) {
      const newestFirst = [...slots.slice(next), ...slots.slice(0, next)].toReversed()
      return newestFirst.slice(0, checkAuditListLimit(limit)).map((event) => ({ ...event }))
    },
    async close() {
      isClosed = true
    },
  }
}

/** A cut text is a window on the long one and would keep it alive; a clone does not. */
function toKept(event: AuditEvent): AuditEvent {
  const storable = toStorableAuditEvent(event)
  return storable === event ? event : structuredClone(storable)
}
