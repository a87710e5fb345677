/** Two replicas of one gateway: a legacy session is served by either, whichever has opened it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bearer, codeOf, openLegacy, parseMessage, post, type LegacyClient } from '../support/raw-client.ts'
import { toSnapshot, type RawGateway } from '../support/raw-gateway.ts'
import { exchange, openEvents, type Json, type RawAnswer, type RawEvents } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream, type UpstreamExchange } from '../support/raw-upstream.ts'
import { describeReplicas } from '../support/replica-pairs.ts'
import { until } from '../support/until.ts'

const asking = { elicitation: {}, sampling: {} }
const patience = { timeoutMs: 10_000 }

const message = (method: string, params: Json = {}, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})
const call = (name: string, id: string | number = 1): Json => message('tools/call', { name, arguments: {} }, id)
const note = (method: string, params: Json = {}): Json => ({ jsonrpc: '2.0', method, params })

const isAnswerTo =
  (id: string | number) =>
  (one: Json): boolean =>
    one['id'] === id && !('method' in one)

let upstream: RawUpstream

beforeEach(async () => {
  upstream = await talkingUpstream()
})
afterEach(() => upstream[Symbol.asyncDispose]())

const options = () => ({ servers: [toServer('one', upstream)], limits: { sessionsPerTokenMax: 50 } })

describeReplicas('a session of two replicas', options, (pair) => {
  let a: RawGateway
  let b: RawGateway
  let client: LegacyClient

  // oxlint-disable-next-line vitest/no-duplicate-hooks -- this is another block, which the rule does not see
  beforeEach(async () => {
    ;({ a, b } = pair())
    client = await openLegacy(a, { path: '/one/mcp', capabilities: asking })
  })

  type Where = { path?: string; token?: string; headers?: Record<string, string> }

  /** One message of the session, to a replica. */
  const send = (
    to: RawGateway,
    body: Json,
    { path = '/one/mcp', token = 'a', headers = {} }: Where = {},
  ): Promise<RawAnswer> => post(to, body, { path, token, headers: { ...client.headers, ...bearer(token), ...headers } })

  const stream = (to: RawGateway, body?: Json, more: Record<string, string> = {}): Promise<RawEvents> =>
    openEvents(`${to.url}/one/mcp`, {
      method: body ? 'POST' : 'GET',
      headers: {
        'content-type': 'application/json',
        accept: body ? 'application/json, text/event-stream' : 'text/event-stream',
        ...client.headers,
        ...more,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })

  const end = (at: RawGateway, more: Record<string, string> = {}): Promise<RawAnswer> =>
    exchange(`${at.url}/one/mcp`, { method: 'DELETE', headers: { ...client.headers, ...more } })

  /** A stream at a replica that the other one knows of, so that what it says arrives. */
  const listenAt = async (at: RawGateway, speaker: RawGateway): Promise<RawEvents> => {
    await send(speaker, message('ping'))
    const heard = await stream(at)
    await until(
      'the other one can be heard',
      async () => {
        await send(speaker, call('log', `probe ${Math.random()}`))
        return heard.text().includes('said outside')
      },
      patience,
    )
    return heard
  }

  describe('a session that was opened on one', () => {
    it('is served by the other, with all that it said of itself', async () => {
      const answer = await send(b, message('tools/list'))
      expect(answer.status).toBe(200)
      expect(parseMessage(answer.text)['result'].tools.map(({ name }: Json) => name)).toContain('ask')
      const own = [...b.engine.sessions].find(({ id }) => id === client.id)
      expect(own).toMatchObject({
        revision: '2025-11-25',
        facts: { capabilities: asking, info: { name: 'attacker', version: '1' } },
        address: { names: 'one', narrowing: null },
      })
      expect(parseMessage((await send(a, call('ask-no', 5))).text)['id']).toBe(5)
    })

    it('is taken up once, however many ask at once', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => send(b, call('echo', `n${n}`))))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(b.engine.counts.sessions).toBe(1)
    })

    it('is taken up by whatever comes first: a notification, an answer, a batch, a stream', async () => {
      expect((await send(b, note('notifications/roots/list_changed'))).status).toBe(202)
      expect(b.engine.counts.sessions).toBe(1)
      for (const body of [{ jsonrpc: '2.0', id: 77, result: {} }, note('notifications/cancelled', { requestId: 1 })]) {
        b.engine.sessions.leaveAll()
        expect((await send(b, body)).status).toBe(202)
        expect(b.engine.counts.sessions).toBe(1)
      }
      b.engine.sessions.leaveAll()
      const heard = await stream(b)
      expect([heard.status, b.engine.counts.sessions]).toEqual([200, 1])
      heard.close()
      b.engine.sessions.leaveAll()
      expect(codeOf(await post(b, [call('echo')], { path: '/one/mcp', headers: client.headers }))).toBe(
        'batch_not_allowed',
      )
      expect(b.engine.counts.sessions).toBe(1)
    })

    it('is nobody else’s there, and at no other address; all are told the same', async () => {
      const attempts = [
        await send(b, call('echo'), { token: 'b' }),
        await send(b, call('echo'), { path: '/mcp' }),
        await send(b, call('echo'), { headers: { 'x-mcp-servers': 'one' } }),
        await send(b, call('echo'), { headers: { 'mcp-session-id': 'mcp_AAAAAAAAAAAAAAAAAAAA' } }),
        await send(b, call('echo'), { headers: { 'mcp-session-id': 'x'.repeat(5_000) } }),
        await send(b, call('echo'), { headers: { 'mcp-session-id': '*' } }),
      ]
      const plain = attempts.map(({ status, text }) => {
        const { error } = JSON.parse(text)
        delete error.data.requestId
        return { status, error }
      })
      expect(new Set(plain.map((one) => JSON.stringify(one))).size).toBe(1)
      expect(plain[0]).toMatchObject({ status: 404, error: { data: { code: 'session_not_found' } } })
      expect((await end(b, bearer('b'))).status).toBe(404)
      expect((await stream(b, undefined, bearer('b'))).status).toBe(404)
      expect(b.engine.counts.sessions).toBe(0)
      expect((await send(a, call('echo'))).status).toBe(200)
      expect(upstream.calls('echo')).toHaveLength(1)
    })

    it('is over everywhere when it is ended anywhere', async () => {
      await send(b, call('echo'))
      expect((await end(b)).status).toBe(204)
      expect(codeOf(await send(b, call('echo')))).toBe('session_not_found')
      await until('the first has heard of it', () => a.engine.counts.sessions === 0, patience)
      expect(codeOf(await send(a, call('echo')))).toBe('session_not_found')
      expect(upstream.calls('echo')).toHaveLength(1)
    })

    it('is not taken up again by one that never had it, once it was ended', async () => {
      expect((await end(a)).status).toBe(204)
      expect(codeOf(await send(b, call('echo')))).toBe('session_not_found')
      expect(codeOf(await send(a, call('echo')))).toBe('session_not_found')
    })

    it('ends the stream that the client holds elsewhere', async () => {
      const heard = await stream(b)
      expect((await end(a)).status).toBe(204)
      await heard.ended
    })

    it('goes on when the one that opened it ends', async () => {
      await a.http.close(0)
      await a.engine.close()
      expect((await send(b, call('echo'))).status).toBe(200)
    })

    it('is gone with its token, on both', async () => {
      await send(b, call('echo'))
      const without = toSnapshot({ ...options(), tokens: { b: ['everything'] } })
      for (const one of [a, b]) one.engine.apply(without)
      expect([a.engine.counts.sessions, b.engine.counts.sessions]).toEqual([0, 0])
      for (const one of [a, b]) one.engine.apply(toSnapshot(options()))
      for (const one of [a, b]) expect(codeOf(await send(one, call('echo')))).toBe('session_not_found')
    })

    it('counts where it is served: each replica has room of its own', async () => {
      b.engine.sessions.leaveAll()
      const others = await Promise.all(Array.from({ length: 50 }, () => openLegacy(b, { path: '/one/mcp' })))
      expect(codeOf(await send(b, call('echo')))).toBe('too_many_sessions')
      await others[0]?.end()
      expect((await send(b, call('echo'))).status).toBe(200)
    })
  })

  describe('what the client says', () => {
    it('finds the one whose question it answers', async () => {
      const events = await stream(a, call('ask'))
      const question = await events.message(({ method }) => method === 'elicitation/create')
      const answer = { jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { by: 'client' } } }
      expect((await send(b, answer)).status).toBe(202)
      const result = await events.message(isAnswerTo(1))
      expect(result).toMatchObject({ result: { content: [{ text: '{"by":"client"}' }] } })
    })

    it('answers the question that it means, where both have asked one', async () => {
      const [atA, atB] = [await stream(a, call('ask', 'a')), await stream(b, call('ask', 'b'))]
      const isQuestion = ({ method }: Json): boolean => method === 'elicitation/create'
      const [first, second] = [await atA.message(isQuestion), await atB.message(isQuestion)]
      expect(first['id']).not.toBe(second['id'])
      const answer = (question: Json, by: string): Json => ({
        jsonrpc: '2.0',
        id: question['id'],
        result: { action: 'accept', content: { by } },
      })
      // Each to the replica that has not asked.
      await send(b, answer(first, 'first'))
      await send(a, answer(second, 'second'))
      expect(await atA.message(isAnswerTo('a'))).toMatchObject({
        result: { content: [{ text: '{"by":"first"}' }] },
      })
      expect(await atB.message(isAnswerTo('b'))).toMatchObject({
        result: { content: [{ text: '{"by":"second"}' }] },
      })
    })

    it('ends a question where the answer is too large to be carried', async () => {
      const events = await stream(a, call('ask'))
      const question = await events.message(({ method }) => method === 'elicitation/create')
      const content = { by: 'x'.repeat(1_100_000) }
      const answer = { jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content } }
      expect((await send(b, answer)).status).toBe(202)
      await events.message(isAnswerTo(1))
      const seen = upstream.seen.find(({ message: one }) => one['id'] === 'q1')
      expect(seen?.message['error']?.data).toMatchObject({ code: 'question_unroutable' })
    })

    it('cancels a call that the other one runs', async () => {
      const events = await stream(a, call('ask', 'mine'))
      await events.message(({ method }) => method === 'elicitation/create')
      expect(a.engine.counts.callsUnderWay).toBe(1)
      await send(b, note('notifications/cancelled', { requestId: 'mine' }))
      await until('it is over', () => a.engine.counts.callsUnderWay === 0, patience)
      events.close()
    })

    it('sets the log level for both', async () => {
      await send(b, call('echo'))
      await send(b, message('logging/setLevel', { level: 'error' }))
      const levelAt = (gateway: RawGateway) =>
        [...gateway.engine.sessions].find(({ id }) => id === client.id)?.facts.logLevel
      await until('the other one has heard', () => levelAt(a) === 'error', patience)
      await send(a, message('logging/setLevel', { level: 'debug' }))
      await until('the other one has heard', () => levelAt(b) === 'debug', patience)
      b.engine.sessions.leaveAll()
      await send(b, message('ping'))
      expect(levelAt(b)).toBe('debug')
    })
  })

  describe('what the client is told', () => {
    it('comes on the stream that it holds, whichever replica has to say it', async () => {
      const heard = await listenAt(b, a)
      await send(a, call('change'))
      expect(await heard.message(({ method }) => method === 'notifications/tools/list_changed')).toBeDefined()
      heard.close()
    })

    it('comes on the newest of its streams', async () => {
      const old = await stream(a)
      const heard = await listenAt(b, a)
      const before = old.text()
      await send(a, call('log', 'again'))
      await until('it is heard', () => heard.text().split('said outside').length > 2, patience)
      expect(old.text()).toBe(before)
      old.close()
      heard.close()
    })

    it('comes where it holds one again after a change of replicas', async () => {
      const first = await listenAt(b, a)
      first.close()
      const second = await listenAt(a, b)
      expect(second.text()).toContain('said outside')
      second.close()
    })

    it('is lost where it holds no stream, and keeps nobody waiting', async () => {
      const heard = await listenAt(b, a)
      heard.close()
      await until('both know', () => [...a.engine.sessions].every(({ isListening }) => !isListening), patience)
      expect((await send(a, call('echo'))).status).toBe(200)
    })

    it('is asked there what a server asks outside of calls, and answers anywhere', async () => {
      const heard = await listenAt(b, a)
      await send(a, call('ask-outside'))
      const question = await heard.message(({ method }) => method === 'elicitation/create')
      // To a replica that has not asked, and does not hold the question.
      await send(b, { jsonrpc: '2.0', id: question['id'], result: { action: 'decline' } })
      await until(
        'the server has its answer',
        () => upstream.seen.some(({ message: one }) => one['id'] === 'outside'),
        patience,
      )
      expect(upstream.seen.find(({ message: one }) => one['id'] === 'outside')?.message['result']).toEqual({
        action: 'decline',
      })
      heard.close()
    })

    it('hears of a resource that it watches through the other one, until it says no to either', async () => {
      const heard = await listenAt(b, a)
      expect(parseMessage((await send(a, message('resources/subscribe', { uri: 'x:1' }))).text)['result']).toEqual({})
      await send(a, call('update'))
      await heard.message(({ method }) => method === 'notifications/resources/updated')
      await send(b, message('resources/unsubscribe', { uri: 'x:1' }))
      const [own] = [...a.engine.sessions]
      await until('the other one has heard', () => [...(own?.watchedResources('one') ?? [])].length === 0, patience)
      heard.close()
    })
  })
})

/** A server that has to be told what to say, and to whom: its stream for what belongs to no call stays open. */
async function talkingUpstream(): Promise<RawUpstream> {
  const streams: UpstreamExchange[] = []
  const sayOutside = (body: Json) => (exchange: UpstreamExchange) => {
    // To the upstream session that this call is of, and to no other.
    const id = exchange.req.headers['mcp-session-id']
    for (const open of streams) if (open.req.headers['mcp-session-id'] === id) open.event(body)
    exchange.text('ok')
  }
  const asked = new Map<unknown, (content: Json) => void>()
  return rawUpstream({
    capabilities: { tools: { listChanged: true }, logging: {}, resources: { subscribe: true } },
    calls: {
      echo: (x) => x.text('ok'),
      change: changed('tools'),
      'ask-no': (x) => x.text('ok'),
      ask: async (x) => {
        const id = `q${asked.size + 1}`
        const content = new Promise<Json>((resolve) => asked.set(id, resolve))
        x.event({
          jsonrpc: '2.0',
          id,
          method: 'elicitation/create',
          params: { message: 'who?', requestedSchema: {} },
        })
        x.finish({ content: [{ type: 'text', text: JSON.stringify(await content) }] })
      },
      log: sayOutside(note('notifications/message', { level: 'emergency', data: 'said outside' })),
      update: sayOutside(note('notifications/resources/updated', { uri: 'x:1' })),
      'ask-outside': sayOutside({
        jsonrpc: '2.0',
        id: 'outside',
        method: 'elicitation/create',
        params: { message: 'outside?', requestedSchema: {} },
      }),
    },
    on: {
      GET: (x) => {
        streams.push(x)
        x.events(': open\n\n')
      },
      'resources/list': (x) => x.result({ resources: [{ uri: 'x:1', name: 'x' }] }),
      'resources/subscribe': (x) => x.result({}),
      'resources/unsubscribe': (x) => x.result({}),
      POST: (x) => {
        asked.get(x.message['id'])?.(x.message['result']?.content ?? {})
        x.res.writeHead(202).end()
      },
    },
  })
}

const changed = (kind: string) => (exchange: UpstreamExchange) => {
  exchange.event(note(`notifications/${kind}/list_changed`))
  exchange.finish({ content: [] })
}
