import { beforeEach, describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { FakeHttpWire } from '#test/support/fake-http-wire.ts'
import { ServerLink } from './server-link.ts'
import { SessionTools } from './session-tools.ts'

const [one, two] = ['ses_AAAAAAAAAAAAAAAAAAAA', 'ses_BBBBBBBBBBBBBBBBBBBB']
const servers: Readonly<Record<string, readonly string[]>> = { [one]: ['git', 'files'], [two]: ['git'] }

let wires: Map<string, FakeHttpWire>
let heard: JsonObject[]
let tools: SessionTools

beforeEach(() => {
  wires = new Map()
  heard = []
  tools = new SessionTools({
    version: '0',
    ask: async ({ session }) => {
      const known = servers[session]
      return known ? { servers: [...known] } : { error: 'unknown' }
    },
    openLink: ({ session, server }) => {
      const wire = new FakeHttpWire()
      wires.set(`${session} ${server}`, wire)
      return new ServerLink({ wire, createEventReader, messageBytesMax: 1_000_000, tell: () => undefined })
    },
    output: { isFull: false, write: (text) => void heard.push(JSON.parse(text)), onDrain: () => undefined },
  })
})

const take = (method: string, params: JsonObject = {}, id: number | string = 1): Promise<void> =>
  tools.take(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
const call = (name: string, args: unknown, id: number | string = 1): Promise<void> =>
  take('tools/call', { name, arguments: args }, id)
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The requests that came to a server of a session. */
const sentTo = (session: string, server = 'git') => wires.get(`${session} ${server}`)?.exchanges ?? []

function textOf(message: JsonObject | undefined): string {
  const { content } = (message as { result: { content: { text: string }[] } }).result
  return content.map(({ text }) => text).join('')
}

describe('the tools of a harness that is one process for many sessions', () => {
  it('begin as any server’s', async () => {
    await take('initialize', { protocolVersion: '2025-03-26' })
    await take('ping')
    await take('tools/list')
    expect(heard).toMatchObject([
      { result: { protocolVersion: '2025-03-26', capabilities: { tools: {} } } },
      { result: {} },
      { result: { tools: [{ name: 'list_tools' }, { name: 'call_tool' }] } },
    ])
  })

  it.each([
    ['not json', { id: null, error: { code: -32700 } }],
    ['[]', { id: null, error: { code: -32600 } }],
    ['{"jsonrpc":"2.0","id":7,"method":"server/discover"}', { id: 7, error: { code: -32601 } }],
    ['{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"other"}}', { id: 8, error: { code: -32602 } }],
  ])('answer %s as the protocol wants', async (line, answer) => {
    await tools.take(line)
    expect(heard).toMatchObject([answer])
  })

  it('do not answer what asks nothing', async () => {
    await tools.take('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    await tools.take('{"jsonrpc":"2.0","id":9,"result":{}}')
    expect(heard).toEqual([])
  })

  it('call a tool of the session that the call names, and of no other', async () => {
    const calls = [
      call('call_tool', { session_id: one, server: 'git', tool: 'log', arguments: { of: one } }, 'a'),
      call('call_tool', { session_id: two, server: 'git', tool: 'log', arguments: { of: two } }, 'b'),
    ]
    await settled()
    for (const session of [one, two]) {
      const params = { name: 'log', arguments: { of: session } }
      expect(sentTo(session).map(({ body }) => body)).toMatchObject([{ method: 'tools/call', params }])
      sentTo(session)[0]?.result({ resultType: 'complete', content: [{ type: 'text', text: `of ${session}` }] })
    }
    await Promise.all(calls)
    expect(heard).toEqual([
      { jsonrpc: '2.0', id: 'a', result: { content: [{ type: 'text', text: `of ${one}` }] } },
      { jsonrpc: '2.0', id: 'b', result: { content: [{ type: 'text', text: `of ${two}` }] } },
    ])
    expect([...wires.keys()]).toEqual([`${one} git`, `${two} git`])
  })

  it('tell what the gateway refuses as it says it', async () => {
    const called = call('call_tool', { session_id: one, server: 'git', tool: 'push' })
    await settled()
    const [exchange] = sentTo(one)
    const error = { code: -32602, message: 'No such tool.', data: { code: 'tool_not_found' } }
    exchange?.json({ jsonrpc: '2.0', id: exchange.body['id'], error })
    await called
    expect(heard).toEqual([{ jsonrpc: '2.0', id: 1, error }])
  })

  it('list what all servers of the session have, page by page, and what a failing one says', async () => {
    const listed = call('list_tools', { session_id: one })
    await settled()
    const answer = (server: string, part: JsonObject): void => {
      const exchange = sentTo(one, server).at(-1)
      exchange?.json({ jsonrpc: '2.0', id: exchange.body['id'], ...part })
    }
    const schema = { type: 'object' }
    const first = { name: 'log', description: 'Tells.', inputSchema: schema, title: 'Log' }
    answer('git', { result: { tools: [first], nextCursor: 'more', resultType: 'complete' } })
    answer('files', { error: { code: -32010, message: 'It cannot be reached.' } })
    await settled()
    expect(sentTo(one).at(-1)?.body).toMatchObject({ params: { cursor: 'more' } })
    answer('git', { result: { tools: [{ name: 'push', inputSchema: schema }] } })
    await listed
    expect(JSON.parse(textOf(heard[0]))).toEqual([
      {
        server: 'git',
        tools: [
          { name: 'log', description: 'Tells.', inputSchema: schema },
          { name: 'push', inputSchema: schema },
        ],
      },
      { server: 'files', error: 'It cannot be reached.' },
    ])
  })

  it.each([
    ['no session', {}],
    ['a placeholder', { session_id: '<session id>' }],
    ['another form', { session_id: ['ses_AAAAAAAAAAAAAAAAAAAA'] }],
    ['a session of another harness', { session_id: 'ses_CCCCCCCCCCCCCCCCCCCC' }],
  ])('say to the model what is wrong with %s', async (_what, args) => {
    await call('list_tools', args)
    expect(heard).toMatchObject([{ id: 1, result: { isError: true } }])
    expect(wires.size).toBe(0)
  })

  it.each([{ server: 'git' }, { tool: 'x' }, { server: 1, tool: 'x' }])('ask for server and tool: %j', async (args) => {
    await call('call_tool', { session_id: one, ...args })
    expect(heard).toMatchObject([{ result: { isError: true } }])
    expect(wires.size).toBe(0)
  })

  it('cancel a call that the harness gives up', async () => {
    const called = call('call_tool', { session_id: one, server: 'git', tool: 'slow' }, 'a')
    await settled()
    await tools.take('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}')
    await called
    expect(sentTo(one)[0]?.isAborted).toBe(true)
    expect(heard).toMatchObject([{ id: 'a', error: { data: { code: 'request_cancelled' } } }])
  })

  it('end with everything that is under way', async () => {
    const called = call('call_tool', { session_id: one, server: 'git', tool: 'slow' })
    await settled()
    await tools.close()
    await called
    expect(sentTo(one)[0]?.isAborted).toBe(true)
  })
})
