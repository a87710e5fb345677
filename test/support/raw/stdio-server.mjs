// An MCP server over stdio whose process does what it is told: `pid` tells its id, `crash` ends it without an answer, `wait` answers
// after the file named in RELEASE exists, `grandchild` starts a process that would live for ever.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

const tools = ['pid', 'crash', 'wait', 'grandchild'].map((name) => ({ name, inputSchema: { type: 'object' } }))

const results = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'told', version: '1.0.0' },
  }),
  'tools/list': () => ({ tools }),
  'tools/call': ({ name }) => callTool(name),
}

async function callTool(name) {
  // oxlint-disable-next-line unicorn/no-process-exit -- it is what is tested.
  if (name === 'crash') process.exit(3)
  if (name === 'wait') while (!existsSync(process.env.RELEASE)) await delay(10)
  const forEver = ['-e', 'setInterval(() => {}, 60_000)']
  const pid = name === 'grandchild' ? spawn(process.execPath, forEver, { stdio: 'ignore' }).pid : process.pid
  return { content: [{ type: 'text', text: String(pid) }] }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) continue
  const answer = results[method]
  const send = (body) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`)
  if (!answer) send({ error: { code: -32601, message: 'Method not found' } })
  else void Promise.resolve(answer(params)).then((result) => send({ result }))
}
// oxlint-disable-next-line unicorn/no-process-exit -- a grandchild must not keep it.
process.exit(0)
