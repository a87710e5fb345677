import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ServedServer } from '#contract/server.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript, modernScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { channelUpstream, server, upstream, user, type Told } from '#test/support/upstreams.ts'
import type { Upstream } from './upstream.ts'

let clock: FakeClock
let wire: FakeChannelWire
let told: Told

const hooks = () => ({
  notify: () => undefined,
  ask: async () => ({ result: {} }),
  cancellation: new Cancellation(),
})
const toolCall = { method: 'tools/call', params: { name: 'a' }, headers: [], raw: null }
const httpServer = (more: Partial<ServedServer> = {}) =>
  server('web', {
    transport: { kind: 'streamable_http', url: 'http://a.example/mcp', credential: { kind: 'none' }, headers: {} },
    isolation: 'principal',
    ...more,
  })

function stdio(more: Partial<ServedServer> = {}): Upstream {
  return channelUpstream(server('files', more), { clock, wire, told })
}

function http(http: FakeHttpWire, more: Partial<ServedServer> = {}, sse = new FakeChannelWire()): Upstream {
  return upstream(httpServer(more), { clock, told, wires: { kind: 'http', http, sse } })
}

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeChannelWire(legacyScript({ tools: {} }))
  told = { changes: [], troubles: [] }
})

describe('the pool', () => {
  const elicitation = { elicitation: {} }

  it('has one place for everybody where a session is shared', () => {
    const files = stdio({ isolation: 'shared' })
    expect(files.place(user('bob', elicitation))).toBe(files.place(user('ann')))
    expect(files.listKey(user('bob', elicitation))).toBe(files.listKey(user('ann')))
  })

  it('has a place for each principal and each set of capabilities', () => {
    const files = stdio({ isolation: 'principal' })
    const ann = files.place(user('ann'))
    expect(files.place({ ...user('ann'), sessionId: 'mcp_2' })).toBe(ann)
    expect(files.place(user('bob'))).not.toBe(ann)
    expect(files.place(user('ann', elicitation))).not.toBe(ann)
    expect(files.place(user('ann', { unknown: {} }))).toBe(ann)
    expect(files.listKey(user('ann', elicitation))).not.toBe(files.listKey(user('ann')))
  })

  it('has a place for each session of a client', () => {
    const files = stdio({ isolation: 'session' })
    const one = files.place({ ...user('ann'), sessionId: 'mcp_1' })
    expect(files.place({ ...user('ann'), sessionId: 'mcp_1' })).toBe(one)
    expect(files.place({ ...user('ann'), sessionId: 'mcp_2' })).not.toBe(one)
    expect(files.place(user('ann'))).not.toBe(one)
  })

  it('declares what the gateway can bridge where many share, else what the client declared', async () => {
    await stdio({ isolation: 'shared' }).place(user()).acquire()
    expect(wire.channel.last('initialize')).toMatchObject({
      params: { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} } },
    })
    await stdio({ isolation: 'principal' })
      .place(user('ann', { roots: { listChanged: true }, tasks: {} }))
      .acquire()
    expect(wire.channel.last('initialize')).toMatchObject({
      params: { capabilities: { roots: { listChanged: true } } },
    })
  })

  it('initializes once for all calls of one place', async () => {
    const files = stdio()
    const [first, second] = [files.place(user('ann')).acquire(), files.place(user('bob')).acquire()]
    expect(await first).toBe(await second)
    await files.place(user('eve')).acquire()
    expect(wire.channels).toHaveLength(1)
    expect(wire.channel.count('initialize')).toBe(1)
  })

  it('has room for so many places, and drops those that nobody uses before it refuses', async () => {
    const files = stdio({ isolation: 'principal' })
    const busy = await files.place(user('busy')).acquire()
    wire.script = legacyScript({ tools: {} }, { 'tools/call': () => undefined })
    const call = busy.call(toolCall, hooks())
    for (let i = 0; i < 1_999; i++) files.place(user(`u${i}`))
    files.place(user('one more'))
    expect(busy.isOpen).toBe(true)
    expect(files.place(user('busy')).session).toBe(busy)
    await files.close()
    await expect(call).rejects.toMatchObject({ code: 'upstream_closed' })
  })

  it('does not drop a place whose session is being opened', async () => {
    const gate = Promise.withResolvers<void>()
    wire.gate = gate.promise
    const files = stdio({ isolation: 'principal' })
    const opening = files.place(user('ann')).acquire()
    for (let i = 0; i < 2_000; i++) files.place(user(`u${i}`))
    gate.resolve()
    const session = await opening
    await settled()
    expect(session.isOpen).toBe(true)
  })
})

describe('a server that cannot be reached', () => {
  const refused = new GatewayError('upstream_unreachable')

  function fail(files: Upstream): Promise<GatewayError> {
    return failureOf(Promise.resolve(files.place(user()).acquire()))
  }

  it('is tried again at once the first time, then after longer and longer', async () => {
    wire.refusal = refused
    const files = stdio()
    await fail(files)
    await fail(files)
    expect(told.troubles).toHaveLength(2)
    expect((await fail(files)).details).toEqual({ retryAfterMs: 250 })
    await clock.advance(250)
    await fail(files)
    expect((await fail(files)).details).toEqual({ retryAfterMs: 500 })
    expect(told.troubles).toHaveLength(3)
    expect(files.state).toEqual({ state: 'failing', reason: 'upstream_unreachable' })
  })

  it('is not waited for longer than half a minute', async () => {
    wire.refusal = refused
    const files = stdio()
    for (let i = 0; i < 20; i++) {
      await fail(files)
      await clock.advance(30_000)
    }
    await fail(files)
    expect(Number((await fail(files)).details['retryAfterMs'] ?? 0)).toBeLessThanOrEqual(30_000)
  })

  it('is well again as soon as it answers', async () => {
    wire.refusal = refused
    const files = stdio()
    await fail(files)
    wire.refusal = undefined
    await files.place(user()).acquire()
    expect(files.state).toEqual({ state: 'connected', reason: undefined })
  })

  it('counts as failed once, however many try at the same time', async () => {
    wire.refusal = refused
    const files = stdio({ isolation: 'principal' })
    const all = Array.from({ length: 20 }, (_, i) => Promise.resolve(files.place(user(`u${i}`)).acquire()))
    await Promise.allSettled(all)
    wire.refusal = undefined
    await expect(files.place(user('u1')).acquire()).resolves.toBeDefined()
  })

  it('is backed away from when it starts, and dies soon after, again and again', async () => {
    const files = stdio()
    for (let i = 0; i < 5; i++) {
      await Promise.resolve(files.place(user()).acquire()).catch(() => undefined)
      wire.channel.end()
      await clock.advance(100)
    }
    expect(wire.channels.length).toBeLessThan(5)
  })

  it('is taken for new when it has lived for a while before it died', async () => {
    const files = stdio()
    for (let i = 0; i < 5; i++) {
      await files.place(user()).acquire()
      await clock.advance(60_000)
      wire.channel.end()
    }
    expect(wire.channels).toHaveLength(5)
  })

  it('is told apart from one that has only forgotten its sessions: every one of them is opened anew', async () => {
    const isForgotten = new Set<string | undefined>()
    let next = 1
    const script = legacyHttpScript(
      { tools: {} },
      {
        initialize: (exchange) =>
          exchange.result({ protocolVersion: '2025-11-25', capabilities: {} }, { 'mcp-session-id': `up-${next++}` }),
        'tools/call': (exchange) =>
          isForgotten.has(exchange.header('mcp-session-id')) ? exchange.empty(404) : exchange.result({}),
      },
    )
    const web = http(new FakeHttpWire(script))
    const places = Array.from({ length: 10 }, (_, i) => web.place(user(`u${i}`)))
    const sessions = await Promise.all(places.map(async (place) => place.acquire()))
    for (let i = 1; i <= 10; i++) isForgotten.add(`up-${i}`)
    const outcomes = await Promise.allSettled(sessions.map((session) => session.call(toolCall, hooks())))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    const again = await Promise.allSettled(places.map(async (place) => place.acquire()))
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 'fulfilled'))
  })
})

describe('the era of an HTTP server', () => {
  const modern = (exchange: FakeExchange) => exchange.result({ supportedVersions: ['2026-07-28'], capabilities: {} })

  it('is asked for once by all who come, and again when the verdict is old', async () => {
    const web = new FakeHttpWire(legacyHttpScript({}, { 'server/discover': modern }))
    const one = http(web, { protocol: 'auto' })
    await Promise.all([one.place(user('ann')).acquire(), one.place(user('bob')).acquire()])
    await one.place(user('eve')).acquire()
    expect(web.of('server/discover')).toHaveLength(1)
    await clock.advance(600_000)
    expect((await one.place(user('late')).acquire()).facts.era).toBe('modern')
    expect(web.of('server/discover')).toHaveLength(2)
  })

  it('is not asked for where it is configured', async () => {
    const web = new FakeHttpWire(legacyHttpScript({}))
    expect((await http(web, { protocol: 'legacy' }).place(user()).acquire()).facts.era).toBe('legacy')
    expect(web.of('server/discover')).toHaveLength(0)
  })

  it('must be modern where that is configured', async () => {
    const web = new FakeHttpWire(legacyHttpScript({}, { 'server/discover': (exchange) => exchange.empty(400) }))
    await expect(http(web, { protocol: 'modern' }).place(user()).acquire()).rejects.toMatchObject({
      code: 'upstream_protocol',
    })
  })

  it('is the oldest where initialize is not served and HTTP+SSE is', async () => {
    const web = new FakeHttpWire((exchange) => exchange.empty(405))
    const sse = new FakeChannelWire(legacyScript({ tools: {} }))
    const one = http(web, { protocol: 'auto' }, sse)
    expect((await one.place(user('ann')).acquire()).facts.era).toBe('legacy')
    await one.place(user('bob')).acquire()
    expect(sse.channels.map((channel) => channel.count('initialize'))).toEqual([1, 1])
    expect(web.of('initialize')).toHaveLength(1)
  })
})

describe('the era of a server on a channel', () => {
  it('is found by asking', async () => {
    wire.script = modernScript({ tools: {} })
    expect((await stdio({ protocol: 'auto' }).place(user()).acquire()).facts.era).toBe('modern')
  })
})

describe('sweep', () => {
  it('ends what nobody has used for the idle time, and a new use opens it again', async () => {
    const files = stdio({ idleStopMs: 60_000 })
    const session = await files.place(user()).acquire()
    await clock.advance(59_999)
    files.sweep()
    expect(session.isOpen).toBe(true)
    await clock.advance(1)
    files.sweep()
    expect(session.isOpen).toBe(false)
    expect(files.state.state).toBe('idle')
    expect((await files.place(user()).acquire()).isOpen).toBe(true)
  })

  it('ends nothing while a call is under way, however long it takes', async () => {
    wire.script = legacyScript({}, { 'tools/call': () => undefined })
    const files = stdio({ idleStopMs: 1_000, timeoutMs: 60_000 })
    const session = await files.place(user()).acquire()
    const call = session.call(toolCall, hooks())
    await clock.advance(30_000)
    files.sweep()
    expect(session.isOpen).toBe(true)
    wire.channel.answer(wire.channel.last('tools/call'), {})
    await call
  })

  it('ends nothing before the time until which what a call began needs it', async () => {
    const files = stdio({ idleStopMs: 1_000 })
    const place = files.place(user())
    const session = await place.acquire()
    place.keepUntil(clock.now() + 60_000)
    await clock.advance(59_999)
    files.sweep()
    expect(session.isOpen).toBe(true)
    await clock.advance(1)
    files.sweep()
    expect(session.isOpen).toBe(false)
  })

  it('ends nothing where the server never stops by itself', async () => {
    const files = stdio({ idleStopMs: 0 })
    const session = await files.place(user()).acquire()
    await clock.advance(10_000_000)
    files.sweep()
    expect(session.isOpen).toBe(true)
  })

  it.each<[ServedServer['isolation'], boolean]>([
    ['session', true],
    ['principal', false],
  ])('keeps the session of a client that is there: isolation %s, %s', async (isolation, expected) => {
    const files = stdio({ idleStopMs: 1_000, isolation })
    const place = files.place(user())
    const session = await place.acquire()
    place.attach({
      principalId: 'ann',
      isListening: false,
      watchedResources: () => [],
      listChanged: () => undefined,
      resourceUpdated: () => undefined,
      logged: () => undefined,
      other: () => undefined,
      ask: null,
    })
    await clock.advance(2_000)
    files.sweep()
    expect(session.isOpen).toBe(expected)
  })

  it('forgets places that nobody is at, and none that somebody is about to use', async () => {
    const files = stdio({ isolation: 'principal', idleStopMs: 0 })
    const place = files.place(user('ann'))
    await place.acquire()
    wire.channel.end()
    expect(files.place(user('ann'))).toBe(place)
    files.sweep()
    expect(files.place(user('ann'))).not.toBe(place)
  })
})

describe('the end', () => {
  it('waits for calls under way when the server is retired, but not for ever', async () => {
    wire.script = legacyScript({}, { 'tools/call': () => undefined })
    const files = stdio()
    const session = await files.place(user()).acquire()
    const answered = session.call(toolCall, hooks())
    const retired = files.retire(10_000)
    await clock.advance(5_000)
    expect(session.isOpen).toBe(true)
    wire.channel.answer(wire.channel.last('tools/call'), {})
    expect(await answered).toEqual({ result: {} })
    await clock.advance(50)
    await retired
    expect(session.isOpen).toBe(false)
  })

  it('ends calls that are still under way when the time is over', async () => {
    wire.script = legacyScript({}, { 'tools/call': () => undefined })
    const files = stdio()
    const session = await files.place(user()).acquire()
    const failure = failureOf(session.call(toolCall, hooks()))
    const retired = files.retire(1_000)
    await clock.advance(1_000)
    await retired
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
  })

  it('lets a call that waits for its session have it', async () => {
    const gate = Promise.withResolvers<void>()
    wire.gate = gate.promise
    const files = stdio()
    const opening = files.place(user()).acquire()
    const retired = files.retire(10_000)
    await clock.advance(100)
    gate.resolve()
    const session = await opening
    await settled()
    expect(session.isOpen).toBe(true)
    await clock.advance(50)
    await retired
    expect(session.isOpen).toBe(false)
  })

  it('closes its wire once, though it is closed while it retires', async () => {
    const web = new FakeHttpWire(legacyHttpScript({}))
    const one = http(web, { protocol: 'legacy' })
    let closings = 0
    web.close = async () => void closings++
    const session = await one.place(user()).acquire()
    Object.assign(session, { callsUnderWay: 1 })
    const retired = one.retire(1_000)
    await one.close()
    await clock.advance(2_000)
    await retired
    expect(closings).toBe(1)
  })

  it('opens nothing any more', async () => {
    const files = stdio()
    await files.close()
    await expect(files.place(user()).acquire()).rejects.toMatchObject({ code: 'server_not_found' })
  })

  it('does not wait for a server that says nothing', async () => {
    wire.script = () => undefined
    const files = stdio({ protocol: 'auto' })
    const failure = failureOf(Promise.resolve(files.place(user()).acquire()))
    await settled()
    await files.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(wire.channel.isClosed).toBe(true)
    expect(wire.channels).toHaveLength(1)
    expect(clock.waiting).toBe(0)
  })

  it.each<ServedServer['protocol']>(['auto', 'legacy'])(
    'does not wait for a silent HTTP server either (%s)',
    async (protocol) => {
      const web = new FakeHttpWire()
      const one = http(web, { protocol })
      const failure = failureOf(Promise.resolve(one.place(user()).acquire()))
      await settled()
      await one.close()
      expect(await failure).toMatchObject({ code: 'upstream_closed' })
      expect(web.exchanges.every(({ isAborted }) => isAborted)).toBe(true)
      expect(web.isClosed).toBe(true)
      expect(clock.waiting).toBe(0)
    },
  )
})
