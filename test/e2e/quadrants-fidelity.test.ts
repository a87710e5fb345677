/** What no revision names passes through the gateway as it came, both ways; what an era names is said in the other's words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quadrants, startEraLab, type EraLab, type Quadrant } from '../support/era-lab.ts'
import { openRaw } from '../support/raw/client.ts'
import { RpcFailure, tool, type Era, type Json, type RawCall } from '../support/raw/exchange.ts'

let lab: EraLab
/** By era, the last tool call that reached an upstream. */
const reached: Partial<Record<Era, RawCall>> = {}

const strangeTool = tool('strange', {
  title: 'Seltsam',
  annotations: { readOnlyHint: true, 'vendor/hint': 7 },
  icons: [{ src: 'data:image/png;base64,AAAA' }],
  _meta: { 'vendor/tool': [1, { deep: true }] },
  'vendor-field': 'kept',
  inputSchema: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
})
const strangeResult: Json = {
  content: [
    { type: 'text', text: 'Zeile\u2028 — 😀', annotations: { audience: ['user'] }, _meta: { 'vendor/part': 1 } },
    { type: 'vendor/hologram', layers: [[1, 2], [3]], note: null },
    { type: 'resource_link', uri: 'vendor:x?y#z', name: 'link', 'vendor-field': true },
    { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
  ],
  structuredContent: { list: [1, 'two', null], nested: { big: 9007199254740991, small: 1e-7 } },
  _meta: { 'vendor/result': 'kept' },
  'vendor-member': { any: ['thing'] },
}
/** Tools that answer with what is not an object, and what a legacy client must get instead. */
const values: Record<string, unknown> = { array: [1, 2], text: 'plain', number: 0.5, truth: false, nothing: null }

beforeAll(async () => {
  lab = await startEraLab({
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
    handlers: {
      'tools/list': () => ({
        tools: [strangeTool, ...Object.keys(values).map((name) => tool(name, { outputSchema: {} }))],
        _meta: { 'vendor/list': 1 },
        'vendor-list': true,
      }),
      'tools/call': (call) => {
        reached[call.era] = call
        const name = String(call.params['name'])
        if (name === 'strange') return strangeResult
        return { content: [], structuredContent: values[name] }
      },
      'resources/read': ({ era, params }) => {
        const { uri } = params
        if (uri === 'test://gone') throw new RpcFailure(era === 'legacy' ? -32002 : -32602, 'gone', { uri })
        return { contents: [{ uri, text: 'x', 'vendor-field': 1 }], 'vendor-member': 2 }
      },
      'prompts/list': () => ({ prompts: [{ name: 'p', 'vendor-field': 1 }] }),
      'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'vendor/poem', lines: 3 } }], extra: 1 }),
      'completion/complete': () => ({ completion: { values: ['a'], total: 1, hasMore: false, 'vendor-field': 1 } }),
    },
  })
})

afterAll(() => lab[Symbol.asyncDispose]())

const open = ({ client, upstream }: Quadrant, headers = {}) => openRaw(client, { ...lab.at('raw', upstream), headers })

/** What only one era has is left out before two results are compared. */
function withoutEra(result: Json | undefined): Json {
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, _meta, ...rest } = result ?? {}
  const own = Object.entries((_meta ?? {}) as Json).filter(([key]) => !key.startsWith('io.modelcontextprotocol/'))
  return own.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(own) }
}

/** The members of a result that only 2026-07-28 has, sorted. */
function membersOfEra(result: Json): string[] {
  const members = ['cacheScope', 'resultType', 'ttlMs'].filter((name) => name in result)
  const reserved = Object.keys(result['_meta'] ?? {}).filter((key) => key.startsWith('io.modelcontextprotocol/'))
  return [...members, ...reserved.filter((key) => !key.endsWith('/serverInfo') || members.length === 0)]
}

describe.each(quadrants)('between a $client client and a $upstream server', (quadrant) => {
  it('a tool keeps every member that its server gave it', async () => {
    await using client = await open(quadrant)
    const { result } = await client.ask('tools/list')
    expect(result?.['tools']).toContainEqual(strangeTool)
    expect(withoutEra(result)).toMatchObject({ 'vendor-list': true, _meta: { 'vendor/list': 1 } })
  })

  it('a result keeps content of unknown types, unknown members and `_meta`', async () => {
    await using client = await open(quadrant)
    const { result } = await client.ask('tools/call', { name: 'strange', arguments: {} })
    expect(withoutEra(result)).toEqual(strangeResult)
  })

  it('a request keeps unknown members and `_meta`', async () => {
    await using client = await open(quadrant)
    const params = {
      name: 'strange',
      arguments: { a: '\u0000' },
      _meta: { 'vendor/ask': { x: 1 } },
      'vendor-param': [1],
    }
    await client.ask('tools/call', params)
    const call = reached[quadrant.upstream]
    expect(call?.params).toMatchObject(params)
    const keys = Object.keys(call?.params['_meta'] ?? {})
    expect(keys.some((key) => key.startsWith('io.modelcontextprotocol/'))).toBe(quadrant.upstream === 'modern')
  })

  it('resources, prompts and completions keep unknown members', async () => {
    await using client = await open(quadrant)
    const read = await client.ask('resources/read', { uri: 'test://any' })
    const contents = [{ uri: 'test://any', text: 'x', 'vendor-field': 1 }]
    expect(withoutEra(read.result)).toEqual({ contents, 'vendor-member': 2 })
    const prompt = await client.ask('prompts/get', { name: 'p' })
    const messages = [{ role: 'user', content: { type: 'vendor/poem', lines: 3 } }]
    expect(withoutEra(prompt.result)).toEqual({ messages, extra: 1 })
    const ref = { type: 'ref/prompt', name: 'p' }
    const completed = await client.ask('completion/complete', { ref, argument: { name: 'x', value: '' } })
    const completion = { values: ['a'], total: 1, hasMore: false, 'vendor-field': 1 }
    expect(withoutEra(completed.result)).toEqual({ completion })
  })

  it.each(Object.keys(values))('structured content that is %s arrives, wrapped for a legacy client', async (name) => {
    await using client = await open(quadrant)
    const { result } = await client.ask('tools/call', { name, arguments: {} })
    const isWrapped = quadrant.client === 'legacy' && quadrant.upstream === 'modern'
    const value = values[name]
    expect(withoutEra(result)).toEqual({ content: [], structuredContent: isWrapped ? { result: value } : value })
  })

  it('trace context travels, in the headers and in `_meta`', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { traceparent, tracestate: 'vendor=1', baggage: 'k=v', 'x-private': 'stays' }
    await using client = await open(quadrant, headers)
    const _meta = { traceparent, tracestate: 'vendor=1', baggage: 'k=v' }
    await client.ask('tools/call', { name: 'strange', arguments: {}, _meta })
    const call = reached[quadrant.upstream]
    expect(call?.headers).toMatchObject({ traceparent, tracestate: 'vendor=1', baggage: 'k=v' })
    expect(call?.headers).not.toHaveProperty('x-private')
    expect(call?.params['_meta']).toMatchObject(_meta)
  })

  it('a missing resource is told in the code of the client’s revision', async () => {
    await using client = await open(quadrant)
    const { error } = await client.ask('resources/read', { uri: 'test://gone' })
    expect(error).toMatchObject({
      code: quadrant.client === 'legacy' ? -32002 : -32602,
      data: { uri: 'test://gone' },
    })
  })

  it('a result has the members that the client’s revision requires, and no other revision’s', async () => {
    await using client = await open(quadrant)
    const listed = (await client.ask('tools/list')).result ?? {}
    const called = (await client.ask('tools/call', { name: 'strange', arguments: {} })).result ?? {}
    const isModern = quadrant.client === 'modern'
    expect(membersOfEra(listed)).toEqual(isModern ? ['cacheScope', 'resultType', 'ttlMs'] : [])
    expect(membersOfEra(called)).toEqual(isModern ? ['resultType'] : [])
  })
})
