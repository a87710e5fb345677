import { expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { startRounds } from './rounds.ts'

it('begins the next round so long after the last has ended, and none when it is closed', async () => {
  const clock = new FakeClock()
  const rounds: PromiseWithResolvers<void>[] = []
  let asksOn = (): boolean => false
  const running = startRounds({ clock, firstMs: 5, everyMs: 10 }, (goesOn) => {
    asksOn = goesOn
    const round = Promise.withResolvers<void>()
    rounds.push(round)
    return round.promise
  })
  await clock.advance(5)
  await clock.advance(100)
  expect(rounds).toHaveLength(1)
  rounds[0]?.resolve()
  await clock.advance(9)
  expect(rounds).toHaveLength(1)
  await clock.advance(1)
  expect(rounds).toHaveLength(2)

  let isClosed = false
  const closed = Promise.resolve(running[Symbol.asyncDispose]()).then(() => (isClosed = true))
  await clock.advance(100)
  expect([asksOn(), isClosed]).toEqual([false, false])
  rounds[1]?.resolve()
  await closed
  await clock.advance(100)
  expect([rounds.length, clock.waiting]).toEqual([2, 0])
})
