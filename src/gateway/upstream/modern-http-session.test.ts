import { beforeEach, describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeHttpWire, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { leaseOf } from '#test/support/leases.ts'
import { ModernHttpSession } from './modern-http-session.ts'
import type { Answer, ByteSink, CallHooks, UpstreamCall } from './upstream-session.ts'

let clock: FakeClock
let wire: FakeHttpWire
let outside: string[]
let noted: RpcNotification[]
let ends: (GatewayError | null)[]

const lease = leaseOf(['authorization', 'Bearer upstream'])

function open(capabilities: JsonObject = { tools: {} }): ModernHttpSession {
  return new ModernHttpSession({
    exchange: { wire, createEventReader, responseBytesMax: 1_000_000, lease },
    clock,
    lease,
    facts: { era: 'modern', revision: '2026-07-28', capabilities, serverInfo: {}, instructions: undefined },
    clientInfo: { name: 'toolgate' },
    clientCapabilities: {},
    timeoutMs: 5_000,
    timeoutTotalMs: 60_000,
    events: {
      listChanged: (kind) => void outside.push(kind),
      resourceUpdated: (uri) => void outside.push(uri),
      logged: () => void outside.push('log'),
      other: ({ method }) => void outside.push(method),
      asked: async () => ({ result: {} }),
      ended: (error) => void ends.push(error),
    },
  })
}

const hooks = (): CallHooks => ({
  notify: (note) => void noted.push(note),
  ask: async () => ({ result: {} }),
  cancellation: new Cancellation(),
})
const toolCall = (more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  method: 'tools/call',
  params: { name: 'Grüße', _meta: { progressToken: 't' } },
  headers: [],
  raw: null,
  ...more,
})
const raw = (sink: ByteSink | null = null) => ({ id: 'c-1', large: null, sink })
const post = (): FakeExchange => wire.last('tools/call')
const response = (result: JsonObject, id: unknown = post().body['id']) => ({ jsonrpc: '2.0', id, result })
const note = (method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', method, params })

class FakeSink implements ByteSink {
  readonly told: string[] = []
  canStart = true
  resume: (() => void) | undefined
  isFull = false

  start(contentType: string): void {
    this.told.push(`start ${contentType}`)
  }

  write(bytes: Uint8Array | string): boolean {
    this.told.push(`write ${bytes.length}`)
    return !this.isFull
  }

  onDrain(resume: () => void): void {
    this.resume = resume
  }

  end(): void {
    this.told.push('end')
  }

  destroy(): void {
    this.told.push('destroy')
  }
}

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeHttpWire()
  outside = []
  noted = []
  ends = []
})

describe('a call', () => {
  it('goes as it is, with the headers that mirror it, under the caller’s own id', async () => {
    const session = open()
    const call = session.call(toolCall({ raw: raw(), headers: ['traceparent', 't'] }), hooks())
    expect(post().body).toEqual({ jsonrpc: '2.0', id: 'c-1', method: 'tools/call', params: toolCall().params })
    const names = ['mcp-protocol-version', 'mcp-method', 'mcp-name', 'traceparent', 'authorization']
    expect(names.map((name) => post().header(name))).toEqual([
      '2026-07-28',
      'tools/call',
      '=?base64?R3LDvMOfZQ==?=',
      't',
      'Bearer upstream',
    ])
    post().json(response({ resultType: 'complete', content: [] }))
    const answer: Answer = await call
    expect('raw' in answer && JSON.parse(answer.raw)).toEqual(response({ resultType: 'complete', content: [] }))
    expect(session.callsUnderWay).toBe(0)
    expect(clock.waiting).toBe(0)
  })

  it('says how a raw answer ended', async () => {
    const session = open()
    const call = session.call(toolCall({ raw: raw() }), hooks())
    post().json(response({ resultType: 'input_required' }))
    expect(await call).toMatchObject({ ending: 'input_required' })
  })

  it('hears what is said on its stream, then the answer', async () => {
    const session = open()
    const call = session.call(toolCall(), hooks())
    post().openStream()
    const progress = note('notifications/progress', { progressToken: 't', progress: 1 })
    post().event(progress)
    post().event(response({ done: true }))
    expect(await call).toEqual({ result: { done: true } })
    expect(noted).toEqual([progress])
    expect(post().isAborted).toBe(false)
    post().end()
    expect(clock.waiting).toBe(0)
  })

  it('cuts a stream that does not end after its answer', async () => {
    const session = open()
    const call = session.call(toolCall(), hooks())
    post().openStream()
    post().event(response({}))
    await call
    await clock.advance(5_000)
    expect(post().isAborted).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  it('takes no answer to another request for its own', async () => {
    const session = open()
    const call = session.call(toolCall({ raw: raw() }), hooks())
    post().openStream()
    post().event(response({ of: 'another' }, 'c-2'))
    post().event(response({ own: true }))
    const answer = await call
    expect('raw' in answer && JSON.parse(answer.raw)).toMatchObject({ id: 'c-1', result: { own: true } })
  })

  it.each<[string, (one: FakeExchange) => void, string]>([
    ['a question', (one) => (one.openStream(), one.event({ jsonrpc: '2.0', id: 1, method: 'x' })), 'upstream_protocol'],
    ['an event that is no JSON', (one) => (one.openStream(), one.event('{')), 'upstream_protocol'],
    ['a stream that ends', (one) => (one.openStream(), one.end()), 'upstream_closed'],
    ['the answer to another request', (one) => one.json(response({}, 'other')), 'upstream_protocol'],
    ['no answer', (one) => one.empty(202), 'upstream_protocol'],
    ['a refusal of the credential', (one) => one.empty(403), 'upstream_auth_failed'],
    ['silence', (one) => one.fail(new GatewayError('upstream_timeout')), 'upstream_timeout'],
    ['a refusal by a server of the other era', (one) => one.empty(400), 'session_not_found'],
  ])('fails by name for %s', async (_what, play, code) => {
    const session = open()
    const failure = failureOf(session.call(toolCall({ raw: raw() }), hooks()))
    play(post())
    expect(await failure).toMatchObject({ code })
    expect(clock.waiting).toBe(0)
  })

  it('is cancelled by closing its stream', async () => {
    const session = open()
    const own = hooks()
    const failure = failureOf(session.call(toolCall(), own))
    own.cancellation.cancel()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    expect(post().isAborted).toBe(true)
    expect(wire.exchanges).toHaveLength(1)
  })

  it('may take so long in all', async () => {
    const session = open()
    const failure = failureOf(session.call(toolCall(), hooks()))
    post().openStream()
    for (let passed = 0; passed < 60_000; passed += 4_000) {
      expect(post().isAborted).toBe(false)
      post().event(note('notifications/progress'))
      await clock.advance(4_000)
    }
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is given up after a long silence', async () => {
    const session = open()
    const failure = failureOf(session.call(toolCall(), hooks()))
    await clock.advance(4_999)
    expect(post().isAborted).toBe(false)
    await clock.advance(1)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(post().isAborted).toBe(true)
  })
})

describe('a large answer', () => {
  const large = () => JSON.stringify(response({ text: 'x'.repeat(300_000) }))

  it('goes on as it comes where the client can take it', async () => {
    const session = open()
    const sink = new FakeSink()
    const call = session.call(toolCall({ raw: raw(sink) }), hooks())
    post().head(200, { 'content-type': 'application/json' })
    const body = large()
    post().chunk(body.slice(0, 270_000))
    sink.isFull = true
    post().chunk(body.slice(270_000))
    expect(post().isPaused).toBe(true)
    // That nothing comes now is the client's doing.
    await clock.advance(20_000)
    expect(post().isAborted).toBe(false)
    sink.resume?.()
    expect(post().isPaused).toBe(false)
    post().end()
    expect(await call).toMatchObject({ streamed: true, ending: 'ok' })
    const rest = body.length - 270_000
    expect(sink.told).toEqual(['start application/json', 'write 270000', `write ${rest}`, 'end'])
  })

  it('is not the client’s where it is cut off: the client must not take a part for the whole', async () => {
    const session = open()
    const sink = new FakeSink()
    const failure = failureOf(session.call(toolCall({ raw: raw(sink) }), hooks()))
    post().head(200, { 'content-type': 'application/json' })
    post().chunk(large().slice(0, 290_000))
    post().fail(new GatewayError('upstream_closed'))
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(sink.told).toContain('destroy')
    expect(sink.told).not.toContain('end')
  })

  it('does not go on to the client where it answers another request', async () => {
    const session = open()
    const sink = new FakeSink()
    const failure = failureOf(session.call(toolCall({ raw: raw(sink) }), hooks()))
    post().json(JSON.stringify(response({ text: 'x'.repeat(300_000) }, 'other')))
    expect(await failure).toMatchObject({ code: 'upstream_protocol' })
    expect(sink.told.filter((what) => what !== 'destroy')).toEqual([])
  })

  it('is held for a client to whom something was said before', async () => {
    const session = open()
    const sink = new FakeSink()
    sink.canStart = false
    const call = session.call(toolCall({ raw: raw(sink) }), hooks())
    post().json(large())
    expect('raw' in (await call)).toBe(true)
    expect(sink.told).toEqual([])
  })

  it('ends at the limit, also while it goes on', async () => {
    const session = open()
    const sink = new FakeSink()
    const failure = failureOf(session.call(toolCall({ raw: raw(sink) }), hooks()))
    post().head(200, { 'content-type': 'application/json' })
    post().chunk(large())
    post().chunk('y'.repeat(700_001))
    expect(await failure).toMatchObject({ code: 'upstream_too_large' })
    expect(post().isAborted).toBe(true)
    expect(sink.told).toContain('destroy')
  })
})

describe('listening', () => {
  const all = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true, listChanged: true } }
  const stream = (): FakeExchange => wire.last('subscriptions/listen')
  const wished = () => (stream().body['params'] as JsonObject)['notifications']

  it('asks for what the server can tell', () => {
    open(all)
    expect(wished()).toEqual({ toolsListChanged: true, resourcesListChanged: true })
    expect(stream().header('mcp-method')).toBe('subscriptions/listen')
  })

  it('is not done where the server can tell nothing', () => {
    const session = open({ tools: {} })
    session.listen({ resources: ['a:b'] })
    expect(wire.exchanges).toEqual([])
  })

  it('tells what happens, and not that it began', () => {
    open(all)
    stream().openStream()
    stream().event(note('notifications/subscriptions/acknowledged'))
    stream().event(note('notifications/tools/list_changed'))
    stream().event(note('notifications/resources/updated', { uri: 'a:b' }))
    stream().event('nonsense')
    expect(outside).toEqual(['tools', 'a:b'])
  })

  it('goes on with the older stream until a newer one has begun, so that nothing is missed', () => {
    const session = open(all)
    const older = stream()
    older.openStream()
    session.listen({ resources: [] })
    expect(wire.exchanges).toHaveLength(1)
    session.listen({ resources: ['a:b'] })
    expect(wished()).toMatchObject({ resourceSubscriptions: ['a:b'] })
    older.event(note('notifications/tools/list_changed'))
    expect(outside).toEqual(['tools'])
    stream().openStream()
    stream().event(note('notifications/subscriptions/acknowledged'))
    expect([older.isAborted, stream().isAborted]).toEqual([true, false])
  })

  it('is begun again when the stream ends, later each time until it is heard again', async () => {
    open(all)
    for (const delayMs of [1_000, 2_000, 4_000]) {
      const before = wire.exchanges.length
      stream().fail(new GatewayError('upstream_unreachable'))
      await clock.advance(delayMs - 1)
      expect(wire.exchanges).toHaveLength(before)
      await clock.advance(1)
      expect(wire.exchanges).toHaveLength(before + 1)
    }
    stream().openStream()
    stream().event(note('notifications/subscriptions/acknowledged'))
    stream().end()
    await clock.advance(1_000)
    expect(wire.exchanges).toHaveLength(5)
  })

  it.each(['upstream_timeout', 'upstream_rate_limited'] as const)('is begun again after %s', async (code) => {
    open(all)
    stream().fail(new GatewayError(code))
    await clock.advance(1_000)
    expect(wire.exchanges).toHaveLength(2)
  })

  it('is left alone where the server answers that it has no such thing', async () => {
    open(all)
    stream().json({ jsonrpc: '2.0', id: stream().body['id'], error: { code: -32601, message: 'no' } }, 404)
    await clock.advance(120_000)
    expect(wire.exchanges).toHaveLength(1)
  })

  it.each<[string, (exchange: FakeExchange) => void, object]>([
    [
      'agrees',
      (one) =>
        one.event(
          note('notifications/subscriptions/acknowledged', { notifications: { resourceSubscriptions: ['a:b'] } }),
        ),
      { result: {} },
    ],
    [
      'does not name it in the acknowledgement',
      (one) => one.event(note('notifications/subscriptions/acknowledged', { notifications: {} })),
      { error: { data: { code: 'resource_not_found', uri: 'a:b' } } },
    ],
    [
      'answers with an error',
      (one) => one.event({ jsonrpc: '2.0', id: one.body['id'], error: { code: -32602, message: 'no' } }),
      { error: { code: -32602, message: 'no' } },
    ],
  ])('to a resource is told as it is where the server %s', async (_what, answer, expected) => {
    const session = open(all)
    session.listen({ resources: ['a:b'] })
    const outcome = session.subscribe('a:b')
    stream().openStream()
    answer(stream())
    expect(await outcome).toMatchObject(expected)
  })

  it.each<[string, (exchange: FakeExchange) => void, string]>([
    [
      'an error to nobody',
      (one) => one.json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'no' } }, 400),
      'upstream_protocol',
    ],
    ['nothing', (one) => one.empty(202), 'upstream_protocol'],
    ['500', (one) => one.empty(500), 'upstream_unreachable'],
    ['401', (one) => one.empty(401), 'upstream_auth_failed'],
    ['the end of its stream', (one) => (one.openStream(), one.end()), 'upstream_closed'],
  ])('to a resource fails by name where the server answers %s', async (_what, answer, code) => {
    const session = open(all)
    session.listen({ resources: ['a:b'] })
    const failure = failureOf(session.subscribe('a:b'))
    answer(stream())
    expect(await failure).toMatchObject({ code })
  })

  it('to a resource fails with the session', async () => {
    const session = open(all)
    session.listen({ resources: ['a:b'] })
    const failure = failureOf(session.subscribe('a:b'))
    await session.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(clock.waiting).toBe(0)
  })

  it('ends with the session', async () => {
    const session = open(all)
    await session.close()
    await session.close()
    expect(stream().isAborted).toBe(true)
    session.listen({ resources: ['a:b'] })
    await clock.advance(120_000)
    expect(wire.exchanges).toHaveLength(1)
    expect(ends).toEqual([null])
  })
})
