/** A client that is asked something says how it gets on, and the server that asks hears of it: both ends are the SDK's. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { ElicitRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { connectV2, toTransport1, type Wire } from '../support/sdk-clients.ts'
import { startV1Server } from '../support/sdk-v1/http-server.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const token = tokenFor('progress')
const open = new AsyncDisposableStack()
let gateway: GatewayProcess

beforeAll(async () => {
  const { url } = open.use(await startV1Server())
  const child = { command: process.execPath, args: [`${import.meta.dirname}/../support/sdk-v1/stdio-main.ts`] }
  gateway = open.use(
    await startGateway({
      servers: { http: { url }, stdio: child },
      policies: { all: { default: 'execute' } },
      tokens: [{ name: 'progress', secret: token, policies: ['all'] }],
    }),
  )
}, 30_000)

afterAll(() => open.disposeAsync())

const suffixes: Record<Wire, string> = { http: '', sse: '/sse', ws: '/ws' }

/** A client that says twice how it gets on, and answers when the server has heard it: its SDK loses what comes with the answer. */
async function connect(wire: Wire): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'thoughtful', version: '1.0.0' }, { capabilities: { elicitation: {} } })
  let logged = 0
  client.setNotificationHandler(LoggingMessageNotificationSchema, () => void logged++)
  client.setRequestHandler(ElicitRequestSchema, async ({ params }, { sendNotification }) => {
    const progressToken = params._meta?.progressToken
    if (progressToken === undefined) throw new Error('it was not asked for progress')
    for (const progress of [1, 2]) {
      const said = { progressToken, progress, total: 2, message: `step ${progress}` }
      await sendNotification({ method: 'notifications/progress', params: said })
    }
    await until('the server has heard of both steps', () => logged === 2)
    return { action: 'decline' }
  })
  await client.connect(toTransport1(wire, { url: `${gateway.url}/mcp${suffixes[wire]}`, token }))
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

const textOf = (result: object): string =>
  ('content' in result ? (result.content as { text: string }[]) : [])[0]?.text ?? ''
const steps = [1, 2].map((progress) => ({ progress, total: 2, message: `step ${progress}` }))

describe.each(['http', 'stdio'] as const)('a server over %s that asks in a call', (upstream) => {
  it.each(['http', 'sse', 'ws'] as const)('hears how a client over %s gets on, and then its answer', async (wire) => {
    await using client = await connect(wire)
    const result = await client.callTool({ name: `${upstream}__ask` })
    expect(JSON.parse(textOf(result))).toEqual({ heard: steps, action: 'decline' })
  })
})

it('a server hears of each client its own where two are asked at once', async () => {
  await using one = await connect('http')
  await using other = await connect('ws')
  const results = await Promise.all([one, other].map((client) => client.callTool({ name: 'http__ask' })))
  expect(results.map((result) => JSON.parse(textOf(result)))).toEqual([
    { heard: steps, action: 'decline' },
    { heard: steps, action: 'decline' },
  ])
})

it('a server that asks outside its call, on the stream of its session, hears it as well', async () => {
  await using client = await connect('ws')
  const result = await client.callTool({ name: 'http__ask-outside' })
  expect(JSON.parse(textOf(result))).toEqual({ heard: steps, action: 'decline' })
})

it('a modern client is asked in a result, where there is nobody to hear of progress', async () => {
  const options = { era: 'modern' as const, capabilities: { elicitation: { form: {} } } }
  await using client = await connectV2('http', { url: `${gateway.url}/mcp`, token }, options)
  const asked: unknown[] = []
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params)
    return { action: 'decline' }
  })
  const result = await client.callTool({ name: 'http__ask' })
  expect(JSON.parse(textOf(result))).toEqual({ heard: [], action: 'decline' })
  expect(JSON.stringify(asked)).not.toContain('progressToken')
})
