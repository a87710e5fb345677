/** What every AuditLog does, whatever it stores in. */
import { afterEach, describe, expect, it } from 'vitest'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import { toAuditRecord, type AuditRecord } from '#core/audit/audit-record.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'

/** A call that was allowed and went well; `index` tells it from the others. */
export function auditEvent(index: number, changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    at: 1_732_180_000_000 + index,
    kind: 'call',
    principalKind: 'user',
    principalId: 'usr_1',
    principalName: 'ann',
    tokenId: 'tok_1',
    tokenName: 'platform',
    tokenHash: '0123456789ab',
    sessionId: '',
    credential: 'bearer',
    changedBy: '',
    requestId: `req_${index}`,
    project: 'web',
    toolset: '',
    endpoint: 'aggregate:everything',
    method: 'tools/call',
    server: 'everything',
    target: 'echo',
    targetId: '',
    calledAs: 'everything__echo',
    effect: 'allow',
    reason: 'rule 0 of policy platform',
    outcome: 'ok',
    durationMs: index + 0.25,
    upstreamMs: index + 0.125,
    argumentsDigest: 'e3b0c442',
    arguments: '',
    result: '',
    ...changes,
  }
}

export function auditRecord(index: number, changes: Partial<AuditEvent> = {}): AuditRecord {
  return toAuditRecord(auditEvent(index, changes))
}

/** `create` gives an empty log that holds at least 5,000 events. */
export function auditLogContract(create: () => Promise<AuditLog>): void {
  describe('an AuditLog', () => {
    const open: AuditLog[] = []
    const createLog = async () => {
      const log = await create()
      open.push(log)
      return log
    }
    afterEach(async () => {
      for (const log of open.splice(0)) await log.close()
    })

    it('is empty at first', async () => {
      const log = await createLog()
      await log.flush()
      expect(await log.list({ limit: 10 })).toEqual([])
      expect(log.dropped()).toBe(0)
      expect(log.droppedRefusals()).toBe(0)
    })

    it('lists what was flushed, the newest first, with every field', async () => {
      const log = await createLog()
      const events = [
        auditEvent(1),
        auditEvent(2, { kind: 'auth_failure', tokenId: '', tokenName: '', effect: 'deny', reason: 'unauthorized' }),
        auditEvent(4, { kind: 'refusal', effect: 'deny', reason: 'parse_error', outcome: 'parse_error' }),
        auditEvent(5, { kind: 'session_end', method: 'DELETE', upstreamMs: null }),
        auditEvent(3, { kind: 'config_change', server: '', target: '', outcome: 'config_invalid', durationMs: 0 }),
        auditEvent(6, { principalKind: 'agent', tokenId: '', tokenName: '', tokenHash: '', sessionId: 'ses_1' }),
        auditEvent(7, {
          kind: 'resource_change',
          targetId: 'tok_2',
          changedBy: 'ticket 17',
          project: '',
          toolset: 't',
        }),
        auditEvent(8, { kind: 'retention', principalKind: 'system', arguments: '{"a":1}', result: '{"b":"…"}' }),
        auditEvent(9, { principalKind: '', principalId: '', principalName: '' }),
      ]
      for (const event of events) log.append(event)
      await log.flush()
      expect(await log.list({ limit: 10 })).toEqual(events.toReversed())
    })

    it('orders by when events were appended, not by what they say of the time', async () => {
      const log = await createLog()
      log.append(auditEvent(2))
      log.append(auditEvent(1))
      await log.flush()
      expect((await log.list({ limit: 2 })).map((event) => event.requestId)).toEqual(['req_1', 'req_2'])
    })

    it('gives no more than the limit', async () => {
      const log = await createLog()
      for (let index = 0; index < 5; index++) log.append(auditEvent(index))
      await log.flush()
      expect((await log.list({ limit: 2 })).map((event) => event.requestId)).toEqual(['req_4', 'req_3'])
      expect(await log.list({ limit: 0 })).toEqual([])
      expect(await log.list({ limit: 10_000 })).toHaveLength(5)
    })

    it.each([-1, 1.5, Number.NaN, 10_001])('refuses the limit %s', async (limit) => {
      const log = await createLog()
      await expect(log.list({ limit })).rejects.toMatchObject({ code: 'invalid_params' })
    })

    it('keeps thousands of events in their order', async () => {
      const log = await createLog()
      for (let index = 0; index < 5_000; index++) log.append(auditEvent(index))
      await log.flush()
      const ids = (await log.list({ limit: 5_000 })).map((event) => event.requestId)
      expect(ids).toEqual(Array.from({ length: 5_000 }, (_, index) => `req_${4_999 - index}`))
      expect(log.dropped()).toBe(0)
    })

    it.each([
      ['of nobody', { tokenId: '', tokenName: '' }],
      ['of a token', {}],
    ])('loses no call to a flood of refusals %s, and counts those that it loses', async (_whose, who) => {
      const log = await createLog()
      const refusal = {
        kind: 'refusal',
        effect: 'deny',
        reason: 'parse_error',
        outcome: 'parse_error',
        ...who,
      } as const
      for (let index = 0; index < 2_500; index++) log.append(auditEvent(index))
      for (let index = 0; index < 20_000; index++) log.append(auditEvent(10_000 + index, refusal))
      for (let index = 2_500; index < 5_000; index++) log.append(auditEvent(index))
      await log.flush()
      const events = await log.list({ limit: 10_000 })
      const kept = events.filter(({ kind }) => kind === 'refusal').length
      const calls = events.filter(({ kind }) => kind === 'call').map(({ requestId }) => requestId)
      expect(calls).toEqual(Array.from({ length: 5_000 }, (_, index) => `req_${4_999 - index}`))
      expect(kept).toBeGreaterThan(0)
      expect(log.droppedRefusals()).toBe(20_000 - kept)
      expect(log.dropped()).toBe(0)
    })

    it('takes a session of an agent for no stranger', async () => {
      const log = await createLog()
      const refusal = { kind: 'refusal', effect: 'deny', tokenId: '' } as const
      for (let index = 0; index < 20_000; index++) log.append(auditEvent(index, refusal))
      for (let index = 0; index < 100; index++) log.append(auditEvent(index, { ...refusal, sessionId: 'ses_1' }))
      await log.flush()
      const events = await log.list({ limit: 10_000 })
      expect(events.filter(({ sessionId }) => sessionId !== '')).toHaveLength(100)
    })

    it('loses no refusal of a token to a flood of nobody’s', async () => {
      const log = await createLog()
      const refusal = { kind: 'refusal', effect: 'deny', reason: 'not_found', outcome: 'not_found' } as const
      for (let index = 0; index < 100; index++) log.append(auditEvent(index, refusal))
      for (let index = 0; index < 20_000; index++) log.append(auditEvent(1_000 + index, { ...refusal, tokenId: '' }))
      await log.flush()
      const events = await log.list({ limit: 10_000 })
      expect(events.filter(({ tokenId }) => tokenId !== '')).toHaveLength(100)
      expect(log.droppedRefusals()).toBeGreaterThan(0)
    })

    it('keeps the order in which refusals and calls came', async () => {
      const log = await createLog()
      const kinds = ['call', 'refusal', 'refusal', 'auth_failure', 'call', 'session_end', 'refusal'] as const
      for (const [index, kind] of kinds.entries())
        log.append(auditEvent(index, { kind, tokenId: index % 2 ? '' : 'a' }))
      await log.flush()
      const ids = (await log.list({ limit: 10 })).map(({ requestId }) => requestId)
      expect(ids).toEqual(kinds.map((_, index) => `req_${index}`).toReversed())
      expect((await log.list({ limit: 2 })).map(({ requestId }) => requestId)).toEqual(ids.slice(0, 2))
    })

    it('keeps text as it is, quotes and emoji included, and of a NUL at least its picture', async () => {
      const log = await createLog()
      const event = auditEvent(1, { target: `'"; drop table audit_event; --`, tokenName: 'é😀' })
      log.append({ ...event, reason: 'a\0b' })
      await log.flush()
      const [listed] = await log.list({ limit: 1 })
      expect(listed).toEqual({ ...event, reason: listed?.reason })
      expect(['a\0b', 'a\u2400b']).toContain(listed?.reason)
    })

    it('cuts a text that is too long', async () => {
      const log = await createLog()
      log.append(auditEvent(1, { target: 'x'.repeat(100_000) }))
      await log.flush()
      expect(await log.list({ limit: 1 })).toEqual([auditEvent(1, { target: 'x'.repeat(512) })])
    })

    it('stores an event with impossible numbers, and its neighbours', async () => {
      const log = await createLog()
      log.append(auditEvent(1))
      log.append(auditEvent(2, { at: 1.5, durationMs: Number.NaN, upstreamMs: Number.POSITIVE_INFINITY }))
      log.append(auditEvent(3))
      await log.flush()
      expect(await log.list({ limit: 3 })).toEqual([
        auditEvent(3),
        auditEvent(2, { at: 1, durationMs: 0, upstreamMs: null }),
        auditEvent(1),
      ])
    })

    it('does not change when a listed event is changed', async () => {
      const log = await createLog()
      log.append(auditEvent(1))
      await log.flush()
      for (const event of await log.list({ limit: 1 })) event.effect = 'deny'
      expect(await log.list({ limit: 1 })).toEqual([auditEvent(1)])
    })

    it('stores what was appended before it is closed, and counts what comes after', async () => {
      const log = await createLog()
      log.append(auditEvent(1))
      await log.close()
      log.append(auditEvent(2))
      await log.close()
      expect(await log.list({ limit: 10 })).toEqual([auditEvent(1)])
      expect(log.dropped()).toBe(1)
    })
  })
}
