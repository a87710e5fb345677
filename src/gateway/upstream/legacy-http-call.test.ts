import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { Outcome } from '#core/protocol/json-rpc.ts'
import { scanRequest } from '#core/protocol/scan.ts'
import { failureOf } from '#test/support/failure.ts'
import { settled } from '#test/support/fake-clock.ts'
import type { FakeExchange } from '#test/support/fake-http-wire.ts'
import { LegacyHttpLab, note } from '#test/support/legacy-http-lab.ts'
import type { Answer, UpstreamSession } from './upstream-session.ts'

let lab: LegacyHttpLab
const raw = (id: string | number) => ({ id, large: null, sink: null })
const unknownSession = { code: -32000, message: 'Bad Request: No valid session ID provided' }
const textOf = (answer: Answer): unknown => ('raw' in answer ? JSON.parse(answer.raw) : answer)

beforeEach(() => {
  lab = new LegacyHttpLab()
})

describe('a call', () => {
  it('is answered in JSON, under the id that the caller gave', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall({ raw: raw('client-1'), headers: ['traceparent', 't'] }), lab.hooks())
    expect(lab.post.header('traceparent')).toBe('t')
    expect(session.callsUnderWay).toBe(1)
    lab.post.json(lab.response({ content: [] }))
    const answer = await call
    expect(textOf(answer)).toEqual({ jsonrpc: '2.0', id: 'client-1', result: { content: [] } })
    expect(answer).toMatchObject({ ending: 'ok' })
    expect(session.callsUnderWay).toBe(0)
    expect(lab.clock.waiting).toBe(0)
  })

  it('is answered on a stream, whose connection is left to end by itself', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall({ raw: raw(5) }), lab.hooks())
    lab.post.openStream()
    lab.post.event(lab.response({ isError: true, content: [] }))
    const answer = await call
    expect(textOf(answer)).toMatchObject({ id: 5 })
    expect(answer).toMatchObject({ ending: 'tool_error' })
    expect(lab.post.isAborted).toBe(false)
    lab.post.end()
    expect(lab.clock.waiting).toBe(0)
  })

  it('cuts a stream that does not end after its answer', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall(), lab.hooks())
    lab.post.openStream()
    lab.post.event(lab.response({}))
    await call
    await lab.clock.advance(5_000)
    expect(lab.post.isAborted).toBe(true)
  })

  it('sends a large request in its own words, with only the id replaced', async () => {
    const session = await lab.open()
    const text =
      '{ "jsonrpc":"2.0", "id":"c",\n"method":"tools/call", "params":{"name":"exposed__a","arguments":{"x":1e2}} }'
    const { spans } = scanRequest(text, 64)
    if (!spans) throw new Error('not plain')
    void session
      .call(lab.toolCall({ raw: { id: 'c', large: { text, ...spans }, sink: null } }), lab.hooks())
      .catch(() => null)
    expect(String(lab.post.request.body)).toBe(
      text.replace('"c"', String(lab.post.body['id'])).replace('exposed__a', 'a'),
    )
  })

  it('has a progress token of its own, and the caller hears its own', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall({ params: { name: 'a', _meta: { progressToken: 'mine' } } }), lab.hooks())
    const token = lab.post.body['id']
    expect(lab.post.body['params']).toEqual({ name: 'a', _meta: { progressToken: token } })
    lab.post.openStream()
    lab.post.event(note('notifications/progress', { progressToken: token, progress: 1 }))
    lab.post.event(note('notifications/message', { level: 'info' }))
    lab.post.event(note('notifications/tools/list_changed'))
    lab.post.event(lab.response({}))
    await call
    expect(lab.noted.map(({ params }) => params)).toEqual([{ progressToken: 'mine', progress: 1 }, { level: 'info' }])
    expect(lab.outside).toEqual([{ what: 'tools' }])
  })

  it('is asked on its stream, and answers with a POST', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall(), lab.hooks())
    lab.post.openStream()
    lab.post.event({ jsonrpc: '2.0', id: 'q1', method: 'elicitation/create', params: {} })
    await settled()
    expect(lab.wire.exchanges.at(-1)?.body).toEqual({ jsonrpc: '2.0', id: 'q1', result: { action: 'accept' } })
    lab.post.event(lab.response({ done: true }))
    expect(await call).toEqual({ result: { done: true } })
  })

  it('answers a question even where asking fails', async () => {
    lab.ask = async () => {
      throw new Error('a defect')
    }
    const session = await lab.open()
    void session.call(lab.toolCall(), lab.hooks()).catch(() => null)
    lab.post.openStream()
    lab.post.event({ jsonrpc: '2.0', id: 'q1', method: 'elicitation/create' })
    await settled()
    expect(lab.wire.exchanges.at(-1)?.body).toMatchObject({ id: 'q1', error: { data: { code: 'internal' } } })
  })

  it.each<[string, (exchange: FakeExchange) => void, string]>([
    ['something that is no response', (one) => one.json({ hello: 1 }), 'upstream_protocol'],
    ['a response to another request', (one) => one.json({ jsonrpc: '2.0', id: 999, result: {} }), 'upstream_protocol'],
    ['nothing', (one) => one.empty(200), 'upstream_protocol'],
    ['202', (one) => one.empty(202), 'upstream_protocol'],
    ['404', (one) => one.empty(404), 'session_not_found'],
    ['400 to nobody', (one) => one.json({ jsonrpc: '2.0', error: unknownSession }, 400), 'session_not_found'],
    ['400 to null', (one) => one.json({ jsonrpc: '2.0', id: null, error: unknownSession }, 400), 'session_not_found'],
    ['401', (one) => one.empty(401), 'upstream_auth_failed'],
    ['429', (one) => one.empty(429), 'upstream_rate_limited'],
    ['500', (one) => one.empty(500), 'upstream_unreachable'],
    ['an event that is no JSON', (one) => (one.openStream(), one.event('{')), 'upstream_protocol'],
    ['an event that is no message', (one) => (one.openStream(), one.event('{"a":1}')), 'upstream_protocol'],
    ['a stream that ends', (one) => (one.openStream(), one.end()), 'upstream_closed'],
  ])('fails by name when the server answers %s', async (_what, answer, code) => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall({ raw: raw(1) }), lab.hooks()))
    answer(lab.post)
    expect(await failure).toMatchObject({ code })
    expect(lab.clock.waiting).toBe(0)
    expect(session.callsUnderWay).toBe(0)
  })

  it('fails when the answer is too large, without reading it to the end', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall({ raw: raw(1) }), lab.hooks()))
    lab.post.head(200, { 'content-type': 'application/json' })
    lab.post.chunk('x'.repeat(100_001))
    expect(await failure).toMatchObject({ code: 'upstream_too_large' })
    expect(lab.post.isAborted).toBe(true)
  })

  it('gives an error of the server’s as its outcome, also with another status', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall({ raw: raw(1) }), lab.hooks())
    lab.post.json({ jsonrpc: '2.0', id: lab.post.body['id'], error: { code: -32602, message: 'no' } }, 400)
    expect(textOf(await call)).toMatchObject({ id: 1, error: { code: -32602 } })
  })
})

describe('silence', () => {
  it('ends a call, and the server is told', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall(), lab.hooks()))
    await lab.clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(lab.wire.last('notifications/cancelled').body['params']).toEqual({
      requestId: lab.post.body['id'],
      reason: 'upstream_timeout',
    })
    expect(lab.post.isAborted).toBe(true)
    expect(session.isOpen).toBe(true)
  })

  it('is broken by anything that the server sends, until the whole time is over', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall(), lab.hooks()))
    lab.post.openStream()
    for (let i = 0; i < 14; i++) {
      await lab.clock.advance(4_000)
      lab.post.chunk(': ping\n\n')
    }
    expect(session.callsUnderWay).toBe(1)
    await lab.clock.advance(4_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is not counted while a person thinks about a question of the server', async () => {
    const thinking = Promise.withResolvers<Outcome>()
    lab.ask = () => thinking.promise
    const session = await lab.open()
    const call = session.call(lab.toolCall(), lab.hooks())
    lab.post.openStream()
    lab.post.event({ jsonrpc: '2.0', id: 'q1', method: 'elicitation/create' })
    await lab.clock.advance(50_000)
    thinking.resolve({ result: { action: 'decline' } })
    await lab.clock.advance(4_000)
    lab.post.event(lab.response({ done: true }))
    expect(await call).toEqual({ result: { done: true } })
  })

  it('is counted again when the question has been answered', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall(), lab.hooks()))
    lab.post.openStream()
    lab.post.event({ jsonrpc: '2.0', id: 'q1', method: 'elicitation/create' })
    await lab.clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })
})

describe('a stream that ends before the answer', () => {
  async function interrupted(session: UpstreamSession, retryMs?: number): Promise<Promise<Answer>> {
    const call = session.call(lab.toolCall(), lab.hooks())
    lab.post.openStream()
    if (retryMs !== undefined) lab.post.chunk(`retry: ${retryMs}\n`)
    lab.post.event('', 'e-1')
    lab.post.end()
    return call
  }

  beforeEach(() => lab.play((exchange) => exchange.header('last-event-id') !== undefined))

  it('is taken up again where it ended, after the time that the server wishes', async () => {
    const session = await lab.open()
    const outcome = interrupted(session, 3_000).then((call) => call)
    await lab.clock.advance(2_999)
    expect(lab.wire.exchanges.filter((one) => one.header('last-event-id'))).toHaveLength(0)
    await lab.clock.advance(1)
    expect(lab.get.header('last-event-id')).toBe('e-1')
    expect(lab.waits).toBe(1)
    lab.get.openStream()
    lab.get.event(lab.response({ done: true }))
    expect(await outcome).toEqual({ result: { done: true } })
  })

  it('is taken up again as often as it takes while it goes on', async () => {
    const session = await lab.open()
    const outcome = interrupted(session)
    for (let i = 0; i < 30; i++) {
      await lab.clock.advance(1_000)
      lab.get.openStream()
      lab.get.event(note('notifications/progress'), `e-${i + 2}`)
      lab.get.end()
    }
    await lab.clock.advance(1_000)
    expect(lab.get.header('last-event-id')).toBe('e-31')
    lab.get.openStream()
    lab.get.event(lab.response({ done: true }))
    expect(await outcome).toEqual({ result: { done: true } })
  })

  it('is given up when nothing comes of it', async () => {
    const session = await lab.open()
    const failure = failureOf(interrupted(session))
    for (let i = 0; i < 8; i++) {
      await lab.clock.advance(1_000)
      lab.get.openStream()
      lab.get.end()
    }
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(lab.clock.waiting).toBe(0)
  })

  it('is not asked for in haste, whatever the server wishes', async () => {
    const session = await lab.open()
    const failure = failureOf(interrupted(session, 0))
    const before = lab.wire.exchanges.length
    for (let i = 0; i < 1_000; i++) {
      await lab.clock.advance(1)
      const last = lab.wire.exchanges.at(-1)
      if (last && last.header('last-event-id') !== undefined && !last.isAborted) {
        last.openStream()
        last.event('', `e-${i}`)
        last.end()
      }
    }
    expect(lab.wire.exchanges.length - before).toBeLessThan(20)
    await session.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
  })

  it('is tried again when the connection cannot be made', async () => {
    const session = await lab.open()
    const outcome = interrupted(session)
    await lab.clock.advance(1_000)
    lab.get.fail(new GatewayError('upstream_unreachable'))
    await lab.clock.advance(1_000)
    lab.get.openStream()
    lab.get.event(lab.response({ done: true }))
    expect(await outcome).toEqual({ result: { done: true } })
  })

  it('is lost with its session: the server may have done the work, so it is not sent again', async () => {
    const session = await lab.open()
    const failure = failureOf(interrupted(session))
    await lab.clock.advance(1_000)
    lab.get.empty(404)
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
  })

  it('is not taken up again once the client has cancelled', async () => {
    const session = await lab.open()
    const own = lab.hooks()
    const failure = failureOf(session.call(lab.toolCall(), own))
    lab.post.openStream()
    lab.post.event('', 'e-1')
    lab.post.end()
    own.cancellation.cancel()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    await lab.clock.advance(60_000)
    expect(lab.wire.exchanges.some((one) => one.header('last-event-id'))).toBe(false)
  })
})

describe('cancelling', () => {
  it('tells the server, because a lost connection says nothing to a legacy one', async () => {
    const session = await lab.open()
    const own = lab.hooks()
    const failure = failureOf(session.call(lab.toolCall(), own))
    own.cancellation.cancel()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    expect(lab.wire.last('notifications/cancelled').body['params']).toMatchObject({ requestId: lab.post.body['id'] })
    expect(lab.post.isAborted).toBe(true)
  })
})

describe('a call that becomes a task', () => {
  it('goes on to tell of its progress: on the stream of its result, and on the session’s own', async () => {
    lab.play(({ body, request }) => body['method'] === 'tasks/result' || request.method === 'GET')
    const session = await lab.open()
    const later: unknown[] = []
    const hooks = { ...lab.hooks(), owner: 'ann', later: (said: unknown) => void later.push(said) }
    const params = { name: 'a', task: {}, _meta: { progressToken: 'mine' } }
    const call = session.call(lab.toolCall({ params, raw: raw(1) }), hooks)
    const token = lab.post.body['id']
    lab.post.json(lab.response({ task: { taskId: 't', status: 'working', ttl: null } }))
    await call
    const request = { method: 'tasks/result', params: { taskId: 't' }, headers: [], raw: null }
    const result = session.call(request, { ...lab.hooks(), owner: 'ann' })
    const post = lab.wire.last('tasks/result')
    post.openStream()
    post.event(note('notifications/progress', { progressToken: token, progress: 1 }))
    lab.get.openStream()
    lab.get.event(note('notifications/progress', { progressToken: token, progress: 2 }))
    lab.get.event(note('notifications/progress', { progressToken: 99, progress: 3 }))
    post.event({ jsonrpc: '2.0', id: post.body['id'], result: { content: [] } })
    await result
    expect(lab.noted).toEqual([note('notifications/progress', { progressToken: 'mine', progress: 1 })])
    expect(later).toEqual([note('notifications/progress', { progressToken: 'mine', progress: 2 })])
    expect(lab.outside).toEqual([])
  })

  it('has its result waited for longer than a server may be silent', async () => {
    lab.play(({ body }) => body['method'] === 'tasks/result')
    const session = await lab.open()
    const request = { method: 'tasks/result', params: { taskId: 't' }, headers: [], raw: null }
    const failure = failureOf(session.call(request, lab.hooks()))
    await lab.clock.advance(59_000)
    expect(session.callsUnderWay).toBe(1)
    await lab.clock.advance(1_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })
})
