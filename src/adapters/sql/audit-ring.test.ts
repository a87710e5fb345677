import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
// oxlint-disable-next-line no-restricted-imports -- contract suites live outside src
import { auditEvent } from '../../../test/contracts/audit-log.ts'
import { createAuditRing } from './audit-ring.ts'

describe('createAuditRing', () => {
  it('is a queue that refuses when it is full', () => {
    const step = fc.record({ pushCount: fc.nat(6), releaseCount: fc.nat(6) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(step), (slotsMax, steps) => {
        const ring = createAuditRing(slotsMax)
        const queue: number[] = []
        let next = 0
        for (const { pushCount, releaseCount } of steps) {
          for (let index = 0; index < pushCount; index++) {
            const isTaken = ring.push(auditEvent(next, { at: next }))
            expect(isTaken).toBe(queue.length < slotsMax)
            if (isTaken) queue.push(next)
            next++
          }
          expect(ring.oldest(4).map((event) => event.at)).toEqual(queue.slice(0, 4))
          const released = queue.splice(0, releaseCount)
          ring.release(released.length)
          expect(ring.size()).toBe(queue.length)
          expect(ring.taken() - ring.released()).toBe(queue.length)
        }
      }),
    )
  })
})
