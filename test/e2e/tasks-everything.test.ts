/** The MCP project's own server with tasks, and the SDK's client for them: alone, and as one of several. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks'
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  McpError,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { everythingServer, startEverything } from '../support/real-servers.ts'
import { tokenFor } from '../support/tokens.ts'

const open = new AsyncDisposableStack()
let gateway: GatewayProcess

beforeAll(async () => {
  const everything = open.use(await startEverything())
  const servers = {
    remote: { url: everything.url },
    // A process that all share, and one for each principal.
    shared: everythingServer(),
    own: { ...everythingServer(), isolation: 'principal' },
  }
  const tokens = ['ann', 'bob'].map((name) => ({ name, secret: tokenFor(name), policies: ['all'] }))
  gateway = open.use(await startGateway({ servers, tokens, policies: { all: { default: 'execute' } } }))
}, 60_000)

afterAll(() => open.disposeAsync())

async function connect(path: string, user = 'ann'): Promise<Client & AsyncDisposable> {
  const taskStore = new InMemoryTaskStore()
  const requests = { sampling: { createMessage: {} }, elicitation: { create: {} } }
  const capabilities = { sampling: {}, elicitation: {}, tasks: { list: {}, cancel: {}, requests } }
  const client = new Client({ name: 'tasks', version: '1.0.0' }, { capabilities, taskStore })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { interpretation: 'snake' } }))
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }, { taskStore: made }) => {
    const message = { role: 'assistant' as const, model: 'm', content: { type: 'text' as const, text: 'said later' } }
    if (!params.task || !made) return message
    const task = await made.createTask({ ttl: 60_000 })
    setTimeout(() => void made.storeTaskResult(task.taskId, 'completed', message), 300)
    return { task }
  })
  const requestInit = { headers: { authorization: `Bearer ${tokenFor(user)}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit }))
  const close = async (): Promise<void> => {
    taskStore.cleanup()
    await client.close()
  }
  return Object.assign(client, { [Symbol.asyncDispose]: close })
}

const tasksOf = (client: Client) => client.experimental.tasks

async function begin(client: Client, name: string, args: Record<string, unknown> = { topic: 'snow' }): Promise<string> {
  for await (const message of tasksOf(client).callToolStream({ name, arguments: args }, CallToolResultSchema)) {
    if (message.type === 'taskCreated') return message.task.taskId
  }
  throw new Error('no task')
}

/** Without the id of the request, which no two refusals share. */
async function refusalOf(answer: Promise<unknown>): Promise<unknown> {
  const error = await answer.catch((thrown: unknown) => thrown)
  if (!(error instanceof McpError)) throw new Error(`not refused: ${JSON.stringify(error)}`)
  return { code: error.code, message: error.message, data: { ...(error.data as object), requestId: '' } }
}

describe.each([
  ['/remote/mcp', ''],
  ['/mcp', 'remote__'],
  ['/own/mcp', ''],
  ['/mcp', 'shared__'],
])('at %s, a tool named %s… that runs as a task', (path, prefix) => {
  const name = `${prefix}simulate-research-query`

  it('is polled, asks its question, and gives its result', async () => {
    await using client = await connect(path)
    expect(client.getServerCapabilities()?.tasks).toEqual({ list: {}, cancel: {}, requests: { tools: { call: {} } } })
    const { tools } = await client.listTools()
    expect(tools.find((tool) => tool.name === name)).toMatchObject({ execution: { taskSupport: 'required' } })
    const [seen, told] = [[] as string[], new Set<string>()]
    client.setNotificationHandler(TaskStatusNotificationSchema, (note) => void told.add(note.params.taskId))
    const params = { name, arguments: { topic: 'python', ambiguous: true } }
    let created: string | undefined
    for await (const message of tasksOf(client).callToolStream(params, CallToolResultSchema)) {
      seen.push(message.type === 'taskStatus' ? message.task.status : message.type)
      if (message.type === 'taskCreated') created = message.task.taskId
      if (message.type === 'result') seen.push(JSON.stringify(message.result))
    }
    expect(seen.slice(0, 2)).toEqual(['taskCreated', 'working'])
    expect(seen).toContain('input_required')
    expect(seen.at(-1)).toContain('snake')
    expect([...told]).toEqual([created])
  }, 30_000)

  it('is listed and cancelled by its maker, and is nobody else’s', async () => {
    await using client = await connect(path)
    await using other = await connect(path, 'bob')
    await Promise.all([client.listTools(), other.listTools()])
    const taskId = await begin(client, name)
    const listed = async (one: Client) => (await tasksOf(one).listTasks()).tasks.map((task) => task.taskId)
    expect(await listed(client)).toContain(taskId)
    expect(await listed(other)).toEqual([])
    const unknown = await refusalOf(tasksOf(other).getTask('nobody’s'))
    expect(unknown).toMatchObject({ code: -32602, data: { reason: 'no such task' } })
    expect(await refusalOf(tasksOf(other).getTask(taskId))).toEqual(unknown)
    expect(await refusalOf(tasksOf(other).cancelTask(taskId))).toEqual(unknown)
    expect(await refusalOf(tasksOf(other).getTaskResult(taskId))).toEqual(unknown)
    expect(await tasksOf(client).cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' })
    expect(await tasksOf(client).getTask(taskId)).toMatchObject({ taskId, status: 'cancelled' })
  }, 30_000)
})

describe('a tool that has the client make a task of its question', () => {
  it.each([
    ['/remote/mcp', ''],
    ['/mcp', 'remote__'],
    ['/own/mcp', ''],
  ])(
    'follows that task and gives its result (%s, %s…)',
    async (path, prefix) => {
      await using client = await connect(path)
      await client.listTools()
      const name = `${prefix}trigger-sampling-request-async`
      const result = JSON.stringify(await client.callTool({ name, arguments: { prompt: 'hello' } }))
      expect(result).toContain('[COMPLETED]')
      expect(result).toContain('said later')
    },
    30_000,
  )

  it('is not offered by a process that all share, to which no client’s tasks are promised', async () => {
    await using client = await connect('/shared/mcp')
    const tools = (await client.listTools()).tools.map((tool) => tool.name)
    expect(tools).toContain('trigger-sampling-request')
    expect(tools).not.toContain('trigger-sampling-request-async')
  })
})
