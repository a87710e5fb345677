import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import { shareOf } from '#core/audit/audit-share.ts'
import { auditRecord } from '#test/contracts/audit-log.ts'
import { createAuditRing } from './audit-ring.ts'

const examples: Readonly<Record<string, Partial<AuditEvent>>> = {
  call: {},
  refusal: { kind: 'refusal' },
  stranger: { kind: 'auth_failure', tokenId: '' },
}

describe('createAuditRing', () => {
  it('is a queue that refuses what has no room in its share', () => {
    const step = fc.record({
      kinds: fc.array(fc.constantFrom('call', 'refusal', 'stranger'), { maxLength: 6 }),
      releaseCount: fc.nat(6),
    })
    const slots = fc.integer({ min: 1, max: 5 })
    const room = fc.record({ calls: slots, refusals: slots, strangers: slots })
    fc.assert(
      fc.property(room, fc.array(step), (room, steps) => {
        const ring = createAuditRing(room)
        const queue: AuditRecord[] = []
        let next = 0
        for (const { kinds, releaseCount } of steps) {
          for (const kind of kinds) {
            const record = auditRecord(next, { at: next, ...examples[kind] })
            const share = shareOf(record.what, record.who)
            const isTaken = ring.push(record, share)
            expect(isTaken).toBe(
              queue.filter((waiting) => shareOf(waiting.what, waiting.who) === share).length < room[share],
            )
            if (isTaken) queue.push(record)
            next++
          }
          expect(ring.oldest(4)).toEqual(queue.slice(0, 4))
          const released = queue.splice(0, releaseCount)
          ring.release(released.length)
          expect(ring.size()).toBe(queue.length)
          expect(ring.taken() - ring.released()).toBe(queue.length)
        }
      }),
    )
  })
})
