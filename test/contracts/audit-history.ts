/** What every AuditHistory does, whatever it reads. */
import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import { auditFilterKeys, type AuditHistory } from '#core/audit/audit-history.ts'
import { auditEvent } from './audit-log.ts'

/** `create` gives a history of these events, stored in their order. One page looks at no more than 50 events. */
export function auditHistoryContract(create: (events: readonly AuditEvent[]) => Promise<AuditHistory>): void {
  const idsOf = async (history: AuditHistory, query: Parameters<AuditHistory['read']>[0]): Promise<string[]> => {
    const found: string[] = []
    let before = query.before
    for (let page = 0; page < 100; page++) {
      const { events, next } = await history.read({ ...query, before })
      found.push(...events.map(({ requestId }) => requestId))
      if (next === null) return found
      before = next
    }
    throw new Error('the pages do not end')
  }

  describe('an AuditHistory', () => {
    it('of nothing has nothing', async () => {
      expect(await (await create([])).read({ limit: 10 })).toEqual({ events: [], next: null })
    })

    it('gives the newest first, page by page, each event once', async () => {
      const events = Array.from({ length: 120 }, (_, index) => auditEvent(index))
      const history = await create(events)
      const first = await history.read({ limit: 7 })
      expect(first.events.map(({ requestId }) => requestId)).toEqual(
        events
          .slice(-7)
          .toReversed()
          .map(({ requestId }) => requestId),
      )
      expect(first.events[0]).toMatchObject(auditEvent(119))
      expect(await idsOf(history, { limit: 7 })).toEqual(events.toReversed().map(({ requestId }) => requestId))
    })

    it('finds what is rare, however far back, a bounded look at a time', async () => {
      const events = Array.from({ length: 230 }, (_, index) => auditEvent(index, index === 3 ? { server: 'rare' } : {}))
      const history = await create(events)
      expect((await history.read({ limit: 10, filter: { server: 'rare' } })).events).toEqual([])
      expect(await idsOf(history, { limit: 10, filter: { server: 'rare' } })).toEqual(['req_3'])
    })

    it('filters by every part, and by time', async () => {
      const words: Partial<AuditEvent> = { kind: 'refusal', principalKind: 'team', effect: 'deny' }
      const parts: Partial<AuditEvent>[] = auditFilterKeys
        .filter((key) => key !== 'requestId')
        .map((key) => ({ [key]: words[key] ?? 'x' }))
      const history = await create(parts.map((part, index) => auditEvent(index, part)))
      for (const [index, part] of parts.entries())
        expect(await idsOf(history, { limit: 10, filter: part })).toEqual([`req_${index}`])
      expect(await idsOf(history, { limit: 10, filter: { requestId: 'req_2' } })).toEqual(['req_2'])
      const { at } = auditEvent(3)
      expect(await idsOf(history, { limit: 10, filter: { since: at, until: at + 2 } })).toEqual(['req_4', 'req_3'])
      expect(await idsOf(history, { limit: 10, filter: { server: `x' or '1'='1` } })).toEqual([])
    })

    it('removes the oldest before a time, and no more than it may', async () => {
      const history = await create(Array.from({ length: 10 }, (_, index) => auditEvent(index)))
      const { at } = auditEvent(6)
      expect(await history.deleteBefore(at, 4)).toBe(4)
      expect(await history.deleteBefore(at, 4)).toBe(2)
      expect(await history.deleteBefore(at, 4)).toBe(0)
      expect(await idsOf(history, { limit: 10 })).toEqual(['req_9', 'req_8', 'req_7', 'req_6'])
    })
  })
}
