// oxlint-disable-next-line no-restricted-imports -- contract suites live outside src
import { busContract } from '../../../test/contracts/bus.ts'
import { createMemoryBus } from './bus.ts'

busContract(async () => {
  const bus = createMemoryBus()
  return [bus, bus]
})
