import { FakeClock } from '#test/support/fake-clock.ts'
import { mcpSessionRecordsContract } from '#test/contracts/mcp-session-records.ts'
import { createMemoryMcpSessionRecords } from './mcp-session-records.ts'

mcpSessionRecordsContract(async () => {
  const clock = new FakeClock()
  const records = createMemoryMcpSessionRecords({ clock })
  return { one: records, two: records, pass: (ms) => clock.advance(ms) }
})
