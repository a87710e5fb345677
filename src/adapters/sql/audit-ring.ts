import type { AuditEvent } from '#core/audit/audit-event.ts'

/** A queue of bounded length whose slots are allocated once. */
export type AuditRing = {
  /** False where it is full. */
  push(event: AuditEvent): boolean
  size(): number
  /** Events since the start: how many came in, and how many of them are gone again. */
  taken(): number
  released(): number
  /** The oldest, at most `countMax`; they stay until they are released. */
  oldest(countMax: number): AuditEvent[]
  /** Forgets the `count` oldest. */
  release(count: number): void
}

export function createAuditRing(slotsMax: number): AuditRing {
  const slots = Array.from<AuditEvent | undefined>({ length: slotsMax })
  let head = 0
  let size = 0
  let released = 0
  return {
    push(event) {
      if (size === slotsMax) return false
      const tail = head + size
      slots[tail < slotsMax ? tail : tail - slotsMax] = event
      size++
      return true
    },
    size: () => size,
    taken: () => released + size,
    released: () => released,
    oldest(countMax) {
      const events: AuditEvent[] = []
      for (let index = 0; index < Math.min(size, countMax); index++) {
        const event = slots[(head + index) % slotsMax]
        if (event) events.push(event)
      }
      return events
    },
    release(count) {
      for (let index = 0; index < count; index++) {
        slots[head] = undefined
        head = (head + 1) % slotsMax
      }
      size -= count
      released += count
    },
  }
}
