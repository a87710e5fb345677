/** A server that misbehaves before the first call: while it is asked who it is, what it offers, or after it has become another. */
import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '#contract/errors.ts'
import { codeOf, initialize, openLegacy, openModern, post } from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type Handler, type RawUpstream, type UpstreamScript } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const timeouts = { timeoutMs: 300, timeoutTotalMs: 900 }

type House = AsyncDisposable & { upstream: RawUpstream; gateway: RawGateway }

async function start(script: UpstreamScript, limits: Json = {}): Promise<House> {
  const upstream = await rawUpstream(script)
  const gateway = await startRawGateway({
    servers: [toServer('one', upstream, timeouts)],
    limits: { listingTimeoutMs: 2_000, responseBytesMax: 400_000, ...limits },
  })
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      assert.deepEqual(gateway.defects, [])
    },
  }
}

const trickle: Handler = (x) => {
  const timer = setInterval(() => void x.events(': ping\n\n'), 30)
  x.res.once('close', () => clearInterval(timer))
}
const text =
  (status: number): Handler =>
  ({ res }) =>
    void res.writeHead(status, { 'content-type': 'text/plain' }).end('no')
const json =
  (body: string, status = 200): Handler =>
  (x) =>
    x.json(body, status)

const misdeeds: readonly (readonly [name: string, Handler, ErrorCode])[] = [
  ['never answers', () => undefined, 'upstream_timeout'],
  ['keeps a stream alive and never answers', trickle, 'upstream_timeout'],
  ['closes', ({ res }) => void res.destroy(), 'upstream_closed'],
  ['sends a number', json('5'), 'upstream_protocol'],
  ['sends broken JSON', json('{'), 'upstream_protocol'],
  [
    'sends a page',
    ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    'upstream_protocol',
  ],
  ['answers 401', text(401), 'upstream_auth_failed'],
  ['answers 403', text(403), 'upstream_auth_failed'],
  ['answers 429', text(429), 'upstream_rate_limited'],
  ['answers 500', text(500), 'upstream_unreachable'],
  ['redirects', ({ res }) => void res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'upstream_redirected'],
  [
    'sends 100 MB',
    ({ res }) =>
      void res.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000000' }).write('{'),
    'upstream_too_large',
  ],
]

describe.for(['server/discover', 'initialize'])('a server that at %s', (method) => {
  // What says nothing of the era at discover is followed by initialize, which this server answers well.
  const isNoEvidence = (code: ErrorCode): boolean => method === 'server/discover' && code === 'upstream_protocol'

  it.concurrent.for(misdeeds)('%s', async ([, handler, code], { expect }) => {
    await using house = await start({ on: { [method]: handler } })
    const { gateway } = house
    const before = performance.now()
    const answers = await Promise.all([
      post(gateway, initialize(), { path: '/one/mcp' }),
      openModern(gateway, { path: '/one/mcp' }).post('tools/list'),
    ])
    for (const answer of answers) {
      if (isNoEvidence(code)) assert.equal(answer.status, 200)
      else assert.equal(codeOf(answer), code)
    }
    expect(performance.now() - before).toBeLessThan(1_800)
    await until('nothing is under way', () => gateway.engine.counts.callsUnderWay === 0)
  })
})

describe('a server that does not take notifications/initialized', () => {
  it.concurrent.for([
    ['never answers it', () => undefined, 'upstream_timeout'],
    ['trickles an answer to it', trickle, 'upstream_timeout'],
    ['answers 500', text(500), 'upstream_unreachable'],
    ['closes', ({ res }) => void res.destroy(), 'upstream_closed'],
  ] as readonly (readonly [string, Handler, ErrorCode])[])('is not used: %s', async ([, handler, code], { expect }) => {
    await using house = await start({ on: { 'notifications/initialized': handler } })
    const { gateway } = house
    const answer = await post(gateway, initialize(), { path: '/one/mcp' })
    expect(codeOf(answer)).toBe(code)
  })
})

describe('an answer to initialize', () => {
  it.for([
    ['no version', { capabilities: {} }],
    ['a version of the future', { protocolVersion: '2099-01-01', capabilities: {} }],
    ['a version that is no text', { protocolVersion: 5, capabilities: {} }],
    ['a modern version', { protocolVersion: '2026-07-28', capabilities: {} }],
  ])('with %s is upstream_protocol', async ([, result]) => {
    await using house = await start({ on: { initialize: (x) => x.result(result as Json) } })
    const { gateway } = house
    expect(codeOf(await post(gateway, initialize(), { path: '/one/mcp' }))).toBe('upstream_protocol')
  })

  it('with strange members is taken for what it says', async () => {
    const result = JSON.parse(
      '{"protocolVersion":"2025-11-25","capabilities":{"__proto__":{"tools":{}},"constructor":5,"tools":{"listChanged":"yes"}},"serverInfo":"x","instructions":{"a":1}}',
    )
    await using house = await start({ on: { initialize: (x) => x.result(result) } })
    const { gateway } = house
    const single = JSON.parse((await post(gateway, initialize(), { path: '/one/mcp' })).text)
    expect(single.result.serverInfo).toEqual({})
    expect(single.result).not.toHaveProperty('instructions')
    const joined = JSON.parse((await post(gateway, initialize())).text)
    expect(joined.result.capabilities.tools).toEqual({ listChanged: true })
    expect({}).not.toHaveProperty('tools')
  })

  it('cannot put a line into a header with its session id', async () => {
    await using house = await start({})
    const { gateway, upstream } = house
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    await client.request('tools/call', { name: 'echo' })
    expect(upstream.calls('echo').at(-1)?.headers['mcp-session-id']).toMatch(/^raw-\d+$/)
  })
})

describe('a list', () => {
  const tools = (count: number): Json[] =>
    Array.from({ length: count }, (_, i) => ({ name: `t${i}`, inputSchema: { type: 'object' } }))
  const list = async (
    script: UpstreamScript,
    limits: Json = {},
  ): Promise<{ single: Json; report: unknown; upstream: RawUpstream }> => {
    await using house = await start(script, limits)
    const { gateway, upstream } = house
    const single = await openModern(gateway, { path: '/one/mcp' }).request('tools/list')
    const joined = await openModern(gateway).request('tools/list')
    return { single, report: joined['result']._meta['toolgate/servers'][0], upstream }
  }

  it('of 20,001 tools is upstream_too_large, and names the limit', async () => {
    const { single, report } = await list({ tools: tools(20_001) }, { responseBytesMax: 10_000_000 })
    expect(codeOf(single)).toBe('upstream_too_large')
    expect(single['error'].data.itemsMax).toBe(10_000)
    expect(report).toEqual({ name: 'one', status: 'failing', reason: 'upstream_too_large' })
  })

  it('of more bytes than an answer may have is upstream_too_large, in however many pages it comes', async () => {
    const page = (x: { message: Json; result(value: Json): void }): void => {
      const at = Number(x.message['params']?.cursor ?? 0)
      const big = { name: `t${at}`, description: 'x'.repeat(100_000), inputSchema: { type: 'object' } }
      x.result({ tools: [big], nextCursor: String(at + 1) })
    }
    const { single, upstream } = await list({ on: { 'tools/list': page } })
    expect(codeOf(single)).toBe('upstream_too_large')
    expect(upstream.count('tools/list')).toBeLessThan(12)
  })

  it('may hold a tool with a description of 1 MB', async () => {
    const one = { name: 'one', description: 'x'.repeat(1_000_000), inputSchema: { type: 'object' } }
    const { single } = await list({ tools: [one] }, { responseBytesMax: 4_000_000 })
    expect(single['result'].tools[0].description).toHaveLength(1_000_000)
  })

  it.for([
    ['the same one', ['a', 'a', 'a']],
    ['one in a circle', ['a', 'b', 'a']],
    ['one in a long circle', ['a', 'b', 'c', 'd', 'b']],
  ] as const)('whose next cursor is %s is not asked for ever', async ([, cursors]) => {
    let at = 0
    const page: Handler = (x) => x.result({ tools: tools(1), nextCursor: cursors[at++] ?? cursors[at % 3] })
    const { upstream, report } = await list({ on: { 'tools/list': page } })
    expect(upstream.count('tools/list')).toBeLessThan(20)
    expect(report).toMatchObject({ name: 'one', status: 'ok' })
  })

  it.for([
    ['a cursor that is no text', { tools: [], nextCursor: 5 }, 'ok'],
    ['an empty cursor', { tools: [], nextCursor: '' }, 'ok'],
    ['no list', {}, 'failing'],
    ['a list that is an object', { tools: {} }, 'failing'],
    ['a list of what are no tools', { tools: [5, null, 'x', [], {}, { name: 5 }, { name: '' }] }, 'ok'],
  ] as const)('with %s', async ([, result, status]) => {
    let isFirst = true
    const page: Handler = (x) => {
      x.result(isFirst ? result : { tools: [] })
      isFirst = status === 'failing'
    }
    const { report, single } = await list({ on: { 'tools/list': page } })
    expect(report).toMatchObject({ status })
    if (status === 'ok') assert.deepEqual(single['result'].tools, [])
  })

  it('with names that no name should be stays usable, and every name fits where it must', async () => {
    const names = [
      'x'.repeat(1_000),
      'größe',
      'a b',
      'a\r\nb',
      '\u0000',
      '__proto__',
      'constructor',
      '../x',
      'tab\tx',
      '💥',
      '\ud800',
      'ok',
    ]
    // What no rule can speak of, because it is longer than any name is, is not offered.
    await using house = await start({ tools: ['', 'y'.repeat(10_000), ...names] })
    const { gateway, upstream } = house
    const joined = await openModern(gateway).request('tools/list')
    const exposed: string[] = joined['result'].tools.map((tool: Json) => tool['name'])
    expect(exposed).toHaveLength(names.length)
    for (const name of exposed) expect(name).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
    const modern = openModern(gateway)
    for (const [index, name] of exposed.entries()) {
      expect(await modern.request('tools/call', { name })).toHaveProperty('result')
      const last = upstream.seen.findLast(({ message }) => message['method'] === 'tools/call')
      expect(last?.message['params'].name).toBe(names[index])
    }
  })

  it('with one name twice offers it once, and calls it', async () => {
    await using house = await start({
      tools: ['same', 'same', { name: 'same', description: 'last', inputSchema: { type: 'object' } }],
    })
    const { gateway, upstream } = house
    const client = await openLegacy(gateway)
    const { result } = await client.request('tools/list')
    expect(result.tools).toHaveLength(1)
    await client.request('tools/call', { name: 'one__same' })
    expect(upstream.calls('same')).toHaveLength(1)
  })

  it('whose tools fold into one name offers each under a name of its own', async () => {
    await using house = await start({ tools: ['a b', 'a_b', 'a\tb'] })
    const { result } = await openModern(house.gateway).request('tools/list')
    expect(new Set(result.tools.map((tool: Json) => tool['name'])).size).toBe(3)
  })
})

describe('a server that becomes another', () => {
  const call = { name: 'one__echo' }
  const ok = { content: [{ text: 'ok' }] }

  it.for(['legacy', 'modern'] as const)('is followed from %s to the other era', async (era) => {
    await using house = await start({ era })
    const { gateway, upstream } = house
    const legacy = await openLegacy(gateway)
    const modern = openModern(gateway)
    expect(await legacy.request('tools/call', call)).toMatchObject({ result: ok })
    expect(await modern.request('tools/call', call)).toMatchObject({ result: ok })
    const other = era === 'legacy' ? 'modern' : 'legacy'
    upstream.script = strict(other)
    const codes = new Set<unknown>()
    let answered: Json = {}
    await until(
      'a legacy client is served again',
      async () => {
        answered = await legacy.request('tools/call', call)
        if ('error' in answered) codes.add(codeOf(answered))
        return 'result' in answered
      },
      { timeoutMs: 5_000, pollMs: 50 },
    )
    expect(answered).toMatchObject({ result: ok })
    await until('a modern client is served again', async () => 'result' in (await modern.request('tools/call', call)), {
      timeoutMs: 5_000,
      pollMs: 50,
    })
    for (const code of codes) expect(code).toMatch(/^upstream_/)
    expect(await legacy.request('tools/list')).toHaveProperty('result')
  })

  /** A server of one era that answers the other's requests as its era says. */
  function strict(era: 'legacy' | 'modern'): UpstreamScript {
    const refuse: Handler = (x) =>
      x.json(
        {
          jsonrpc: '2.0',
          id: x.message['id'] ?? null,
          error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } },
        },
        400,
      )
    const unknown: Handler = (x) =>
      x.json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, 404)
    const isForeign = (x: { message: Json; req: { headers: Record<string, unknown> } }): boolean =>
      era === 'modern'
        ? !x.message['params']?._meta?.['io.modelcontextprotocol/protocolVersion']
        : !String(x.req.headers['mcp-session-id']).startsWith('new-')
    const guard =
      (handler: Handler): Handler =>
      (x) =>
        isForeign(x) ? (era === 'modern' ? refuse : unknown)(x) : handler(x)
    const tools = [{ name: 'echo', inputSchema: { type: 'object' } }]
    const done = era === 'modern' ? { resultType: 'complete', ttlMs: 1_000, cacheScope: 'private' } : {}
    return {
      era,
      on: {
        'tools/list': guard((x) => x.result({ tools, ...done })),
        'tools/call': guard((x) => x.text('ok')),
        ...(era === 'legacy'
          ? {
              initialize: (x) =>
                x.result(
                  { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} },
                  { 'mcp-session-id': `new-${x.message['id']}` },
                ),
            }
          : {}),
      },
    }
  }

  it('loses its session and gets a fresh one, without the caller’s doing', async () => {
    await using house = await start({ tools: ['echo'] })
    const { gateway, upstream } = house
    const client = await openLegacy(gateway)
    await client.request('tools/call', call)
    let lost = 0
    upstream.script = {
      tools: ['echo'],
      calls: {
        echo: (x) => {
          if (lost++ > 0) x.text('again')
          else x.json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, 404)
        },
      },
    }
    expect(await client.request('tools/call', call)).toMatchObject({ result: { content: [{ text: 'again' }] } })
    expect(upstream.count('initialize')).toBe(2)
  })

  it('loses every session and is upstream_closed, not the caller’s fault', async () => {
    await using house = await start({ tools: ['echo'] })
    const { gateway, upstream } = house
    const client = await openLegacy(gateway)
    await client.request('tools/call', call)
    upstream.script = { tools: ['echo'], calls: { echo: (x) => x.json('{}', 404) } }
    const answered = await client.request('tools/call', call)
    expect(codeOf(answered)).toBe('upstream_closed')
    expect(upstream.calls('echo').length).toBeLessThanOrEqual(3)
    expect(await client.request('ping')).toMatchObject({ result: {} })
  })
})
