/** A modern server changes which arguments it mirrors in headers, and says nothing: who could not know does not suffer for it. */
import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { toSdkRequest } from '../conformance/fixture/sdk-request.ts'
import { listenOnLoopback } from '../conformance/loopback-server.ts'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { askModern, LegacySession, listOf } from '../support/raw/client.ts'
import { connectV2 } from '../support/sdk-clients.ts'
import { tokenFor } from '../support/tokens.ts'

const token = tokenFor('stale')
const open = new AsyncDisposableStack()
let gateway: GatewayProcess
/** The header that the server mirrors the argument in. */
let header: string
/** What reached the server: method, and the mirroring headers. */
let seen: { method: string; mirrored: Record<string, unknown> }[]

/** The SDK's own server, which compares the headers with the body. A change of the header is a new deployment of it. */
async function startServer(): Promise<AsyncDisposable & { url: string }> {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'weather', version: '1.0.0' })
      const city = { type: 'string' as const, 'x-mcp-header': header }
      const inputSchema = fromJsonSchema<{ city: string }>({ type: 'object', properties: { city }, required: ['city'] })
      server.registerTool('forecast', { inputSchema }, ({ city: where }) => ({
        content: [{ type: 'text', text: `sunny in ${where}` }],
      }))
      return server
    },
    { legacy: 'reject' },
  )
  const handle = toNodeHandler(handler)
  const server = createServer((request, response) => {
    const mirrored = Object.entries(request.headers).filter(([name]) => name.startsWith('mcp-param-'))
    seen.push({ method: String(request.headers['mcp-method']), mirrored: Object.fromEntries(mirrored) })
    handle(toSdkRequest(request), response).catch(() => response.destroy())
  })
  return listenOnLoopback(server, { port: 0, path: '/mcp', onClose: () => handler.close() })
}

beforeAll(async () => {
  seen = []
  header = 'Town'
  const server = open.use(await startServer())
  const tokens = [{ name: 'stale', secret: token, policies: ['all'] }]
  const policies = { all: { default: 'execute' } }
  gateway = open.use(await startGateway({ servers: { weather: { url: server.url } }, tokens, policies }))
})

afterAll(() => open.disposeAsync())

let deployments = 0

beforeEach(() => {
  header = `City-${++deployments}`
  seen = []
})

const at = (path: string) => ({ url: `${gateway.url}${path}`, token })
const calls = () => seen.filter(({ method }) => method === 'tools/call').map(({ mirrored }) => mirrored)
const lists = (): number => seen.filter(({ method }) => method === 'tools/list').length
const answer = { content: [{ type: 'text', text: 'sunny in Graz' }] }

/** Makes the gateway know the tool as it is, and then a new version of the server. */
async function deployBehind(list: () => Promise<unknown>): Promise<{ before: string; now: string }> {
  await list()
  const before = header
  header = `City-${++deployments}`
  seen = []
  return { before: `mcp-param-${before.toLowerCase()}`, now: `mcp-param-${header.toLowerCase()}` }
}

it.each(['/weather/mcp', '/mcp'])(
  'calls for a legacy client once more, with the headers of a fresh list (%s)',
  async (path) => {
    await using client = await LegacySession.open(at(path))
    const name = path === '/mcp' ? 'weather__forecast' : 'forecast'
    const call = () => client.ask('tools/call', { name, arguments: { city: 'Graz' } })
    const { before, now } = await deployBehind(call)
    expect((await call()).result).toEqual(answer)
    expect(calls()).toEqual([{ [before]: 'Graz' }, { [now]: 'Graz' }])
    expect(lists()).toBe(1)
    expect((await call()).result).toEqual(answer)
    expect([calls().length, lists()]).toEqual([3, 1])
  },
)

it('fetches the list once for all the calls that find out together', async () => {
  await using client = await LegacySession.open(at('/weather/mcp'))
  const call = () => client.ask('tools/call', { name: 'forecast', arguments: { city: 'Graz' } })
  const { now } = await deployBehind(call)
  const answers = await Promise.all(Array.from({ length: 5 }, call))
  expect(answers.map(({ result }) => result)).toEqual(answers.map(() => answer))
  expect(lists()).toBe(1)
  expect(calls().filter((mirrored) => now in mirrored)).toHaveLength(5)
})

it('calls once more for a modern client on a channel, which has no headers', async () => {
  await using client = await connectV2('ws', at('/weather/mcp/ws'), { era: 'modern' })
  const call = () => client.callTool({ name: 'forecast', arguments: { city: 'Graz' } })
  const { before, now } = await deployBehind(call)
  expect(await call()).toMatchObject(answer)
  expect(calls()).toEqual([{ [before]: 'Graz' }, { [now]: 'Graz' }])
})

it('tells a modern client that made its own headers, and shows it the new list when it asks', async () => {
  const listed = async (): Promise<string> => {
    const answer = await askModern(at('/weather/mcp'), { method: 'tools/list' })
    const [tool] = listOf<{ inputSchema: { properties: { city: Record<string, string> } } }>(answer, 'tools')
    return `mcp-param-${tool?.inputSchema.properties.city['x-mcp-header']?.toLowerCase()}`
  }
  const callWith = (mirror: string) =>
    askModern(
      { ...at('/weather/mcp'), headers: { [mirror]: 'Graz' } },
      { method: 'tools/call', params: { name: 'forecast', arguments: { city: 'Graz' } } },
    )
  const before = await listed()
  const { now } = await deployBehind(listed)
  expect((await callWith(before)).error).toMatchObject({ code: -32020 })
  expect(calls()).toEqual([{ [before]: 'Graz' }])
  expect(await listed()).toBe(now)
  expect((await callWith(now)).result).toMatchObject(answer)
  expect(calls()).toEqual([{ [before]: 'Graz' }, { [now]: 'Graz' }])
})
