import { FakeClock } from '#test/support/fake-clock.ts'
import { countersContract } from '#test/contracts/counters.ts'
import { createMemoryCounters } from './counters.ts'

countersContract(async () => {
  const clock = new FakeClock()
  const counters = createMemoryCounters({ clock })
  return { one: counters, two: counters, pass: (ms) => clock.advance(ms) }
})
