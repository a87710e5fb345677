import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject, Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript, modernScript, serverScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { leaseOf } from '#test/support/leases.ts'
import { openChannelSession, type ChannelSessionOptions } from './channel-session.ts'
import type { Answer, CallHooks, UpstreamSession } from './upstream-session.ts'

let clock: FakeClock
let wire: FakeChannelWire
let cancellation: Cancellation
let outside: { what: string; note?: RpcNotification | undefined }[]
let ends: (GatewayError | null)[]

const options = (more: Partial<ChannelSessionOptions> = {}): ChannelSessionOptions => ({
  wire,
  clock,
  lease: leaseOf(),
  clientInfo: { name: 'toolgate', version: '0' },
  clientCapabilities: { elicitation: {} },
  protocol: 'auto',
  timeoutMs: 5_000,
  timeoutTotalMs: 60_000,
  openTimeoutMs: 10_000,
  events: {
    listChanged: (kind) => void outside.push({ what: kind }),
    resourceUpdated: (uri, note) => void outside.push({ what: uri, note }),
    logged: (note) => void outside.push({ what: 'log', note }),
    other: (note) => void outside.push({ what: 'other', note }),
    asked: async ({ method }) => ({ result: { outside: method } }),
    ended: (error) => void ends.push(error),
  },
  ...more,
})

const open = (more: Partial<ChannelSessionOptions> = {}): Promise<UpstreamSession> =>
  openChannelSession(options(more), cancellation)

const noted: RpcNotification[] = []

function hooks(ask: (question: Question) => Promise<Outcome> = async () => ({ result: { ofCall: true } })): CallHooks {
  return { notify: (note) => void noted.push(note), ask, cancellation: new Cancellation() }
}

const toolCall = (params: JsonObject = { name: 'a' }) => ({ method: 'tools/call', params, headers: [], raw: null })
const note = (method: string, params: JsonObject = {}): RpcNotification => ({ jsonrpc: '2.0', method, params })
const silent = { 'tools/call': () => undefined }

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeChannelWire(legacyScript({ tools: {} }, silent))
  cancellation = new Cancellation()
  outside = []
  ends = []
  noted.length = 0
})

describe('opening', () => {
  it('finds a modern server by asking, and subscribes to its changes', async () => {
    wire.script = modernScript({ tools: { listChanged: true } })
    const session = await open()
    expect(session.facts).toMatchObject({ era: 'modern', revision: '2026-07-28' })
    expect(wire.channel.sent.map(({ method }) => method)).toEqual(['server/discover', 'subscriptions/listen'])
    expect(clock.waiting).toBe(0)
  })

  it('initializes a legacy server on the same channel when that refuses the question', async () => {
    const session = await open()
    expect(session.facts).toMatchObject({ era: 'legacy', revision: '2025-11-25', serverInfo: { name: 'fake' } })
    expect(wire.channels).toHaveLength(1)
    expect(wire.channel.sent.map(({ method }) => method)).toEqual([
      'server/discover',
      'initialize',
      'notifications/initialized',
    ])
    expect(clock.waiting).toBe(0)
  })

  it('starts a server anew that ended at the question', async () => {
    const script = wire.script
    wire.script = (message, channel) => {
      if (message['method'] === 'server/discover') channel.end()
      else script(message, channel)
    }
    expect((await open()).facts.era).toBe('legacy')
    expect(wire.channels.map((channel) => channel.sent[0]?.['method'])).toEqual(['server/discover', 'initialize'])
    expect(ends).toEqual([])
  })

  it('does not end a server that is slow to start: it is initialized where it is', async () => {
    const script = wire.script
    wire.script = () => undefined
    const opening = open()
    await clock.advance(2_000)
    expect(wire.channel.count('initialize')).toBe(1)
    await clock.advance(7_000)
    for (const message of wire.channel.sent) script(message, wire.channel)
    expect((await opening).facts.era).toBe('legacy')
    expect(wire.channels).toHaveLength(1)
  })

  it('starts a server anew that hangs at the question, and does not ask again', async () => {
    const opening = open()
    const script = wire.script
    wire.script = () => undefined
    await clock.advance(2_000 + 9_999)
    wire.script = script
    await clock.advance(1)
    expect((await opening).facts.era).toBe('legacy')
    expect(wire.channels.map((channel) => channel.count('server/discover'))).toEqual([1, 0])
    expect(wire.channels.map(({ isClosed }) => isClosed)).toEqual([true, false])
  })

  it('does not ask where the configuration says legacy', async () => {
    await open({ protocol: 'legacy' })
    expect(wire.channel.count('server/discover')).toBe(0)
  })

  it('fails where the configuration says modern and the server is not', async () => {
    expect(await failureOf(open({ protocol: 'modern' }))).toMatchObject({ code: 'upstream_protocol' })
    expect(wire.channel.isClosed).toBe(true)
    expect(wire.channel.count('initialize')).toBe(0)
  })

  it.each<[string, JsonObject]>([
    ['an unknown revision', { protocolVersion: '2030-01-01', capabilities: {} }],
    ['no revision', { capabilities: {} }],
  ])('fails when the server answers with %s, and leaves nothing behind', async (_what, result) => {
    wire.script = serverScript({ initialize: () => result })
    expect(await failureOf(open())).toMatchObject({ code: 'upstream_protocol' })
    expect(wire.channel.isClosed).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  it('fails when the server never answers', async () => {
    wire.script = () => undefined
    const failure = failureOf(open({ protocol: 'legacy' }))
    await clock.advance(10_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(wire.channel.isClosed).toBe(true)
    expect(clock.waiting).toBe(0)
  })

  it('fails when the channel cannot be opened, or not in time', async () => {
    wire.refusal = new GatewayError('upstream_unreachable')
    expect(await failureOf(open())).toMatchObject({ code: 'upstream_unreachable' })
    wire.gate = new Promise(() => undefined)
    const failure = failureOf(open())
    await clock.advance(10_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is given up at the cancel: while it connects, while it asks, while it initializes', async () => {
    wire.gate = new Promise(() => undefined)
    const connecting = failureOf(open())
    cancellation.cancel()
    expect(await connecting).toMatchObject({ code: 'upstream_closed' })
    wire.gate = undefined
    wire.script = () => undefined
    for (const protocol of ['auto', 'modern', 'legacy'] as const) {
      cancellation = new Cancellation()
      const failure = failureOf(open({ protocol }))
      await settled()
      cancellation.cancel()
      expect(await failure).toMatchObject({ code: 'upstream_closed' })
      expect(wire.channel.isClosed).toBe(true)
    }
    expect(wire.channels).toHaveLength(3)
    expect(clock.waiting).toBe(0)
  })
})

describe('a call', () => {
  it('has an id of the session’s own, and gives what the server answers', async () => {
    const session = await open()
    const calls = [session.call(toolCall({ name: 'a' }), hooks()), session.call(toolCall({ name: 'b' }), hooks())]
    await settled()
    const [a, b] = wire.channel.sent.filter(({ method }) => method === 'tools/call')
    expect(a?.['id']).not.toBe(b?.['id'])
    expect(session.callsUnderWay).toBe(2)
    wire.channel.answer(b, { of: 'b' })
    wire.channel.say({ jsonrpc: '2.0', id: a?.['id'], error: { code: -1, message: 'no' } })
    expect(await Promise.all(calls)).toEqual([{ error: { code: -1, message: 'no' } }, { result: { of: 'b' } }])
    expect(session.callsUnderWay).toBe(0)
    expect(clock.waiting).toBe(0)
  })

  it('fails when the server answers it with what is no response', async () => {
    const session = await open()
    for (const broken of [{ result: 'text' }, {}, { error: 'no' }]) {
      const failure = failureOf(session.call(toolCall(), hooks()))
      await settled()
      wire.channel.say({ jsonrpc: '2.0', id: wire.channel.last('tools/call')?.['id'], ...broken })
      expect(await failure).toMatchObject({ code: 'upstream_protocol' })
    }
  })

  it('hears nothing of answers to nobody’s request', async () => {
    const session = await open()
    wire.channel.say({ jsonrpc: '2.0', id: 999, result: {} })
    wire.channel.say({ jsonrpc: '2.0', id: 'listen', result: {} })
    wire.channel.say({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'what?' } })
    wire.channel.say('nonsense')
    wire.channel.say(null)
    expect(session.isOpen).toBe(true)
  })

  it('takes the parts of a batch, and no batch within it', async () => {
    const session = await open()
    const call = session.call(toolCall(), hooks())
    await settled()
    const response = { jsonrpc: '2.0', id: wire.channel.last('tools/call')?.['id'], result: { a: 1 } }
    wire.channel.say([[response]])
    expect(session.callsUnderWay).toBe(1)
    wire.channel.say([note('notifications/tools/list_changed'), response])
    expect(await call).toEqual({ result: { a: 1 } })
    expect(outside).toEqual([{ what: 'tools' }])
  })

  it('is given up after its silence, and the server is told', async () => {
    const session = await open()
    const failure = failureOf(session.call(toolCall(), hooks()))
    await clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(wire.channel.last('notifications/cancelled')).toMatchObject({
      params: { requestId: wire.channel.last('tools/call')?.['id'], reason: 'upstream_timeout' },
    })
    expect(session.isOpen).toBe(true)
  })

  it('may take longer while it shows signs of life, but not for ever', async () => {
    const session = await open()
    const failure = failureOf(session.call(toolCall({ _meta: { progressToken: 'x' } }), hooks()))
    await settled()
    const progressToken = wire.channel.last('tools/call')?.['id']
    for (let i = 0; i < 14; i++) {
      await clock.advance(4_000)
      wire.channel.say(note('notifications/progress', { progressToken, progress: i }))
    }
    expect(noted).toHaveLength(14)
    expect(noted[0]?.params).toEqual({ progressToken: 'x', progress: 0 })
    await clock.advance(4_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is not taken for silent while a person thinks about its question', async () => {
    const session = await open()
    const thinking = Promise.withResolvers<Outcome>()
    const call = session.call(
      toolCall(),
      hooks(() => thinking.promise),
    )
    await settled()
    wire.channel.say({ jsonrpc: '2.0', id: 7, method: 'elicitation/create', params: {} })
    await clock.advance(30_000)
    thinking.resolve({ result: { action: 'accept' } })
    await clock.advance(4_000)
    expect(wire.channel.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 7, result: { action: 'accept' } })
    wire.channel.answer(wire.channel.last('tools/call'), { done: true })
    expect(await call).toEqual({ result: { done: true } })
  })

  it('is silent again from the moment its question is answered', async () => {
    const session = await open()
    const failure = failureOf(session.call(toolCall(), hooks()))
    await clock.advance(4_000)
    wire.channel.say({ jsonrpc: '2.0', id: 7, method: 'elicitation/create', params: {} })
    await clock.advance(4_999)
    expect(session.callsUnderWay).toBe(1)
    await clock.advance(1)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is cancelled at the server when the client cancels it', async () => {
    const session = await open()
    const own = hooks()
    const failure = failureOf(session.call(toolCall(), own))
    await settled()
    own.cancellation.cancel()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    expect(wire.channel.last('notifications/cancelled')).toMatchObject({
      params: { requestId: wire.channel.last('tools/call')?.['id'] },
    })
  })

  it('is not sent when it was cancelled before', async () => {
    const session = await open()
    const own = hooks()
    own.cancellation.cancel()
    expect(await failureOf(session.call(toolCall(), own))).toMatchObject({ code: 'request_cancelled' })
    await settled()
    expect(wire.channel.count('tools/call')).toBe(0)
    expect(session.callsUnderWay).toBe(0)
    expect(clock.waiting).toBe(0)
  })

  it.each([
    ['garbage', 'upstream_protocol'],
    ['too_large', 'upstream_too_large'],
    ['lost', 'upstream_closed'],
  ] as const)('fails with the channel, by its end: %s', async (kind, code) => {
    const session = await open()
    const failure = failureOf(session.call(toolCall(), hooks()))
    wire.channel.end({ kind, text: 'why it ended' })
    expect(await failure).toMatchObject({ code, details: { reason: 'why it ended' } })
    expect(ends).toMatchObject([{ code }])
    expect(session.isOpen).toBe(false)
    expect(await failureOf(session.call(toolCall(), hooks()))).toMatchObject({ code: 'upstream_closed' })
    expect(clock.waiting).toBe(0)
  })
})

describe('what the server says of itself', () => {
  it('belongs to the only call under way: log messages and questions', async () => {
    const session = await open()
    const call = session.call(toolCall(), hooks())
    await settled()
    const log = note('notifications/message', { level: 'info' })
    wire.channel.say(log)
    wire.channel.say({ jsonrpc: '2.0', id: 7, method: 'elicitation/create', params: {} })
    await settled()
    expect(noted).toEqual([log])
    expect(wire.channel.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 7, result: { ofCall: true } })
    wire.channel.answer(wire.channel.last('tools/call'), {})
    await call
  })

  it('belongs to no call when two are under way: nobody is asked in another’s name', async () => {
    const session = await open()
    const calls = [session.call(toolCall(), hooks()), session.call(toolCall(), hooks())]
    await settled()
    const log = note('notifications/message', { level: 'info' })
    wire.channel.say(log)
    wire.channel.say({ jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage' })
    await settled()
    expect(noted).toEqual([])
    expect(outside).toEqual([{ what: 'log', note: log }])
    expect(wire.channel.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 'q', result: { outside: 'sampling/createMessage' } })
    await session.close()
    await Promise.allSettled(calls)
  })

  it('does not belong to a request of the gateway’s own', async () => {
    const session = await open({ protocol: 'legacy' })
    session.listen({ resources: ['file:///a'] })
    await settled()
    expect(wire.channel.count('resources/subscribe')).toBe(1)
    wire.channel.say({ jsonrpc: '2.0', id: 1, method: 'roots/list' })
    await settled()
    expect(wire.channel.sent.at(-1)).toMatchObject({ result: { outside: 'roots/list' } })
  })

  it('is answered even where asking fails', async () => {
    const session = await open()
    const failing = hooks(async () => {
      throw new Error('a defect')
    })
    const call = session.call(toolCall(), failing)
    await settled()
    wire.channel.say({ jsonrpc: '2.0', id: 7, method: 'elicitation/create', params: {} })
    await settled()
    expect(wire.channel.sent.at(-1)).toMatchObject({ id: 7, error: { code: -32603, data: { code: 'internal' } } })
    wire.channel.answer(wire.channel.last('tools/call'), {})
    await call
  })

  it('is answered by the gateway where it is a ping', async () => {
    await open()
    wire.channel.say({ jsonrpc: '2.0', id: 0, method: 'ping' })
    await settled()
    expect(wire.channel.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 0, result: {} })
  })

  it('is told to who listens: changes, updates and what only clients understand', async () => {
    await open()
    wire.channel.say(note('notifications/prompts/list_changed'))
    wire.channel.say(note('notifications/resources/updated', { uri: 'a:b' }))
    wire.channel.say(note('notifications/resources/updated', { uri: 7 }))
    wire.channel.say(note('notifications/elicitation/complete'))
    wire.channel.say(note('notifications/cancelled', { requestId: 1 }))
    wire.channel.say(note('notifications/progress', { progressToken: 12 }))
    expect(outside.map(({ what }) => what)).toEqual(['prompts', 'a:b', 'other'])
  })
})

describe('closing', () => {
  it('ends calls and the channel, and is told once', async () => {
    const session = await open()
    const call: Promise<Answer> = session.call(toolCall(), hooks())
    const failure = failureOf(call)
    await session.close()
    await session.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(wire.channel.isClosed).toBe(true)
    expect(ends).toEqual([null])
    expect(clock.waiting).toBe(0)
  })
})
