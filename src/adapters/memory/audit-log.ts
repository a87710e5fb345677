import { type AuditEvent, checkAuditListLimit, toStorableAuditEvent } from '#core/audit/audit-event.ts'
import type { AuditRecordLog } from '#core/audit/audit-log.ts'
import { toAuditEvent } from '#core/audit/audit-record.ts'
import { AuditLosses, divideAuditRoom, shareOf } from '#core/audit/audit-share.ts'

type Kept = { event: AuditEvent; sequence: number }

/**
 * An AuditLog that ends with the process. Here the ring is the store: when it is full the oldest event makes room, and
 * counts as dropped, because it is lost. Refusals have rings of their own beside it.
 */
export function createMemoryAuditLog(options: { ringMax: number }): AuditRecordLog {
  const room = divideAuditRoom(options.ringMax)
  const rings = { calls: new Ring(room.calls), refusals: new Ring(room.refusals), strangers: new Ring(room.strangers) }
  const losses = new AuditLosses()
  let sequence = 0
  let isClosed = false
  function append(event: AuditEvent): void {
    const share = shareOf(event, event)
    const isLost = isClosed || rings[share].push({ event: toKept(event), sequence: sequence++ })
    if (isLost) losses.add(share)
  }
  return {
    append,
    take: (record) => append(toAuditEvent(record)),
    flush: () => Promise.resolve(),
    dropped: () => losses.calls,
    droppedRefusals: () => losses.refusals,
    async list({ limit }) {
      const kept = Object.values(rings).flatMap((ring) => [...ring.entries()])
      const newestFirst = kept.toSorted((one, other) => other.sequence - one.sequence)
      return newestFirst.slice(0, checkAuditListLimit(limit)).map(({ event }) => ({ ...event }))
    },
    async close() {
      isClosed = true
    },
  }
}

class Ring {
  readonly #slotsMax: number
  readonly #slots: Kept[] = []
  #next = 0

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax
  }

  /** @returns whether another had to make room */
  push(kept: Kept): boolean {
    const isFull = this.#slots.length === this.#slotsMax
    this.#slots[this.#next] = kept
    this.#next = this.#next + 1 === this.#slotsMax ? 0 : this.#next + 1
    return isFull
  }

  entries(): Iterable<Kept> {
    return this.#slots
  }
}

/** A cut text is a window on the long one and would keep it alive; a clone does not. */
function toKept(event: AuditEvent): AuditEvent {
  const storable = toStorableAuditEvent(event)
  return storable === event ? event : structuredClone(storable)
}
