import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, Outcome, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { FakeChannelWire, legacyScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { channelUpstream, principal, server, user } from '#test/support/upstreams.ts'
import { callLegacy } from './modern-to-legacy.ts'
import { ParkedCalls } from './parked-calls.ts'
import type { Target } from './target.ts'

let clock: FakeClock
let wire: FakeChannelWire
let target: Target
let session: UpstreamSession
let parked: ParkedCalls
let heard: RpcNotification[]
let cancellation: Cancellation

const form = { method: 'elicitation/create', params: { message: 'really?', requestedSchema: {} } }
const accept = { action: 'accept', content: { a: 1 } }

beforeEach(async () => {
  clock = new FakeClock()
  wire = new FakeChannelWire(legacyScript({ tools: {}, logging: {} }, { 'tools/call': () => undefined }))
  const upstream = channelUpstream(server('files'), { clock, wire })
  target = { upstream, method: 'tools/call', params: { name: 'a' }, paramHeaders: [], toExposed: null }
  session = await upstream.place(user()).acquire()
  let nextId = 1
  const randomId = (prefix: string) => `${prefix}_${nextId++}`
  parked = new ParkedCalls({ clock, randomId, parkedCallsMax: 10, parkedCallMs: 60_000 })
  heard = []
  cancellation = new Cancellation()
})

type Said = { params?: JsonObject; capabilities?: JsonObject; logLevel?: string; by?: string }

function call({ params = {}, capabilities = { elicitation: {} }, logLevel, by = 'ann' }: Said = {}): Promise<Outcome> {
  const clientCall: ClientCall = {
    principal: principal(by),
    endpoint: { key: 'single:files', kind: 'single', upstreams: [target.upstream] },
    address: { scope: 'servers', names: 'files', narrowing: null },
    era: 'modern',
    revision: '2026-07-28',
    facts: { capabilities, info: undefined, logLevel },
    session: null,
    message: { jsonrpc: '2.0', id: 'client-1', method: 'tools/call' },
    large: null,
    headers: null,
    reply: { notify: (note) => void heard.push(note), ask: null },
    sink: null,
    cancellation,
    requestId: 'req_1',
    receivedAt: clock.now(),
  }
  const own = { ...target, params: { ...target.params, ...params } }
  const deps = { clock, parked, hash: (text: string) => text }
  return callLegacy(session, own, { call: clientCall, headers: [], deps })
}

const sent = () => wire.channel.last('tools/call')

/** The upstream asks, and the client is told so. */
async function untilAsked(said: Said = {}): Promise<JsonObject> {
  const outcome = call(said)
  await settled()
  wire.channel.say({ jsonrpc: '2.0', id: 77, ...form })
  await clock.advance(40)
  const answered = await outcome
  return 'result' in answered ? answered.result : {}
}

describe('callLegacy', () => {
  it('asks for no task, of which the client could learn nothing', async () => {
    void call({ params: { task: { ttl: 1 } } })
    await settled()
    expect(sent()?.['params']).toEqual({ name: 'a' })
  })

  it('takes the envelope off the request and gives the answer in the modern form', async () => {
    const outcome = call({ params: { _meta: { 'io.modelcontextprotocol/clientCapabilities': {}, traceparent: 't' } } })
    await settled()
    expect(sent()?.['params']).toEqual({ name: 'a', _meta: { traceparent: 't' } })
    wire.channel.answer(sent(), { content: [], unknown: 1 })
    expect(await outcome).toEqual({
      result: {
        content: [],
        unknown: 1,
        resultType: 'complete',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'fake', version: '1' } },
      },
    })
  })

  it('parks the call when the upstream asks, and goes on with the client’s answer', async () => {
    const asked = await untilAsked()
    expect(asked).toMatchObject({ resultType: 'input_required', requestState: 'prk_1', inputRequests: { q1: form } })
    const retried = call({ params: { requestState: 'prk_1', inputResponses: { q1: accept } } })
    await settled()
    expect(wire.channel.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 77, result: accept })
    expect(wire.channel.count('tools/call')).toBe(1)
    wire.channel.answer(sent(), { content: [] })
    expect(await retried).toMatchObject({ result: { resultType: 'complete', content: [] } })
    expect(parked.size).toBe(0)
  })

  it('asks again, under the same handle, for answers that are missing', async () => {
    await untilAsked()
    const again = await call({ params: { requestState: 'prk_1' } })
    expect(again).toMatchObject({ result: { requestState: 'prk_1', inputRequests: { q1: form } } })
  })

  it('does not ask for a call that has ended meanwhile: it says how', async () => {
    await untilAsked()
    wire.channel.answer(sent(), { content: [], isError: true })
    await settled()
    expect(await call({ params: { requestState: 'prk_1' } })).toMatchObject({
      result: { resultType: 'complete', isError: true },
    })
    expect(parked.size).toBe(0)
  })

  it.each<[string, Said]>([
    ['another principal', { by: 'bob', params: { requestState: 'prk_1' } }],
    ['other parameters', { params: { requestState: 'prk_1', arguments: { x: 1 } } }],
    ['a handle that is none', { params: { requestState: 'prk_2' } }],
    ['a handle that is no text', { params: { requestState: { prk: 1 } } }],
  ])('opens a parked call for nothing with %s', async (_what, said) => {
    await untilAsked()
    await expect(call(said)).rejects.toMatchObject({ code: 'request_state_invalid' })
  })

  it('opens a parked call whose `_meta` differs: it belongs to each request anew', async () => {
    await untilAsked({ params: { _meta: { a: 1 } } })
    const retried = await call({ params: { requestState: 'prk_1', _meta: { a: 2 } } })
    expect(retried).toMatchObject({ result: { resultType: 'input_required' } })
  })

  it('takes one of two equal retries', async () => {
    await untilAsked()
    const retry = () => call({ params: { requestState: 'prk_1', inputResponses: { q1: accept } } })
    const first = retry()
    await expect(retry()).rejects.toMatchObject({ code: 'request_state_invalid' })
    wire.channel.answer(sent(), { content: [] })
    expect(await first).toMatchObject({ result: { resultType: 'complete' } })
  })

  it('refuses a question that this client cannot answer, and tells the client nothing of it', async () => {
    const outcome = call({ capabilities: {} })
    await settled()
    wire.channel.say({ jsonrpc: '2.0', id: 77, ...form })
    await settled()
    expect(wire.channel.sent.at(-1)).toMatchObject({ id: 77, error: { code: -32601 } })
    wire.channel.answer(sent(), { content: [] })
    expect(await outcome).toMatchObject({ result: { resultType: 'complete' } })
  })

  it('turns URLs that must be visited into questions, without parking anything', async () => {
    const outcome = call({ capabilities: { elicitation: { url: {} } } })
    await settled()
    const elicitations = [{ elicitationId: 'e1', url: 'https://a.example', message: 'visit' }, 'nonsense']
    const error = { code: -32042, message: 'visit first', data: { elicitations } }
    wire.channel.say({ jsonrpc: '2.0', id: sent()?.['id'], error })
    const params = { url: 'https://a.example', message: 'visit', mode: 'url' }
    const answered = await outcome
    expect(answered).toMatchObject({
      result: { resultType: 'input_required', inputRequests: { url1: { method: 'elicitation/create', params } } },
    })
    expect('result' in answered && 'requestState' in answered.result).toBe(false)
    expect(parked.size).toBe(0)
  })

  it.each<[string, JsonObject]>([
    ['no elicitation', {}],
    ['forms alone', { elicitation: { form: {} } }],
  ])('sends nobody to a page who declared %s', async (_what, capabilities) => {
    const outcome = call({ capabilities })
    await settled()
    const data = { elicitations: [{ elicitationId: 'e1', url: 'https://a.example', message: 'visit' }] }
    wire.channel.say({ jsonrpc: '2.0', id: sent()?.['id'], error: { code: -32042, message: 'visit first', data } })
    const details = { requiredCapabilities: { elicitation: { url: {} } } }
    await expect(outcome).rejects.toMatchObject({ code: 'missing_client_capability', details })
  })

  it('cancels the upstream’s call when the client goes away', async () => {
    const outcome = call()
    await settled()
    cancellation.cancel()
    await expect(outcome).rejects.toMatchObject({ code: 'request_cancelled' })
    expect(wire.channel.last('notifications/cancelled')?.['params']).toMatchObject({ requestId: sent()?.['id'] })
  })

  it('does not cancel a parked call when the request that parked it ends', async () => {
    await untilAsked()
    cancellation.cancel()
    await settled()
    expect(wire.channel.count('notifications/cancelled')).toBe(0)
    expect(parked.size).toBe(1)
  })

  it('passes log messages on only where the request asks for them, and only loud enough ones', async () => {
    const log = (level: string) => ({ jsonrpc: '2.0' as const, method: 'notifications/message', params: { level } })
    const quiet = call()
    await settled()
    wire.channel.say(log('error'))
    wire.channel.answer(sent(), {})
    await quiet
    expect(heard).toEqual([])
    const loud = call({ logLevel: 'warning' })
    await settled()
    wire.channel.answer(wire.channel.last('logging/setLevel'), {})
    await settled()
    wire.channel.say(log('info'))
    wire.channel.say(log('error'))
    wire.channel.answer(sent(), {})
    await loud
    expect(heard).toEqual([log('error')])
  })

  it('gives each progress note the client’s own token', async () => {
    const outcome = call({ params: { _meta: { progressToken: 'client-token' } } })
    await settled()
    expect(sent()).toMatchObject({ params: { _meta: { progressToken: sent()?.['id'] } } })
    wire.channel.say({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: sent()?.['id'], progress: 1 },
    })
    wire.channel.answer(sent(), {})
    await outcome
    expect(heard.map(({ params }) => params)).toEqual([{ progressToken: 'client-token', progress: 1 }])
  })
})
