import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { LegacyRun } from './legacy-run.ts'
import { ParkedCalls } from './parked-calls.ts'

let clock: FakeClock
let parked: ParkedCalls
let nextId: number

beforeEach(() => {
  clock = new FakeClock()
  nextId = 1
  const randomId = (prefix: string) => `${prefix}_${nextId++}`
  parked = new ParkedCalls({ clock, randomId, parkedCallsMax: 2, parkedCallMs: 1_000 })
})

const invalid = expect.objectContaining({ code: 'request_state_invalid', details: {} })

describe('ParkedCalls', () => {
  it('gives a run back to who parked it, and keeps it until it is taken', () => {
    const run = new LegacyRun(clock)
    const handle = parked.park(run, 'ann calls a')
    expect(parked.find(handle, 'ann calls a')).toBe(run)
    expect(parked.find(handle, 'ann calls a')).toBe(run)
    parked.take(handle)
    expect(() => parked.find(handle, 'ann calls a')).toThrow(invalid)
    expect(clock.waiting).toBe(0)
  })

  it('opens a handle for nothing but what it was made for, and says the same for every reason', () => {
    const handle = parked.park(new LegacyRun(clock), 'ann calls a')
    expect(() => parked.find(handle, 'bob calls a')).toThrow(invalid)
    expect(() => parked.find(handle, 'ann calls b')).toThrow(invalid)
    expect(() => parked.find('prk_99', 'ann calls a')).toThrow(invalid)
  })

  it('abandons a run whose time has passed', async () => {
    const run = new LegacyRun(clock)
    const handle = parked.park(run, 'x')
    await clock.advance(999)
    expect(run.cancellation.isCancelled).toBe(false)
    await clock.advance(1)
    expect(run.cancellation.isCancelled).toBe(true)
    expect(() => parked.find(handle, 'x')).toThrow(invalid)
    expect(parked.size).toBe(0)
  })

  it('refuses and abandons what is too many', () => {
    parked.park(new LegacyRun(clock), 'x')
    parked.park(new LegacyRun(clock), 'x')
    const third = new LegacyRun(clock)
    expect(() => parked.park(third, 'x')).toThrow(
      expect.objectContaining({ code: 'rate_limited', details: { parkedCallsMax: 2 } }),
    )
    expect(third.cancellation.isCancelled).toBe(true)
    expect(parked.size).toBe(2)
  })

  it('abandons everything when it is closed', () => {
    const runs = [new LegacyRun(clock), new LegacyRun(clock)]
    for (const run of runs) parked.park(run, 'x')
    parked.close()
    expect(runs.every((run) => run.cancellation.isCancelled)).toBe(true)
    expect([parked.size, clock.waiting]).toEqual([0, 0])
  })
})
