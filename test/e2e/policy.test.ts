/** Who may call what, seen from outside: what a policy denies never reaches a server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { namesOf } from '../support/aggregate-lab.ts'
import { LegacySession, askModern, type Received } from '../support/raw/client.ts'
import { textResult, tool } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { connect } from '../support/sdk-clients.ts'
import { tokenFor } from '../support/tokens.ts'

const policies = {
  nothing: {},
  viewer: { rules: [{ server: 'alpha', level: 'read' }] },
  editor: { default: 'execute', rules: [{ tool: 'delete_*', level: 'deny' }] },
  reader: { rules: [{ server: 'al*', tool: 'read_?', level: 'execute' }] },
  specific: {
    default: 'read',
    rules: [
      { server: 'alpha', level: 'deny' },
      { server: 'beta', tool: 'write_a', level: 'execute' },
      { server: 'beta', tool: 'write_*', level: 'read' },
    ],
  },
}
const tokens: Record<string, (keyof typeof policies)[]> = {
  'no-policy': [],
  ...Object.fromEntries(Object.keys(policies).map((name) => [name, [name]])),
  'viewer-and-reader': ['viewer', 'reader'],
  'editor-but-specific': ['editor', 'specific'],
}
const toolNames = ['read_a', 'read_b', 'read_all', 'write_a', 'write_b', 'delete_a']

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let upstreams: Record<'alpha' | 'beta', RawUpstream>

beforeAll(async () => {
  const handlers = {
    'tools/list': () => ({ tools: toolNames.map((name) => tool(name)) }),
    'tools/call': () => textResult('done'),
    'resources/list': () => ({ resources: [{ uri: 'test://a', name: 'a' }] }),
    'resources/read': () => ({ contents: [{ uri: 'test://a', text: 'secret' }] }),
    'prompts/list': () => ({ prompts: [{ name: 'p' }] }),
    'prompts/get': () => ({ messages: [] }),
  }
  const capabilities = { tools: {}, resources: {}, prompts: {} }
  upstreams = {
    alpha: open.use(await startRawUpstream(['legacy'], { capabilities, handlers })),
    beta: open.use(await startRawUpstream(['modern'], { capabilities, handlers })),
  }
  gateway = open.use(
    await startGateway({
      servers: {
        alpha: { url: upstreams.alpha.url, aliases: ['first'], labels: ['all'] },
        beta: { url: upstreams.beta.url, labels: ['all'] },
      },
      policies,
      tokens: Object.entries(tokens).map(([name, own]) => ({ name, secret: tokenFor(name), policies: own })),
    }),
  )
})

beforeEach(() => {
  for (const upstream of Object.values(upstreams)) upstream.seen.length = 0
})

afterAll(() => open.disposeAsync())

const at = (token: string, path = '/mcp') => ({ url: gateway.url + path, token: tokenFor(token) })
const list = async (token: string, path?: string): Promise<string[]> =>
  namesOf(await askModern(at(token, path), { method: 'tools/list' }), 'tools')
const call = (token: string, name: string, path?: string): Promise<Received> =>
  askModern(at(token, path), { method: 'tools/call', params: { name, arguments: {} } })
const callsSeen = (): number => upstreams.alpha.count('tools/call') + upstreams.beta.count('tools/call')
const prefixed = (server: string, names: string[]): string[] => names.map((name) => `${server}__${name}`)

describe('a token without a grant', () => {
  it.each(['no-policy', 'nothing'])('(%s) sees nothing and calls nothing, and no server hears of it', async (token) => {
    expect(await list(token)).toEqual([])
    const { error } = await call(token, 'alpha__read_a')
    expect(error).toMatchObject({ code: -32602, data: { code: 'tool_not_found' } })
    expect([...upstreams.alpha.seen, ...upstreams.beta.seen]).toEqual([])
  })
})

describe('a token that may read', () => {
  it('sees the tools, and is told by what it may not call them', async () => {
    expect(await list('viewer')).toEqual(prefixed('alpha', toolNames))
    const { error } = await call('viewer', 'alpha__write_a')
    expect(error).toMatchObject({
      code: -32004,
      data: { code: 'forbidden', needed: 'execute', level: 'read', reason: 'rule 0 of policy viewer' },
    })
    expect(callsSeen()).toBe(0)
  })
})

describe('a rule that denies', () => {
  it('hides a tool from a token that may call everything else', async () => {
    const shown = toolNames.filter((name) => name !== 'delete_a')
    expect(await list('editor')).toEqual([...prefixed('alpha', shown), ...prefixed('beta', shown)])
    expect((await call('editor', 'alpha__write_a')).result).toBeDefined()
    const denied = await call('editor', 'alpha__delete_a')
    const unknown = await call('editor', 'alpha__delete_b')
    expect(denied.error).toMatchObject({ code: -32602, data: { code: 'tool_not_found' } })
    expect(Object.keys(denied.error?.data ?? {})).toEqual(Object.keys(unknown.error?.data ?? {}))
    expect(callsSeen()).toBe(1)
  })

  it('takes away what another policy grants', async () => {
    const shown = toolNames.filter((name) => name !== 'delete_a')
    expect(await list('editor-but-specific')).toEqual(prefixed('beta', shown))
    expect((await call('editor-but-specific', 'alpha__read_a')).error).toMatchObject({ code: -32602 })
    expect(upstreams.alpha.seen).toEqual([])
  })
})

describe('a rule with wildcards', () => {
  it('means the tools that it matches and no others', async () => {
    expect(await list('reader')).toEqual(prefixed('alpha', ['read_a', 'read_b']))
    expect((await call('reader', 'alpha__read_b')).result).toBeDefined()
    expect((await call('reader', 'alpha__read_all')).error).toMatchObject({ code: -32602 })
    expect(callsSeen()).toBe(1)
  })

  it('joins with another policy: the tools that both name have the higher level', async () => {
    expect(await list('viewer-and-reader')).toEqual(prefixed('alpha', toolNames))
    expect((await call('viewer-and-reader', 'alpha__read_a')).result).toBeDefined()
    expect((await call('viewer-and-reader', 'alpha__write_a')).error).toMatchObject({ code: -32004 })
  })

  it('yields to a rule that names the tool itself', async () => {
    expect((await call('specific', 'beta__write_a')).result).toBeDefined()
    expect((await call('specific', 'beta__write_b')).error).toMatchObject({ code: -32004 })
  })
})

describe('an alias', () => {
  it.each([
    ['/mcp', 'first__delete_a', {}],
    ['/first/mcp', 'delete_a', {}],
    ['/mcp/first', 'delete_a', {}],
    ['/mcp', 'first__delete_a', { 'x-mcp-servers': 'first' }],
    ['/mcp/first,beta', 'alpha__delete_a', {}],
    ['/all/mcp', 'first__delete_a', {}],
  ])('does not lead past a policy (%s, %s, %j)', async (path, name, headers) => {
    const to = { ...at('editor', path), headers }
    const { error } = await askModern(to, { method: 'tools/call', params: { name, arguments: {} } })
    expect(error).toMatchObject({ code: -32602 })
    expect(callsSeen()).toBe(0)
  })
})

describe('a denied call', () => {
  it.each([
    ['v1', 'http', ''],
    ['v2 modern', 'http', ''],
    ['v1', 'sse', '/sse'],
    ['v2 legacy', 'ws', '/ws'],
    ['v2 modern', 'ws', '/ws'],
  ] as const)('reaches no server from a %s client over %s', async (kind, wire, suffix) => {
    await using client = await connect(kind, wire, at('viewer', `/alpha/mcp${suffix}`))
    await client.listTools()
    await expect(client.callTool({ name: 'write_a', arguments: {} })).rejects.toMatchObject({ code: -32004 })
    expect(callsSeen()).toBe(0)
  })

  it('reaches no server from a session that another token opened', async () => {
    await using session = await LegacySession.open(at('editor', '/alpha/mcp'))
    const headers = { 'mcp-session-id': session.id, 'mcp-protocol-version': '2025-11-25' }
    const stolen = { ...at('viewer', '/alpha/mcp'), headers }
    const response = await fetch(stolen.url, {
      method: 'POST',
      headers: {
        ...headers,
        authorization: `Bearer ${stolen.token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'write_a', arguments: {} } }),
    })
    expect(response.status).toBe(404)
    await response.body?.cancel()
    expect(callsSeen()).toBe(0)
  })
})

describe('what a server has beside tools', () => {
  it('is read by who may read the server, and unknown to others', async () => {
    const read = { method: 'resources/read', params: { uri: 'toolgate://alpha/test://a' } }
    const prompt = { method: 'prompts/get', params: { name: 'alpha__p' } }
    expect((await askModern(at('viewer'), read)).result).toBeDefined()
    expect((await askModern(at('viewer'), prompt)).result).toBeDefined()
    upstreams.alpha.seen.length = 0
    for (const token of ['no-policy', 'specific', 'reader']) {
      expect((await askModern(at(token), read)).error).toMatchObject({ code: -32602 })
      expect((await askModern(at(token), prompt)).error).toMatchObject({ code: -32602 })
    }
    expect(upstreams.alpha.count('resources/read') + upstreams.alpha.count('prompts/get')).toBe(0)
  })
})
