import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryLocks } from '#adapters/memory/locks.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import { toAuditEvent } from '#core/audit/audit-record.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { until } from '#test/support/until.ts'
import { startMaintenance, type MaintenanceDeps } from './maintenance.ts'

const day = 86_400_000
let clock: FakeClock
let old: number
let askedFor: number[]
let recorded: AuditEvent[]
let deps: MaintenanceDeps

beforeEach(() => {
  clock = new FakeClock(1_000 * day)
  old = 0
  askedFor = []
  recorded = []
  deps = {
    history: {
      deleteBefore: async (time, limit) => {
        askedFor.push(time)
        const count = Math.min(old, limit)
        old -= count
        return count
      },
    },
    audit: { take: (record) => void recorded.push(toAuditEvent(record)) },
    idempotency: { deleteExpired: async () => 0 },
    flows: { deleteForgotten: async () => 0 },
    locks: createMemoryLocks({ clock }),
    clock,
    log: pino({ level: 'silent' }),
    auditDays: 30,
  }
})

describe('maintenance', () => {
  it('removes what is older than it may be, part by part, again and again', async () => {
    await using _running = startMaintenance(deps)
    old = 1_200
    await clock.advance(60_000)
    await until('all is removed', () => old === 0 && askedFor.length === 3)
    expect(askedFor[0]).toBe(1_000 * day + 30_000 - 30 * day)
    await until('that is recorded', () => recorded.length === 1)
    expect(recorded).toMatchObject([
      {
        kind: 'retention',
        principalKind: 'system',
        method: 'delete audit_event',
        reason: 'removed 1200 from before 1972-08-28T00:00:30.000Z',
        outcome: 'ok',
      },
    ])
    old = 10
    await until('it runs again', async () => {
      await clock.advance(60_000)
      return old === 0
    })
  })

  it('keeps events for ever where it is told so', async () => {
    await using _running = startMaintenance({ ...deps, auditDays: null })
    old = 10
    await clock.advance(3_600_000)
    expect(askedFor).toEqual([])
    expect(recorded).toEqual([])
  })

  it('is done by one gateway at a time', async () => {
    const held = await deps.locks.tryLock('maintenance', 3_600_000)
    await using _running = startMaintenance(deps)
    old = 10
    await clock.advance(60_000)
    expect(askedFor).toEqual([])
    await held?.release()
    await until('the next turn does it', async () => {
      await clock.advance(60_000)
      return old === 0
    })
  })

  it('goes on after a failure', async () => {
    let isBroken = true
    const { deleteBefore } = deps.history
    const history = {
      deleteBefore: (time: number, limit: number) =>
        isBroken ? Promise.reject(new Error('broken')) : deleteBefore(time, limit),
    }
    await using _running = startMaintenance({ ...deps, history })
    old = 10
    await clock.advance(60_000)
    expect(old).toBe(10)
    isBroken = false
    await until('it is done later', async () => {
      await clock.advance(60_000)
      return old === 0
    })
  })

  it('leaves no timer behind', async () => {
    await startMaintenance(deps)[Symbol.asyncDispose]()
    expect(clock.waiting).toBe(0)
  })
})
