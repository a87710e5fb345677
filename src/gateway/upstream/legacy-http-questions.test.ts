/** What a legacy server over HTTP asks, in a call and outside of it, and what it is asked to watch. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Outcome, Question } from '#core/protocol/json-rpc.ts'
import { failureOf } from '#test/support/failure.ts'
import { settled } from '#test/support/fake-clock.ts'
import { LegacyHttpLab, note } from '#test/support/legacy-http-lab.ts'
import type { UpstreamSession } from './upstream-session.ts'

let lab: LegacyHttpLab
let asked: Question | undefined
let answer: PromiseWithResolvers<Outcome>

beforeEach(() => {
  lab = new LegacyHttpLab()
  asked = undefined
  answer = Promise.withResolvers<Outcome>()
  const ask = (question: Question): Promise<Outcome> => {
    asked = question
    return answer.promise
  }
  lab.play(({ request, body }) => request.method === 'GET' || body['method'] === 'resources/subscribe')
  lab.ask = ask
  lab.askOutside = ask
})

const question = { jsonrpc: '2.0', id: 'q1', method: 'elicitation/create', params: { _meta: { progressToken: 7 } } }
const progress = (value: number) => note('notifications/progress', { progressToken: 7, progress: value })
/** What the server was sent after a certain exchange. */
const saidAfter = (at: number) => lab.wire.exchanges.slice(at).map(({ body }) => body)

/** A call under way, and a question on the stream that is named. */
async function askOn(where: 'its own stream' | 'the session’s stream', session: UpstreamSession) {
  const call = session.call(lab.toolCall(), lab.hooks())
  lab.post.openStream()
  const stream = where === 'its own stream' ? lab.post : lab.get
  if (stream !== lab.post) stream.openStream()
  stream.event(question)
  await settled()
  return { call }
}

describe.each(['its own stream', 'the session’s stream'] as const)('a question of a call, on %s', (where) => {
  it('brings the server the client’s progress, and then the answer', async () => {
    const session = await lab.open()
    const { call } = await askOn(where, session)
    const before = lab.wire.exchanges.length
    asked?.progressed?.(progress(1))
    asked?.progressed?.(progress(2))
    answer.resolve({ result: { action: 'accept' } })
    await settled()
    expect(saidAfter(before)).toEqual([
      progress(1),
      progress(2),
      { jsonrpc: '2.0', id: 'q1', result: { action: 'accept' } },
    ])
    lab.post.event(lab.response({ done: true }))
    expect(await call).toEqual({ result: { done: true } })
  })

  it('stops the silence of the call until it is answered, and no longer', async () => {
    const session = await lab.open()
    const { call } = await askOn(where, session)
    const failure = failureOf(call)
    await lab.clock.advance(20_000)
    answer.resolve({ result: {} })
    await lab.clock.advance(4_999)
    expect(session.callsUnderWay).toBe(1)
    await lab.clock.advance(1)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('does not lengthen the whole time of the call, however the client gets on', async () => {
    const session = await lab.open()
    const failure = failureOf((await askOn(where, session)).call)
    for (let at = 0; at < 60_000; at += 5_000) {
      asked?.progressed?.(progress(at))
      await lab.clock.advance(5_000)
    }
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })
})

describe('a question of a call', () => {
  it('is answered for nobody once the call has ended, nor is progress told', async () => {
    const session = await lab.open()
    const { call } = await askOn('its own stream', session)
    lab.post.event(lab.response({ done: true }))
    await call
    const before = lab.wire.exchanges.length
    asked?.progressed?.(progress(1))
    answer.resolve({ result: {} })
    await settled()
    expect(saidAfter(before)).toEqual([])
  })

  it('is answered by the gateway where it is a ping', async () => {
    const session = await lab.open()
    void session.call(lab.toolCall(), lab.hooks()).catch(() => null)
    lab.post.openStream()
    lab.post.event({ jsonrpc: '2.0', id: 'p', method: 'ping' })
    await settled()
    expect(lab.wire.exchanges.at(-1)?.body).toEqual({ jsonrpc: '2.0', id: 'p', result: {} })
    expect(asked).toBeUndefined()
  })
})

describe('questions without end', () => {
  it('are answered a few at once, and each answer has its own time', async () => {
    const refuse = (): Promise<Outcome> => Promise.resolve({ error: { code: -32000, message: 'no' } })
    lab.ask = refuse
    const session = await lab.open()
    void session.call(lab.toolCall(), lab.hooks()).catch(() => null)
    lab.play(({ body }) => 'error' in body)
    lab.post.openStream()
    const before = lab.wire.exchanges.length
    for (let at = 0; at < 100; at++) lab.post.event({ ...question, id: `q${at}`, params: {} })
    await settled()
    const answers = () => lab.wire.exchanges.slice(before).filter(({ body }) => 'error' in body)
    expect(answers()).toHaveLength(16)
    await lab.clock.advance(4_000)
    for (const exchange of answers()) exchange.empty(202)
    await settled()
    expect(answers()).toHaveLength(32)
    await lab.clock.advance(4_000)
    expect(answers()).toHaveLength(32)
    await lab.clock.advance(1_000)
    expect(answers()).toHaveLength(48)
  })
})

describe('a resource to watch', () => {
  const subscribing = () => lab.wire.last('resources/subscribe')

  it('is agreed to, or refused, by the server itself', async () => {
    const session = await lab.open()
    session.listen({ resources: ['a:1'] })
    const agreed = session.subscribe('a:1')
    expect(subscribing().body['params']).toEqual({ uri: 'a:1' })
    subscribing().result({ agreed: true })
    expect(await agreed).toEqual({ result: { agreed: true } })
    session.listen({ resources: ['a:1', 'a:2'] })
    const refused = session.subscribe('a:2')
    const error = { code: -32002, message: 'no' }
    subscribing().json({ jsonrpc: '2.0', id: subscribing().body['id'], error })
    expect(await refused).toEqual({ error })
  })

  it('is not agreed to by a server that says nothing, which is told so', async () => {
    const session = await lab.open()
    session.listen({ resources: ['a:1'] })
    const failure = failureOf(session.subscribe('a:1'))
    await lab.clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(lab.wire.last('notifications/cancelled').body['params']).toMatchObject({
      requestId: subscribing().body['id'],
    })
  })

  it('is told where the server has forgotten the session, which has ended with that', async () => {
    const session = await lab.open()
    session.listen({ resources: ['a:1'] })
    const failure = failureOf(session.subscribe('a:1'))
    subscribing().empty(404)
    expect(await failure).toMatchObject({ code: 'session_not_found' })
    expect(session.isOpen).toBe(false)
    expect(await failureOf(session.subscribe('a:1'))).toMatchObject({ code: 'upstream_closed' })
  })

  it('fails with the session', async () => {
    const session = await lab.open()
    session.listen({ resources: ['a:1'] })
    const failure = failureOf(session.subscribe('a:1'))
    await session.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(lab.clock.waiting).toBe(0)
  })
})
