import { FakeClock } from '#test/support/fake-clock.ts'
import { taskRecordsContract } from '#test/contracts/task-records.ts'
import { createMemoryTaskRecords } from './task-records.ts'

taskRecordsContract(async () => {
  const clock = new FakeClock()
  const records = createMemoryTaskRecords({ clock })
  return { one: records, two: records, pass: (ms) => clock.advance(ms) }
})
