import type { AuditRecord } from '#core/audit/audit-record.ts'
import { shareOf, type AuditRoom, type AuditShare } from '#core/audit/audit-share.ts'

/** A queue of bounded length whose slots are allocated once, and of which each share of the events has its part. */
export type AuditRing = {
  /** False where the share, which is the event's own, is full. */
  push(record: AuditRecord, share: AuditShare): boolean
  size(): number
  /** Events since the start: how many came in, and how many of them are gone again. */
  taken(): number
  released(): number
  /** The oldest, at most `countMax`; they stay until they are released. */
  oldest(countMax: number): AuditRecord[]
  /** Forgets the `count` oldest. */
  release(count: number): void
}

/** Payloads that wait, in UTF-16 units. Beyond, events wait without theirs. */
const payloadCharsMax = 67_108_864

export function createAuditRing(room: AuditRoom): AuditRing {
  const slotsMax = room.calls + room.refusals + room.strangers
  const slots = Array.from<AuditRecord | undefined>({ length: slotsMax })
  const sizes = { calls: 0, refusals: 0, strangers: 0 }
  let head = 0
  let size = 0
  let released = 0
  let payloadChars = 0
  return {
    push(record, share) {
      if (sizes[share] === room[share]) return false
      sizes[share]++
      const chars = record.arguments.length + record.result.length
      if (payloadChars + chars > payloadCharsMax) record.arguments = record.result = ''
      else payloadChars += chars
      const tail = head + size
      slots[tail < slotsMax ? tail : tail - slotsMax] = record
      size++
      return true
    },
    size: () => size,
    taken: () => released + size,
    released: () => released,
    oldest(countMax) {
      const records: AuditRecord[] = []
      for (let index = 0; index < Math.min(size, countMax); index++) {
        const record = slots[(head + index) % slotsMax]
        if (record) records.push(record)
      }
      return records
    },
    release(count) {
      for (let index = 0; index < count; index++) {
        const record = slots[head]
        if (record) {
          sizes[shareOf(record.what, record.who)]--
          payloadChars -= record.arguments.length + record.result.length
        }
        slots[head] = undefined
        head = (head + 1) % slotsMax
      }
      size -= count
      released += count
    },
  }
}
