/** What all Locks do, wherever they are kept. */
import { describe, expect, it } from 'vitest'
import type { Locks } from '#core/locks/locks.ts'

export type LocksHouse = {
  /** Two replicas' ends. */
  one: Locks
  two: Locks
  now: () => number
  /** Lets time pass: at least so much. */
  pass: (ms: number) => Promise<void>
}

const long = 60_000
/** Short enough to be waited for, and long enough to be held meanwhile. */
const short = 1_000

export function locksContract(create: () => Promise<LocksHouse>): void {
  describe('Locks', () => {
    it('give a name to one of all who try', async () => {
      const { one, two } = await create()
      const tries = await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? one : two).tryLock('a', long)))
      expect(tries.filter((lock) => lock !== null)).toHaveLength(1)
      expect(await one.tryLock('b', long)).toMatchObject({ name: 'b' })
    })

    it('give it again when it was released, with a higher fence', async () => {
      const { one, two } = await create()
      const fences: number[] = []
      for (const locks of [one, two, one, one]) {
        const lock = await locks.tryLock('a', long)
        fences.push(lock?.fence ?? Number.NaN)
        await lock?.release()
      }
      expect(fences).toEqual(fences.toSorted((a, b) => a - b))
      expect(new Set(fences).size).toBe(4)
      expect(fences.every((fence) => Number.isSafeInteger(fence) && fence > 0)).toBe(true)
    })

    it('give it to another when its time is over, and the first can do nothing to the second’s', async () => {
      const { one, two, pass } = await create()
      const late = await one.tryLock('a', short)
      expect(await two.tryLock('a', long)).toBeNull()
      await pass(short)
      const next = await two.tryLock('a', long)
      expect(next?.fence).toBeGreaterThan(late?.fence ?? Infinity)
      expect(await late?.renew(long)).toBe(false)
      await late?.release()
      expect(await one.tryLock('a', long)).toBeNull()
      expect(await next?.renew(long)).toBe(true)
    })

    it('hold for longer when they are renewed, and say until when', async () => {
      const { one, two, now, pass } = await create()
      const before = now()
      const lock = await one.tryLock('a', short)
      expect(lock?.heldUntil).toBeGreaterThanOrEqual(before + short)
      expect(lock?.heldUntil).toBeLessThanOrEqual(now() + short)
      expect(await lock?.renew(long)).toBe(true)
      expect(lock?.heldUntil).toBeGreaterThanOrEqual(before + long)
      await pass(short)
      expect(await two.tryLock('a', long)).toBeNull()
    })

    it('are not renewed once they are released', async () => {
      const { one, two } = await create()
      const lock = await one.tryLock('a', long)
      await lock?.release()
      await lock?.release()
      expect(await lock?.renew(long)).toBe(false)
      expect(await two.tryLock('a', long)).not.toBeNull()
    })

    it.each(['', ' ', 'a:b', '{x}', `'"\n\u0000`, 'é😀', 'x'.repeat(256)])('take %j for a name', async (name) => {
      const { one, two } = await create()
      expect(await one.tryLock(name, long)).toMatchObject({ name })
      expect(await two.tryLock(name, long)).toBeNull()
      expect(await two.tryLock(`${name}.`, long)).not.toBeNull()
    })
  })
}
