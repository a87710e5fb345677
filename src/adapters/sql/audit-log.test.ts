import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import { auditEvent, auditLogContract } from '#test/contracts/audit-log.ts'
import { createSqlAuditLog } from './audit-log.ts'
import { type Database, openDatabase } from './database.ts'

let database: Database
beforeEach(async () => {
  database = await openDatabase({ path: ':memory:' })
})
afterEach(async () => {
  await database.close()
})

auditLogContract(async () => createSqlAuditLog({ database }))

/** A clock that stands still until it is told. */
function createTestClock() {
  const timers = new Set<{ delayMs: number; task: () => void }>()
  return {
    timers,
    after(delayMs: number, task: () => void) {
      const timer = { delayMs, task }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    ring() {
      const due = Array.from(timers)
      timers.clear()
      for (const timer of due) timer.task()
    },
  }
}

/** Stands before the database, refuses the next `refusals` batches, and remembers the sizes of the stored ones. */
function watch(refusals = 0, refusal: Error = new Error('disk full')) {
  const sizes: number[] = []
  const arrivals = new Set<() => void>()
  let refusalsLeft = refusals
  return {
    sizes,
    /** It is as if it had never been away. */
    comeBack: () => void (refusalsLeft = 0),
    queries: database.queries,
    async insertAuditEvents(records: readonly AuditRecord[]) {
      if (refusalsLeft-- > 0) throw refusal
      await database.insertAuditEvents(records)
      sizes.push(records.length)
      for (const arrive of arrivals) arrive()
    },
    /** Resolves at the next stored batch. */
    nextBatch: () =>
      new Promise<void>((resolve) => {
        const arrive = () => {
          arrivals.delete(arrive)
          resolve()
        }
        arrivals.add(arrive)
      }),
  }
}

describe('createSqlAuditLog', () => {
  it('stores events when the timer rings, in one batch, and then runs no timer', async () => {
    const clock = createTestClock()
    const watched = watch()
    const log = createSqlAuditLog({ database: watched, clock, flushMs: 70 })
    expect(clock.timers.size).toBe(0)
    for (let index = 0; index < 10; index++) log.append(auditEvent(index))
    expect([...clock.timers].map((timer) => timer.delayMs)).toEqual([70])
    expect(await log.list({ limit: 1 })).toEqual([])
    const stored = watched.nextBatch()
    clock.ring()
    await stored
    await log.flush()
    expect(watched.sizes).toEqual([10])
    expect(clock.timers.size).toBe(0)
    await log.close()
  })

  it('stores by itself within its time', async () => {
    const watched = watch()
    const log = createSqlAuditLog({ database: watched, flushMs: 5 })
    const stored = watched.nextBatch()
    log.append(auditEvent(1))
    await stored
    expect(await log.list({ limit: 1 })).toEqual([auditEvent(1)])
    await log.close()
  })

  it('stores a full batch without waiting for the timer', async () => {
    const clock = createTestClock()
    const watched = watch()
    const log = createSqlAuditLog({ database: watched, clock, batchMax: 20 })
    const stored = watched.nextBatch()
    for (let index = 0; index < 20; index++) log.append(auditEvent(index))
    await stored
    expect(watched.sizes).toEqual([20])
    expect(clock.timers.size).toBe(0)
    await log.close()
  })

  it('arms the timer again for what comes while a batch is written', async () => {
    const clock = createTestClock()
    const watched = watch()
    const log = createSqlAuditLog({ database: watched, clock, batchMax: 20 })
    const first = watched.nextBatch()
    for (let index = 0; index < 25; index++) log.append(auditEvent(index))
    await first
    while (clock.timers.size === 0) await new Promise(setImmediate)
    expect(watched.sizes).toEqual([20])
    const second = watched.nextBatch()
    clock.ring()
    await second
    expect(watched.sizes).toEqual([20, 5])
    await log.close()
  })

  it('lets other work run between the batches of a backlog', async () => {
    const watched = watch()
    const log = createSqlAuditLog({ database: watched, clock: createTestClock(), batchMax: 100 })
    for (let index = 0; index < 1_000; index++) log.append(auditEvent(index))
    const seen = new Set<number>()
    let isDone = false
    const look = () => {
      seen.add(watched.sizes.length)
      if (!isDone) setImmediate(look)
    }
    setImmediate(look)
    await log.flush()
    isDone = true
    expect(watched.sizes).toEqual(Array.from({ length: 10 }, () => 100))
    expect(seen.size).toBeGreaterThanOrEqual(9)
    await log.close()
  })

  it('drops and counts what comes when the ring is full, and takes events again afterwards', async () => {
    const log = createSqlAuditLog({ database, clock: createTestClock(), ringMax: 5 })
    for (let index = 0; index < 8; index++) log.append(auditEvent(index))
    expect(log.dropped()).toBe(3)
    await log.flush()
    log.append(auditEvent(8))
    await log.flush()
    expect((await log.list({ limit: 10 })).map((event) => event.requestId)).toEqual(
      [8, 4, 3, 2, 1, 0].map((index) => `req_${index}`),
    )
    expect(log.dropped()).toBe(3)
    await log.close()
  })

  it('tries a refused batch once more and loses nothing', async () => {
    const watched = watch(1)
    const log = createSqlAuditLog({ database: watched })
    log.append(auditEvent(1))
    await log.flush()
    expect(log.dropped()).toBe(0)
    expect(await log.list({ limit: 2 })).toEqual([auditEvent(1)])
    await log.close()
  })

  it('drops, counts and reports a batch that was refused twice, and stores the next', async () => {
    const reports: unknown[] = []
    const onRefused = (cause: unknown, lostCount: number) => reports.push([String(cause), lostCount])
    const log = createSqlAuditLog({ database: watch(2), onRefused })
    log.append(auditEvent(1))
    log.append(auditEvent(2))
    await expect(log.flush()).rejects.toMatchObject({ code: 'internal' })
    expect(log.dropped()).toBe(2)
    expect(reports).toEqual([['Error: disk full', 2]])
    log.append(auditEvent(3))
    await log.flush()
    expect(await log.list({ limit: 5 })).toEqual([auditEvent(3)])
    await log.close()
  })

  it('survives a refusal that nobody waits for', async () => {
    const clock = createTestClock()
    const watched = watch(2)
    const log = createSqlAuditLog({ database: watched, clock })
    log.append(auditEvent(1))
    clock.ring()
    while (log.dropped() === 0) await new Promise(setImmediate)
    log.append(auditEvent(2))
    await log.flush()
    expect(await log.list({ limit: 5 })).toEqual([auditEvent(2)])
    await log.close()
  })

  it('closes even when the store refuses everything', async () => {
    const log = createSqlAuditLog({ database: watch(Number.POSITIVE_INFINITY), batchMax: 2 })
    for (let index = 0; index < 5; index++) log.append(auditEvent(index))
    await log.close()
    expect(log.dropped()).toBe(5)
  })

  it('counts every event as stored or dropped while appends and flushes overlap', async () => {
    const log = createSqlAuditLog({ database, batchMax: 7, ringMax: 50 })
    const flushes: Promise<void>[] = []
    for (let round = 0; round < 40; round++) {
      for (let index = 0; index < 13; index++) log.append(auditEvent(round * 13 + index))
      if (round % 3 === 0) flushes.push(log.flush())
      if (round % 5 === 0) await new Promise(setImmediate)
    }
    await Promise.all(flushes)
    await log.close()
    const stored = await log.list({ limit: 10_000 })
    expect(stored.length + log.dropped()).toBe(40 * 13)
    expect(new Set(stored.map((event) => event.requestId)).size).toBe(stored.length)
  })

  it('tells of what found no room, once in a while and at the end', async () => {
    const clock = createTestClock()
    const told: unknown[] = []
    const log = createSqlAuditLog({ database, clock, ringMax: 5, onLost: (lost) => told.push(lost) })
    for (let index = 0; index < 8; index++) log.append(auditEvent(index))
    for (let index = 0; index < 4; index++) log.append(auditEvent(index, { kind: 'refusal' }))
    expect(told).toEqual([])
    clock.ring()
    expect(told).toEqual([{ calls: 3, refusals: 3 }])
    await log.flush()
    for (let index = 0; index < 6; index++) log.append(auditEvent(index))
    await log.close()
    expect(told).toEqual([
      { calls: 3, refusals: 3 },
      { calls: 1, refusals: 0 },
    ])
    expect([log.dropped(), log.droppedRefusals()]).toEqual([4, 3])
    expect(clock.timers.size).toBe(0)
  })

  it('stores refusals of strangers at a bounded rate, and all others as they come', async () => {
    const log = createSqlAuditLog({ database })
    const stranger = { kind: 'auth_failure', tokenId: '', at: 1_000 } as const
    for (let index = 0; index < 1_500; index++) log.append(auditEvent(index, stranger))
    await log.flush()
    for (let index = 0; index < 1_500; index++) log.append(auditEvent(index, { ...stranger, at: 2_000 }))
    for (let index = 0; index < 2_000; index++) log.append(auditEvent(index, { kind: 'refusal', at: 2_000 }))
    await log.flush()
    const events = await log.list({ limit: 10_000 })
    expect(events.filter(({ tokenId }) => tokenId === '')).toHaveLength(1_100)
    expect(events.filter(({ kind }) => kind === 'refusal')).toHaveLength(2_000)
    expect(log.droppedRefusals()).toBe(1_900)
    await log.close()
  })

  it('counts refusals that the store refused by themselves', async () => {
    const log = createSqlAuditLog({ database: watch(2) })
    log.append(auditEvent(1))
    log.append(auditEvent(2, { kind: 'auth_failure', tokenId: '' }))
    log.append(auditEvent(3, { kind: 'refusal' }))
    await expect(log.flush()).rejects.toMatchObject({ code: 'internal' })
    expect([log.dropped(), log.droppedRefusals()]).toEqual([1, 2])
    await log.close()
  })

  describe('while the store is away', () => {
    const away = new GatewayError('storage_unavailable')
    const gone = () => watch(Number.POSITIVE_INFINITY, away)
    const delaysOf = ({ timers }: ReturnType<typeof createTestClock>) => [...timers].map(({ delayMs }) => delayMs)

    it('loses nothing that there is room for, asks again after longer and longer, and stores all when it is back', async () => {
      const clock = createTestClock()
      const watched = gone()
      const told: unknown[] = []
      const onReach = (cause: unknown, waiting: number) => told.push([cause, waiting])
      const log = createSqlAuditLog({ database: watched, clock, batchMax: 10, onReach })
      for (let index = 0; index < 30; index++) log.append(auditEvent(index))
      const waits: (number | undefined)[] = []
      for (let round = 0; round < 8; round++) {
        while (clock.timers.size === 0) await new Promise(setImmediate)
        waits.push(delaysOf(clock)[0])
        clock.ring()
      }
      expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
      expect(told).toEqual([[away, 30]])
      while (clock.timers.size === 0) await new Promise(setImmediate)
      watched.comeBack()
      clock.ring()
      await log.flush()
      expect(told).toEqual([
        [away, 30],
        [null, 20],
      ])
      expect((await log.list({ limit: 100 })).map(({ requestId }) => requestId)).toEqual(
        Array.from({ length: 30 }, (_, index) => `req_${29 - index}`),
      )
      expect(log.dropped()).toBe(0)
      await log.close()
    })

    it('keeps what came first, and counts and tells what finds no room', async () => {
      const clock = createTestClock()
      const watched = gone()
      const told: unknown[] = []
      const log = createSqlAuditLog({ database: watched, clock, ringMax: 5, onLost: (lost) => told.push(lost) })
      for (let index = 0; index < 8; index++) log.append(auditEvent(index))
      await expect(log.flush()).rejects.toMatchObject({ code: 'storage_unavailable' })
      expect(log.dropped()).toBe(3)
      clock.ring()
      expect(told).toEqual([{ calls: 3, refusals: 0 }])
      watched.comeBack()
      await log.flush()
      expect((await log.list({ limit: 9 })).map(({ requestId }) => requestId)).toEqual([
        'req_4',
        'req_3',
        'req_2',
        'req_1',
        'req_0',
      ])
      await log.close()
    })

    it('does not ask it for each event that comes', async () => {
      const clock = createTestClock()
      let asked = 0
      const insertAuditEvents = async () => {
        asked++
        throw away
      }
      const log = createSqlAuditLog({ database: { queries: database.queries, insertAuditEvents }, clock, batchMax: 2 })
      await expect(log.flush()).resolves.toBeUndefined()
      log.append(auditEvent(1))
      await expect(log.flush()).rejects.toMatchObject({ code: 'storage_unavailable' })
      const before = asked
      for (let index = 0; index < 100; index++) log.append(auditEvent(index))
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
      expect(asked).toBe(before)
      await log.close()
    })

    it('ends, and says how many events are lost', async () => {
      const reports: unknown[] = []
      const clock = createTestClock()
      const onRefused = (cause: unknown, lostCount: number) => reports.push([cause, lostCount])
      const log = createSqlAuditLog({ database: gone(), clock, batchMax: 2, onRefused })
      for (let index = 0; index < 5; index++) log.append(auditEvent(index))
      await log.close()
      expect(reports).toEqual([[away, 5]])
      expect(log.dropped()).toBe(5)
      expect(clock.timers.size).toBe(0)
    })
  })

  it('holds payloads up to a bound, and events beyond it without theirs', async () => {
    const log = createSqlAuditLog({ database, clock: createTestClock(), ringMax: 100 })
    const payload = 'x'.repeat(30_000_000)
    for (let index = 0; index < 3; index++) log.append(auditEvent(index, { arguments: payload }))
    await log.flush()
    const kept = await database.queries
      .selectFrom('audit_event')
      .select('request_id')
      .where('arguments', '<>', '')
      .execute()
    expect(kept.map((row) => row.request_id)).toEqual(['req_0', 'req_1'])
    expect(log.dropped()).toBe(0)
    await log.close()
  })

  it('does not read a row that is no event', async () => {
    const log = createSqlAuditLog({ database })
    log.append(auditEvent(1))
    await log.flush()
    await database.queries.updateTable('audit_event').set({ effect: 'perhaps' }).execute()
    await expect(log.list({ limit: 1 })).rejects.toMatchObject({ code: 'internal' })
    await log.close()
  })
})
