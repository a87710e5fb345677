/** What is decided on is what is sent: no spelling of a message says one thing to the gateway and another to the server. */
import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '#config/config-error.ts'
import { loadConfig } from '#config/load.ts'
import { codeOf, envelope, initialize, openLegacy, openModern, post } from '../support/raw-client.ts'
import { doors, type Door } from '../support/raw-doors.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { parseJson, type Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream, type Seen } from '../support/raw-upstream.ts'

const capabilities = { tools: {}, prompts: {}, resources: {} }
const tools = ['echo', 'secret', '*', 'a*', '__proto__', 'constructor', 'toString']

let old: RawUpstream
let recent: RawUpstream
let gateway: RawGateway

beforeAll(async () => {
  old = await rawUpstream({ capabilities, tools })
  recent = await rawUpstream({ capabilities, tools, era: 'modern' })
  gateway = await startRawGateway({
    servers: [toServer('old', old), toServer('recent', recent)],
    policies: [
      {
        name: 'no-secrets',
        default: 'execute',
        rules: [
          { tool: 'secret', level: 'deny' },
          { tool: 'toString', level: 'deny' },
        ],
      },
      { name: 'echo-only', rules: [{ tool: 'echo', level: 'execute' }] },
    ],
    tokens: { a: ['no-secrets'], e: ['echo-only'] },
  })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
  await recent[Symbol.asyncDispose]()
})

afterEach(() => {
  assert.deepEqual(gateway.defects, [])
  // Nothing of a message may become a member of every object.
  const every: Record<string, unknown> = {}
  for (const member of ['polluted', 'isAdmin', 'level', 'tools']) assert.equal(every[member], undefined)
})

const upstreamOf = (server: string): RawUpstream => (server === 'old' ? old : recent)
const calls = (server: string): Seen[] =>
  upstreamOf(server).seen.filter(({ message }) => message['method'] === 'tools/call')

/** Above this a request goes on in its own text. */
const padding = 'x'.repeat(20_000)
const sizes = [
  ['small', ''],
  ['large', padding],
] as const

/** The text of a call whose params begin and end as given. */
function textOf(door: Door, parts: { params: string; rest?: string; size: string }): string {
  const meta = door.era === 'modern' ? `,"_meta":${JSON.stringify(envelope())}` : ''
  const params = `{${parts.params},"arguments":{"padding":"${parts.size}"}${meta}}`
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}${parts.rest ?? ''}}`
}

describe.for(['old', 'recent'])('a member of a message to the server %s', (server) => {
  describe.for(doors)('over $name', (door) => {
    it.for(sizes)('that is there twice reaches the server once, as it was decided on: %s', async ([, size]) => {
      const open = await door.open(gateway, { path: `/${server}/mcp` })
      const before = calls(server).length
      const denied = await open.send(textOf(door, { params: '"name":"echo","name":"secret"', size }))
      expect(codeOf(denied.message)).toBe('tool_not_found')
      expect(calls(server)).toHaveLength(before)
      const spellings = [
        '"name":"secret","name":"echo"',
        String.raw`"na\u006de":"secret","name":"echo"`,
        String.raw`"name":"secret","n\u0061me":"echo"`,
      ]
      for (const params of spellings) {
        const allowed = await open.send(textOf(door, { params, size }))
        expect(allowed.message).toHaveProperty('result')
        expect(calls(server).at(-1)?.text).not.toContain('secret')
      }
      open.close()
    })

    it.for(sizes)('that is the whole of its params, twice, reaches the server once: %s', async ([, size]) => {
      const open = await door.open(gateway, { path: `/${server}/mcp` })
      const meta = door.era === 'modern' ? `,"_meta":${JSON.stringify(envelope())}` : ''
      const other = `{"name":"secret","arguments":{}${meta}}`
      for (const rest of [`,"params":{"name":"echo"${meta}}`, String.raw`,"p\u0061rams":{"name":"echo"` + `${meta}}`]) {
        const allowed = await open.send(textOf(door, { params: '"name":"secret"', rest, size }))
        expect(allowed.message).toHaveProperty('result')
        expect(calls(server).at(-1)?.text).not.toContain('secret')
      }
      const before = calls(server).length
      const denied = await open.send(textOf(door, { params: '"name":"echo"', rest: `,"params":${other}`, size }))
      expect(codeOf(denied.message)).toBe('tool_not_found')
      expect(calls(server)).toHaveLength(before)
      open.close()
    })

    it.for(sizes)(
      'that differs by its case only, as some readers do not see, does not reach the server: %s',
      async ([, size]) => {
        const open = await door.open(gateway, { path: `/${server}/mcp` })
        const before = calls(server).length
        for (const twin of ['Name', 'NAME', 'nAmE']) {
          const answer = await open.send(textOf(door, { params: `"name":"echo","${twin}":"secret"`, size }))
          expect(codeOf(answer.message)).toBe('invalid_params')
        }
        expect(calls(server)).toHaveLength(before)
        const rest = `,"Params":{"name":"secret"},"METHOD":"tools/list","Id":7`
        const allowed = await open.send(textOf(door, { params: '"name":"echo"', rest, size }))
        expect(allowed.message).toHaveProperty('result')
        expect(calls(server).at(-1)?.text).not.toMatch(/secret|METHOD|"Id"/)
        open.close()
      },
    )

    it('that every object has is one like any other', async () => {
      const open = await door.open(gateway, { path: `/${server}/mcp` })
      const hostile =
        '{"__proto__":{"polluted":1,"isAdmin":true},"constructor":{"prototype":{"polluted":1}},"prototype":5}'
      const text = textOf(door, {
        params: `"name":"echo","__proto__":{"polluted":1,"name":"secret"},"constructor":${hostile}`,
        size: '',
      })
      const answer = await open.send(text.replace('"padding":""', `"x":${hostile}`))
      expect(answer.message).toHaveProperty('result')
      const sent = calls(server).at(-1)?.text ?? ''
      expect(sent).toContain(hostile)
      expect(parseJson(sent)['params'].name).toBe('echo')
      for (const name of ['__proto__', 'constructor']) {
        const found = await open.send(textOf(door, { params: `"name":"${name}"`, size: '' }))
        expect(found.message).toHaveProperty('result')
        expect(calls(server).at(-1)?.message['params'].name).toBe(name)
      }
      const denied = await open.send(textOf(door, { params: '"name":"toString"', size: '' }))
      expect(codeOf(denied.message)).toBe('tool_not_found')
      open.close()
    })
  })
})

describe('a name that looks like a pattern', () => {
  it('is a name: a caller cannot widen a policy with it', async () => {
    const client = await openLegacy(gateway, { token: 'e' })
    for (const name of ['old__*', 'old__a*', '*', 'old__?cho', 'old__e*', 'old__ec%68o', 'old__echo/../secret'])
      expect(codeOf(await client.request('tools/call', { name }))).toBe('tool_not_found')
    const { result } = await client.request('tools/list')
    expect(result.tools.map((tool: Json) => tool['name'])).toEqual(['old__echo', 'recent__echo'])
    expect(await client.request('tools/call', { name: 'old__echo' })).toHaveProperty('result')
  })
})

describe('what a client says of itself', () => {
  const hostile: Json = JSON.parse(
    '{"__proto__":{"elicitation":{},"level":"admin"},"constructor":{"prototype":{"isAdmin":true}},"experimental":{"__proto__":{"polluted":1}}}',
  )

  it('cannot become what it did not declare', async () => {
    const opened = await post(gateway, initialize('2025-11-25', hostile), { path: '/old/mcp' })
    expect(opened.status).toBe(200)
    const declared = old.seen.findLast(({ message }) => message['method'] === 'initialize')?.text ?? ''
    expect(declared).not.toContain('admin')
    const modern = openModern(gateway, { path: '/old/mcp', capabilities: hostile })
    expect(await modern.request('tools/call', { name: 'echo' })).toHaveProperty('result')
  })

  it('cannot put a line into anything', async () => {
    const evil = 'x\r\nX-Injected: 1\u0000\u2028'
    const message = initialize()
    message['params'].clientInfo = { name: evil, version: evil }
    expect((await post(gateway, message)).status).toBe(200)
    const answer = await openModern(gateway).post('tools/call', { name: `old__${evil}` })
    expect(Object.keys(answer.headers)).not.toContain('x-injected')
    expect(codeOf(answer)).toBe('tool_not_found')
    const narrowed = await openModern(gateway).post(
      'tools/list',
      {},
      { headers: { 'x-mcp-servers': 'old, nobody;DROP, __proto__' } },
    )
    expect(JSON.parse(narrowed.text).result.tools).toHaveLength(5)
    const events = await gateway.audit()
    expect(JSON.stringify(events.map(({ endpoint, method, server }) => [endpoint, method, server]))).not.toContain(
      'Injected',
    )
  })
})

describe('the configuration', () => {
  const load = (text: string) => loadConfig({ path: null, text, env: {} })

  it.for([
    '__proto__: { polluted: 1 }',
    'constructor: { prototype: { polluted: 1 } }',
    'servers: { __proto__: { url: "http://127.0.0.1:1/mcp" } }',
    'servers: { one: { url: "http://127.0.0.1:1/mcp", __proto__: { isEnabled: false } } }',
    'servers: { one: { url: "http://127.0.0.1:1/mcp", headers: { __proto__: { a: b } } } }',
    'limits: { __proto__: { requestBytesMax: 1 } }',
    'servers: { one: { url: "http://127.0.0.1:1/mcp", headers: { "X-A": "b\\r\\nX-B: c" } } }',
    'servers: { one: { url: "http://127.0.0.1:1/mcp", credential: { kind: bearer, token: "a\\r\\nb" } } }',
    '<<: { limits: { requestBytesMax: 1 } }\nservers: { constructor: 5 }',
  ])('refuses what every object has, and what no header can hold: %s', (text) => {
    expect(() => load(text)).toThrow(ConfigError)
  })
})
