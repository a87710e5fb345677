import { expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { locksContract } from '#test/contracts/locks.ts'
import { createMemoryLocks } from './locks.ts'

locksContract(async () => {
  const clock = new FakeClock()
  const locks = createMemoryLocks({ clock })
  return { one: locks, two: locks, now: () => clock.now(), pass: (ms) => clock.advance(ms) }
})

it('gives fences that rise over a restart', async () => {
  const clock = new FakeClock()
  const before = await createMemoryLocks({ clock }).tryLock('a', 1_000)
  await clock.advance(1)
  const after = await createMemoryLocks({ clock }).tryLock('a', 1_000)
  expect(after?.fence).toBeGreaterThan(before?.fence ?? Infinity)
})
