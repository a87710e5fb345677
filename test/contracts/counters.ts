/** What all Counters do, wherever they count. */
import { describe, expect, it } from 'vitest'
import type { Charge, CountedLimit, Counters } from '#core/limits/counters.ts'

export type CountersHouse = {
  /** Two replicas' ends. */
  one: Counters
  two: Counters
  /** Lets time pass: at least so much, and not much more. */
  pass: (ms: number) => Promise<void>
}

const slowBucket = { kind: 'bucket', burst: 3, perSecond: 0.001 } as const
const longWindow = { kind: 'window', max: 3, windowMs: 600_000 } as const

const of = (limit: CountedLimit, changes: Partial<Charge> = {}): Charge => ({
  key: 'token:a',
  limit,
  cost: 1,
  ...changes,
})

export function countersContract(create: () => Promise<CountersHouse>): void {
  describe('Counters', () => {
    it.each([slowBucket, longWindow])('let through so much and no more, over all replicas: %o', async (limit) => {
      const { one, two } = await create()
      const verdicts = await Promise.all([one, two, one, two, one].map((counters) => counters.charge([of(limit)])))
      expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(3)
      const refused = await two.charge([of(limit)])
      expect(refused).toMatchObject({ isAllowed: false, refusedBy: 0, isCounted: true })
      expect(refused.retryAfterMs).toBeGreaterThan(500_000)
      expect(refused.left[0]).toBeCloseTo(0, 1)
    })

    it('count each key by itself', async () => {
      const { one } = await create()
      await one.charge([of(longWindow, { cost: 3 })])
      expect(await one.charge([of(longWindow, { key: 'token:b' })])).toMatchObject({ isAllowed: true, left: [2] })
      expect(await one.charge([of(slowBucket)])).toMatchObject({ isAllowed: true })
    })

    it('charge what a thing costs, parts included', async () => {
      const { one, two } = await create()
      expect((await one.charge([of(longWindow, { cost: 2.25 })])).left).toEqual([0.75])
      expect((await two.charge([of(longWindow, { cost: 0.75 })])).left).toEqual([0])
      expect(await one.charge([of(longWindow, { cost: 0.01 })])).toMatchObject({ isAllowed: false, left: [0] })
    })

    it('say that what costs more than the limit will never pass', async () => {
      const { one } = await create()
      for (const limit of [slowBucket, longWindow]) {
        expect(await one.charge([of(limit, { cost: 4 })])).toMatchObject({
          isAllowed: false,
          retryAfterMs: null,
          left: [3],
        })
        expect(await one.charge([of(limit, { cost: 3 })])).toMatchObject({ isAllowed: true, retryAfterMs: 0 })
      }
    })

    it('fill a bucket again little by little, and no fuller than it was', async () => {
      const { one, two, pass } = await create()
      const limit: CountedLimit = { kind: 'bucket', burst: 1, perSecond: 0.5 }
      expect(await one.charge([of(limit)])).toMatchObject({ isAllowed: true })
      const refused = await two.charge([of(limit)])
      expect(refused).toMatchObject({ isAllowed: false })
      expect(refused.retryAfterMs).toBeGreaterThan(0)
      expect(refused.retryAfterMs).toBeLessThanOrEqual(2_000)
      await pass(refused.retryAfterMs ?? 0)
      const { isAllowed, left } = await one.charge([of(limit)])
      expect(isAllowed).toBe(true)
      expect(left[0]).toBeLessThan(0.5)
    })

    it('begin a window anew when it is over', async () => {
      const { one, two, pass } = await create()
      const limit: CountedLimit = { kind: 'window', max: 2, windowMs: 1_500 }
      expect(await one.charge([of(limit, { cost: 2 })])).toMatchObject({ isAllowed: true })
      const refused = await two.charge([of(limit)])
      expect(refused).toMatchObject({ isAllowed: false })
      expect(refused.retryAfterMs).toBeLessThanOrEqual(1_500)
      await pass(refused.retryAfterMs ?? 0)
      expect(await two.charge([of(limit)])).toMatchObject({ isAllowed: true, left: [1] })
    })

    it('charge all or none', async () => {
      const { one } = await create()
      const team = of({ kind: 'window', max: 1, windowMs: 600_000 }, { key: 'team:x' })
      expect(await one.charge([of(longWindow), team])).toMatchObject({ isAllowed: true, left: [2, 0], refusedBy: null })
      for (let n = 0; n < 5; n++) {
        expect(await one.charge([of(longWindow), team])).toMatchObject({ isAllowed: false, left: [2, 0], refusedBy: 1 })
      }
      expect(await one.charge([of(longWindow)])).toMatchObject({ isAllowed: true, left: [1] })
    })

    it('wait for the slowest of those that refuse', async () => {
      const { one } = await create()
      const charges = [
        of({ kind: 'window', max: 1, windowMs: 100_000 }),
        of({ kind: 'bucket', burst: 1, perSecond: 1 }),
      ]
      await one.charge(charges)
      const { retryAfterMs, refusedBy } = await one.charge(charges)
      expect(refusedBy).toBe(0)
      expect(retryAfterMs).toBeGreaterThan(50_000)
    })

    it('charge a key twice where it stands twice', async () => {
      const { one } = await create()
      expect(await one.charge([of(longWindow), of(longWindow)])).toMatchObject({ isAllowed: true, left: [2, 1] })
      expect(await one.charge([of(longWindow), of(longWindow)])).toMatchObject({
        isAllowed: false,
        refusedBy: 1,
        left: [1, 1],
      })
    })

    it('take a limit as it is now', async () => {
      const { one } = await create()
      await one.charge([of(longWindow, { cost: 3 }), of(slowBucket, { cost: 1 })])
      expect((await one.charge([of({ ...longWindow, max: 5 }, { cost: 2 })])).isAllowed).toBe(true)
      expect((await one.charge([of({ ...slowBucket, burst: 1 }, { cost: 2 })])).isAllowed).toBe(false)
      expect((await one.charge([of({ ...slowBucket, burst: 1 }, { cost: 1 })])).isAllowed).toBe(true)
    })

    it('have nothing to say where nothing is charged', async () => {
      const { one } = await create()
      expect(await one.charge([])).toEqual({
        isAllowed: true,
        refusedBy: null,
        retryAfterMs: 0,
        left: [],
        isCounted: true,
      })
    })

    it.each(['', 'a b', 'bucket x', `'"]]\n\u0000`, 'é😀', 'x'.repeat(256)])('take %j for a key', async (key) => {
      const { one, two } = await create()
      expect((await one.charge([of(longWindow, { key })])).left).toEqual([2])
      expect((await two.charge([of(longWindow, { key })])).left).toEqual([1])
      expect((await two.charge([of(longWindow, { key: `${key}.` })])).left).toEqual([2])
    })
  })
}
