/** A server on a channel (stdio, WebSocket, HTTP+SSE) that misbehaves: each way has a name, and the next call is served again. */
import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '#contract/errors.ts'
import {
  rawSseUpstream,
  rawWebSocketUpstream,
  type ChannelHandler,
  type ChannelScript,
  type RawChannelUpstream,
} from '../support/raw-channel-upstream.ts'
import { plant, takeFinds } from '../support/planted.ts'
import { codeOf, initialize, openLegacy, openModern, post } from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { isAlive, stdioServer } from '../support/raw-stdio-server.ts'
import { until } from '../support/until.ts'

const timeouts = { timeoutMs: 300, timeoutTotalMs: 900 }
/** For what takes a while by itself. */
const patient = { timeoutMs: 10_000, timeoutTotalMs: 15_000 }
const limits = { responseBytesMax: 400_000 }
const done = (text: string): Json => ({ content: [{ type: 'text', text }] })

/** Asks everything at once, and says how many of the answers were errors. */
function askMany(): { calls: Record<string, ChannelHandler>; on: Record<string, ChannelHandler> } {
  return {
    on: {},
    calls: {
      asks(peer, message) {
        const count = 10_000
        for (let i = 0; i < count; i++) {
          const params = { message: `q${i}`, requestedSchema: { type: 'object', properties: {} } }
          peer.say({ jsonrpc: '2.0', id: `q${i}`, method: 'elicitation/create', params })
        }
        // Its own answer comes last, so what was asked before it has been seen.
        setTimeout(() => peer.say({ jsonrpc: '2.0', id: message['id'], result: done('asked') }), 200)
      },
    },
  }
}

const misdeeds: Record<string, ChannelHandler> = {
  hang: () => undefined,
  cut: (peer) => peer.cut(),
  garbage: (peer) => peer.raw('this is { not json'),
  huge: (peer) => peer.raw(`{"x":"${'x'.repeat(1_000_000)}"}`),
  wrongId: (peer) => peer.say({ jsonrpc: '2.0', id: 'nobody-asked', result: {} }),
  wrongType: (peer, { id }) => peer.say({ jsonrpc: '2.0', id, result: 'a text' }),
  noResult: (peer, { id }) => peer.say({ jsonrpc: '2.0', id }),
  array: (peer) => peer.raw('[1, null, "x", [], {}]'),
  notes(peer, { id }) {
    for (let i = 0; i < 10_000; i++) {
      peer.say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: `note ${i}` } })
    }
    peer.say({ jsonrpc: '2.0', id, result: done('said') })
  },
  strangeProgress(peer, { id }) {
    for (const params of [{ progressToken: 'nobody', progress: 1 }, { progressToken: { a: 1 } }, {}, undefined])
      peer.say({ jsonrpc: '2.0', method: 'notifications/progress', ...(params ? { params } : {}) })
    peer.say({ jsonrpc: '2.0', id, result: done('said') })
  },
  ...askMany().calls,
}

type House = AsyncDisposable & { gateway: RawGateway }

async function startChannel(
  start: (script: ChannelScript) => Promise<RawChannelUpstream>,
  options: Json,
): Promise<House> {
  const upstream = await start({ calls: misdeeds })
  const gateway = await startRawGateway({
    servers: [{ name: 'one', transport: upstream.transport, ...timeouts, ...options }],
    limits,
  })
  return toHouse(gateway, upstream)
}

async function startStdio(options: Json = {}): Promise<House> {
  return toHouse(await startRawGateway({ servers: [stdioServer('one', { ...timeouts, ...options })], limits }))
}

function toHouse(gateway: RawGateway, upstream?: AsyncDisposable): House {
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await upstream?.[Symbol.asyncDispose]()
      assert.deepEqual(gateway.defects, [])
    },
  }
}

const wires = [
  { wire: 'stdio', start: (options: Json = {}) => startStdio(options), garbage: 'upstream_timeout', cut: 'die' },
  {
    wire: 'WebSocket',
    start: (options: Json = {}) => startChannel(rawWebSocketUpstream, options),
    garbage: 'upstream_protocol',
    cut: 'cut',
  },
  {
    wire: 'HTTP+SSE',
    start: (options: Json = {}) => startChannel(rawSseUpstream, options),
    garbage: 'upstream_protocol',
    cut: 'cut',
  },
] as const

describe.for(wires)('a $wire server', ({ start, garbage, cut }) => {
  const expected: readonly (readonly [string, ErrorCode])[] = [
    ['hang', 'upstream_timeout'],
    [cut, 'upstream_closed'],
    ['garbage', garbage],
    ['huge', 'upstream_too_large'],
    ['wrongId', 'upstream_timeout'],
    ['wrongType', 'upstream_protocol'],
    ['noResult', 'upstream_protocol'],
    ['array', 'upstream_timeout'],
  ]

  it.concurrent.for(expected)('ends a call by name when it misbehaves: %s', async ([tool, code], { expect }) => {
    await using house = await start()
    const { gateway } = house
    const legacy = await openLegacy(gateway, { path: '/one/mcp' })
    const modern = openModern(gateway, { path: '/one/mcp' })
    expect(codeOf(await legacy.request('tools/call', { name: tool }))).toBe(code)
    await until('it is served again', async () => 'result' in (await legacy.request('tools/call', { name: 'echo' })))
    expect(codeOf(await modern.request('tools/call', { name: tool }))).toBe(code)
    await until('it is served again', async () => 'result' in (await modern.request('tools/call', { name: 'echo' })))
    expect(gateway.engine.counts.callsUnderWay).toBe(0)
  })

  it('may say 10,000 things, and the client hears them', async () => {
    await using house = await start(patient)
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const stream = await client.stream({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'notes' } })
    expect(await stream.message(({ id }) => id === 1)).toMatchObject({ result: done('said') })
    expect(stream.all.filter(({ data }) => data.includes('"note '))).toHaveLength(10_000)
    const quiet = await openModern(house.gateway, { path: '/one/mcp' }).request('tools/call', { name: 'notes' })
    expect(quiet).toMatchObject({ result: done('said') })
  })

  it('that reports progress of nobody’s tells nobody', async () => {
    await using house = await start()
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const params = { name: 'strangeProgress', _meta: { progressToken: 'mine' } }
    const stream = await client.stream({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    await stream.ended
    expect(stream.text()).not.toContain('notifications/progress')
    expect(stream.text()).toContain('said')
  })

  it('that asks 10,000 questions is answered, and no client is asked more than a few', async () => {
    await using house = await start(patient)
    const { gateway } = house
    const asking = { elicitation: {} }
    const client = await openLegacy(gateway, { path: '/one/mcp', capabilities: asking })
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'asks' } }
    const stream = await client.stream(message)
    await until('a question has come', () => stream.text().includes('elicitation/create'))
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await stream.ended
    const asked = stream.all.filter(({ data }) => data.includes('elicitation/create')).length
    expect(asked).toBeLessThan(200)
    const modern = openModern(gateway, { path: '/one/mcp', capabilities: asking })
    const answered = await modern.request('tools/call', { name: 'asks' })
    expect(Object.keys(answered['result']?.inputRequests ?? {}).length).toBeLessThan(200)
    await client.end()
    await until('nothing is under way', () => gateway.http.counts.replies === 0)
  })
})

describe('a stdio server', () => {
  it.for([
    ['dies at once', 'die-at-once', 'upstream_closed'],
    ['dies during initialize', 'die', 'upstream_closed'],
    ['speaks a version that is none', 'strange-version', 'upstream_protocol'],
  ])('that %s is named', async ([, mode, code]) => {
    await using house = await startStdio({ mode, protocol: 'legacy' })
    expect(codeOf(await post(house.gateway, initialize(), { path: '/one/mcp' }))).toBe(code)
    expect(house.gateway.troubles.map((trouble) => trouble.code)).toContain(code)
  })

  it('that does not exist is named', async () => {
    const transport = { kind: 'stdio', command: '/nonexistent/program' }
    await using gateway = await startRawGateway({ servers: [{ name: 'one', isolation: 'shared', transport }] })
    const answer = await post(gateway, initialize(), { path: '/one/mcp' })
    expect(codeOf(answer)).toBe('upstream_unreachable')
    expect(answer.text).not.toContain('/nonexistent')
  })

  it('that prints a banner is served, and its secret is in no text about it', async () => {
    const secret = plant('environment', { childOf: 'one' })
    await using house = await startStdio({ mode: 'banner', env: { RAW_SECRET: secret } })
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    expect(await client.request('tools/call', { name: 'echo' })).toMatchObject({ result: done('ok') })
    await client.request('tools/call', { name: 'die' })
    await until('its end is told', () => house.gateway.troubles.length > 0)
    const told = JSON.stringify([house.gateway.troubles, house.gateway.engine.registry.upstreams[0]?.diagnosis])
    expect(told).toContain('my key is [secret]')
    expect(told).not.toContain(secret)
  })

  it('that prints garbage without end is upstream_protocol, and its process is gone', async () => {
    await using house = await startStdio()
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const pid = Number((await client.request('tools/call', { name: 'pid' }))['result'].content[0].text)
    expect(codeOf(await client.request('tools/call', { name: 'endlessGarbage' }))).toBe('upstream_protocol')
    await until('its process is gone', () => !isAlive(pid))
  })

  it('that prints a line without end is upstream_too_large, and its process is gone', async () => {
    await using house = await startStdio()
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const pid = Number((await client.request('tools/call', { name: 'pid' }))['result'].content[0].text)
    expect(codeOf(await client.request('tools/call', { name: 'endless' }))).toBe('upstream_too_large')
    await until('its process is gone', () => !isAlive(pid))
    expect(await client.request('tools/call', { name: 'echo' })).toMatchObject({ result: done('ok') })
  })

  it('that ignores the end of its input and SIGTERM is killed when the gateway ends', async () => {
    const house = await startStdio({ mode: 'stubborn' })
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const pid = Number((await client.request('tools/call', { name: 'pid' }))['result'].content[0].text)
    expect(isAlive(pid)).toBe(true)
    await house[Symbol.asyncDispose]()
    expect(isAlive(pid)).toBe(false)
  })

  it('sees nothing of the gateway’s environment or of its callers', async () => {
    process.env['RAW_CANARY'] = 'canary-of-the-gateway'
    await using house = await startStdio({ env: { RAW_OWN: 'own' } })
    const client = await openLegacy(house.gateway, { path: '/one/mcp' })
    const env = JSON.parse((await client.request('tools/call', { name: 'env' }))['result'].content[0].text)
    delete process.env['RAW_CANARY']
    expect(env.RAW_OWN).toBe('own')
    expect(env).not.toHaveProperty('RAW_CANARY')
    expect(JSON.stringify(env)).not.toContain('Bearer')
    // The secret that it was given, it has said itself.
    expect(new Set(takeFinds().map(({ text }) => text))).toEqual(new Set([env.PLANTED]))
  })
})

describe.for([
  ['WebSocket', rawWebSocketUpstream],
  ['HTTP+SSE', rawSseUpstream],
] as const)('a %s server that does not come to be open', ([, start]) => {
  const misdeedsAtStart: readonly (readonly [string, ChannelHandler, ErrorCode])[] = [
    ['closes at initialize', (peer) => peer.cut(), 'upstream_closed'],
    ['sends garbage at initialize', (peer) => peer.raw('{'), 'upstream_protocol'],
  ]
  it.for(misdeedsAtStart)('is named: %s', async ([, handler, code]) => {
    await using upstream = await start({ on: { initialize: handler } })
    const server = { name: 'one', transport: upstream.transport, protocol: 'legacy', ...timeouts }
    await using gateway = await startRawGateway({ servers: [server] })
    expect(codeOf(await post(gateway, initialize(), { path: '/one/mcp' }))).toBe(code)
    await until('no connection stays', () => upstream.sockets.size === 0)
  })
})
