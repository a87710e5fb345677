import { busContract } from '#test/contracts/bus.ts'
import { createMemoryBus } from './bus.ts'

busContract(async () => {
  const bus = createMemoryBus()
  return [bus, bus]
})
