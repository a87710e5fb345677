import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript, modernScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { leaseOf } from '#test/support/leases.ts'
import { openChannelSession } from './channel-session.ts'
import type { UpstreamSession } from './upstream-session.ts'

let clock: FakeClock
let wire: FakeChannelWire
let outside: string[]
/** Answers what a server asks outside any call. */
let asked: (question: Question) => Promise<Outcome>

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeChannelWire()
  outside = []
  asked = async () => ({ result: {} })
})

function open(): Promise<UpstreamSession> {
  const events = {
    listChanged: (kind: string) => void outside.push(kind),
    resourceUpdated: (uri: string) => void outside.push(uri),
    logged: () => void outside.push('log'),
    other: () => void outside.push('other'),
    asked: (question: Question) => asked(question),
    ended: () => undefined,
  }
  const times = { timeoutMs: 5_000, timeoutTotalMs: 60_000, openTimeoutMs: 10_000 }
  const identity = { lease: leaseOf(), clientInfo: { name: 'toolgate', version: '0' }, clientCapabilities: {} }
  return openChannelSession({ wire, clock, protocol: 'auto', events, ...times, ...identity }, new Cancellation())
}

const note = (method: string, params: JsonObject = {}): RpcNotification => ({ jsonrpc: '2.0', method, params })

describe('listening', () => {
  const subscribing = { tools: { listChanged: true }, resources: { subscribe: true } }
  const listens = () => wire.channel.sent.filter(({ method }) => method === 'subscriptions/listen')
  const idOf = (message: JsonObject | undefined) => ({ 'io.modelcontextprotocol/subscriptionId': message?.['id'] })

  it('to a modern server is one subscription, made anew only when the wish is another', async () => {
    wire.script = modernScript(subscribing)
    const session = await open()
    session.listen({ resources: [] })
    session.listen({ resources: ['a:b'] })
    session.listen({ resources: ['a:b'] })
    await settled()
    const filters = listens().map(({ params }) => (params as JsonObject)['notifications'])
    expect(filters).toEqual([{ toolsListChanged: true }, { toolsListChanged: true, resourceSubscriptions: ['a:b'] }])
  })

  it('to a modern server goes on while another wish is on its way, and the server is told when it is over', async () => {
    wire.script = modernScript(subscribing)
    const session = await open()
    session.listen({ resources: ['a:b'] })
    const [older, newer] = listens()
    wire.channel.say(note('notifications/tools/list_changed', { _meta: idOf(older) }))
    expect(outside).toEqual(['tools'])
    expect(wire.channel.count('notifications/cancelled')).toBe(0)
    const notifications = { resourceSubscriptions: ['a:b'] }
    wire.channel.say(note('notifications/subscriptions/acknowledged', { notifications, _meta: idOf(newer) }))
    expect(wire.channel.last('notifications/cancelled')).toMatchObject({ params: { requestId: older?.['id'] } })
    wire.channel.say(note('notifications/resources/updated', { uri: 'a:b', _meta: idOf(newer) }))
    expect(outside).toEqual(['tools', 'a:b'])
  })

  it.each([
    ['names it', ['a:b'], { result: {} }],
    ['does not name it', [], { error: { data: { code: 'resource_not_found', uri: 'a:b' } } }],
  ])('to a resource of a modern server is agreed to where its acknowledgement %s', async (_what, uris, expected) => {
    wire.script = modernScript(subscribing)
    const session = await open()
    session.listen({ resources: ['a:b'] })
    const answer = session.subscribe('a:b')
    const params = { notifications: { resourceSubscriptions: uris }, _meta: idOf(listens().at(-1)) }
    wire.channel.say(note('notifications/subscriptions/acknowledged', params))
    expect(await answer).toMatchObject(expected)
  })

  it('to a resource is refused in the words of a modern server that answers with an error', async () => {
    wire.script = modernScript(subscribing)
    const session = await open()
    session.listen({ resources: ['a:b'] })
    const answer = session.subscribe('a:b')
    const error = { code: -32602, message: 'too many' }
    wire.channel.say({ jsonrpc: '2.0', id: listens().at(-1)?.['id'], error })
    expect(await answer).toEqual({ error })
  })

  it.each<[string, ReturnType<typeof legacyScript>]>([
    ['legacy', legacyScript({}, { 'resources/subscribe': () => undefined })],
    ['modern', modernScript(subscribing)],
  ])('to a resource fails with the channel to a %s server', async (_era, script) => {
    wire.script = script
    const session = await open()
    session.listen({ resources: ['a:b'] })
    const failure = failureOf(session.subscribe('a:b'))
    wire.channel.end()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(clock.waiting).toBe(0)
  })

  it('to a resource has the answer of a legacy server', async () => {
    wire.script = legacyScript({}, { 'resources/subscribe': () => ({ agreed: true }) })
    const session = await open()
    session.listen({ resources: ['a:b'] })
    expect(await session.subscribe('a:b')).toEqual({ result: { agreed: true } })
    expect(await session.subscribe('a:b')).toEqual({ result: {} })
    expect(wire.channel.count('resources/subscribe')).toBe(1)
  })

  it('to a legacy server is a subscription for each resource, ended when nobody wishes it', async () => {
    wire.script = legacyScript({}, { 'resources/subscribe': () => ({}), 'resources/unsubscribe': () => ({}) })
    const session = await open()
    session.listen({ resources: ['a:1', 'a:2'] })
    await settled()
    session.listen({ resources: ['a:2'] })
    await settled()
    const asked = wire.channel.sent.slice(3).map(({ method, params }) => [method, (params as JsonObject)['uri']])
    expect(asked).toEqual([
      ['resources/subscribe', 'a:1'],
      ['resources/subscribe', 'a:2'],
      ['resources/unsubscribe', 'a:1'],
    ])
  })
})

describe('a question with a progress token', () => {
  const question = { method: 'elicitation/create', params: { _meta: { progressToken: 7 } } }
  const progress = note('notifications/progress', { progressToken: 7, progress: 1 })
  const toolCall = { method: 'tools/call', params: { name: 'a' }, headers: [], raw: null }
  const ask = () => wire.channel.say({ jsonrpc: '2.0', id: 1, ...question })

  it.each(['outside a call', 'of the only call'])(
    '%s gets the client’s progress, and then its answer',
    async (where) => {
      wire.script = legacyScript({}, { 'tools/call': () => undefined })
      const session = await open()
      const answer = Promise.withResolvers<Outcome>()
      let got: Question | undefined
      asked = (given) => {
        got = given
        return answer.promise
      }
      const hooks = {
        notify: () => undefined,
        ask: (given: Question) => asked(given),
        cancellation: new Cancellation(),
      }
      if (where === 'of the only call') void session.call(toolCall, hooks).catch(() => null)
      const before = wire.channel.sent.length
      ask()
      expect(got).toMatchObject(question)
      got?.progressed?.(progress)
      answer.resolve({ result: { action: 'accept' } })
      await settled()
      const said = wire.channel.sent.slice(before).filter(({ method }) => method !== 'tools/call')
      expect(said).toEqual([progress, { jsonrpc: '2.0', id: 1, result: { action: 'accept' } }])
    },
  )

  it('is not taken for a sign of life of the server: only its answer starts the silence anew', async () => {
    wire.script = legacyScript({}, { 'tools/call': () => undefined })
    const session = await open()
    let got: Question | undefined
    const answer = Promise.withResolvers<Outcome>()
    asked = (given) => {
      got = given
      return answer.promise
    }
    const hooks = { notify: () => undefined, ask: (given: Question) => asked(given), cancellation: new Cancellation() }
    const failure = failureOf(session.call(toolCall, hooks))
    ask()
    await clock.advance(20_000)
    got?.progressed?.(progress)
    answer.resolve({ result: {} })
    await clock.advance(4_999)
    got?.progressed?.(progress)
    await settled()
    expect(session.callsUnderWay).toBe(1)
    await clock.advance(1)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('takes none of the gateway’s own requests with it when its answer cannot be sent', async () => {
    wire.script = legacyScript({}, { 'tools/call': () => undefined })
    const session = await open()
    const hooks = { notify: () => undefined, ask: async () => ({ result: {} }), cancellation: new Cancellation() }
    const call = session.call(toolCall, hooks)
    const { channel } = wire
    const id = channel.last('tools/call')?.['id']
    const send = channel.send.bind(channel)
    channel.send = (text) => (text.includes('"result"') ? Promise.reject(new Error('full')) : send(text))
    channel.say({ jsonrpc: '2.0', id, ...question })
    await settled()
    channel.answer(channel.last('tools/call'), { done: true })
    expect(await call).toEqual({ result: { done: true } })
  })
})
