/** A program with core tasks (2025-11-25), that counts its tasks from one; each says which process it is in. */
import { createInterface } from 'node:readline'
import { answerTo, handlersFor, type Json } from '../raw/exchange.ts'
import { createTaskServer } from '../raw/task-server.ts'

const handlers = handlersFor({ name: 'tasks', ...createTaskServer(String(process.pid)) })
// It is of the revision before that method.
delete handlers['server/discover']
const nothing = { sessionId: undefined, headers: {}, cancelled: new Promise<void>(() => undefined) }

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line) as { id?: unknown; method: string; params?: Json }
  if (id === undefined) continue
  const call = { ...nothing, era: 'legacy' as const, method, params, notify: () => undefined, ask: async () => ({}) }
  process.stdout.write(`${JSON.stringify(await answerTo(handlers, id, call))}\n`)
}
