/** What is one principal's never reaches another, whoever shares a server with whom. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  codeOf,
  openLegacy,
  openModern,
  openWebSocket,
  handshake,
  post,
  type LegacyClient,
} from '../support/raw-client.ts'
import { startRawGateway, toSnapshot, type RawGateway } from '../support/raw-gateway.ts'
import type { Json, RawEvents } from '../support/raw-http.ts'
import { stdioServer } from '../support/raw-stdio-server.ts'
import { rawUpstream, toServer, type RawUpstream, type UpstreamExchange } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const asking = { elicitation: {} }
const call = (name: string, args: Json = {}, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

/** A legacy client of `token` that hears everything it is told, and can be asked. */
async function listener(gateway: RawGateway, token: string): Promise<{ client: LegacyClient; heard: RawEvents }> {
  const client = await openLegacy(gateway, { token, path: '/one/mcp', capabilities: asking })
  return { client, heard: await client.listen() }
}

describe('a process that two principals share', () => {
  let gateway: RawGateway

  beforeEach(async () => {
    gateway = await startRawGateway({ servers: [stdioServer('one')] })
  })

  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    assert.deepEqual(gateway.defects, [])
  })

  it('does not tell one what it says and asks for the other’s two calls', async () => {
    const a = await listener(gateway, 'a')
    await a.client.request('tools/call', { name: 'echo' })
    const b = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const extra = { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } }
    await Promise.all([
      b.request('tools/call', { name: 'slowAsk', arguments: { text: 'secret of b', count: 50 }, ...extra }),
      b.request('tools/call', { name: 'slow', arguments: { text: 'secret of b', count: 120 }, ...extra }),
    ])
    expect(a.heard.text()).not.toContain('secret of b')
    a.heard.close()
  })

  it('does not tell one what it says and asks after the other’s call has ended', async () => {
    const a = await listener(gateway, 'a')
    await a.client.request('tools/call', { name: 'echo' })
    const b = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    await b.request('tools/call', { name: 'late', arguments: { text: 'secret of b' } })
    await delay(200)
    expect(a.heard.text()).not.toContain('secret of b')
    a.heard.close()
  })

  it('does not ask one for a call that the other has given up', async () => {
    const b = await openLegacy(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const given = b.stream(call('slowAsk', { text: 'secret of b', count: 200 }, 'given up'))
    await until('it is under way', () => gateway.engine.counts.callsUnderWay === 1)
    await b.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'given up' } })
    const a = await listener(gateway, 'a')
    const stream = await a.client.stream(call('slow', { text: 'mine', count: 400 }))
    await stream.ended
    expect(stream.text()).toContain('mine')
    expect(stream.text() + a.heard.text()).not.toContain('secret of b')
    ;(await given).close()
    a.heard.close()
  })

  it('tells each its own progress, though both chose one token', async () => {
    const streams = await Promise.all(
      ['a', 'b'].map(async (token) => {
        const client = await openLegacy(gateway, { token, path: '/one/mcp' })
        const message = call('progress', { text: `of ${token}`, count: 8 })
        message['params']._meta = { progressToken: 'same' }
        return client.stream(message)
      }),
    )
    await Promise.all(streams.map(({ ended }) => ended))
    const [ofA = '', ofB = ''] = streams.map((stream) => stream.text())
    expect(ofA).not.toContain('of b')
    expect(ofB).not.toContain('of a')
    expect(ofA.match(/"progressToken":"same"/g)).toHaveLength(8)
  })

  it('tells of a resource only who watches it', async () => {
    const a = await listener(gateway, 'a')
    const b = await listener(gateway, 'b')
    await a.client.request('resources/subscribe', { uri: 'test://one' })
    await b.client.request('tools/call', { name: 'touch' })
    await a.heard.message(({ method }) => method === 'notifications/resources/updated')
    expect(b.heard.text()).not.toContain('resources/updated')
    a.heard.close()
    b.heard.close()
  })

  it('still lets who is alone with it be asked, and hear what belongs to no call', async () => {
    const a = await listener(gateway, 'a')
    const stream = await a.client.stream(call('ask', { text: 'who are you?' }))
    const question = await stream.message(({ method }) => method === 'elicitation/create')
    await a.client.post({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { x: 1 } } })
    expect(await stream.message((message) => 'result' in message)).toHaveProperty('result')
    await a.client.request('tools/call', { name: 'late', arguments: { text: 'my own' } })
    await a.heard.message(
      ({ method, params }) => method === 'notifications/message' && (params as Json)['data'] === 'my own',
    )
    a.heard.close()
  })
})

/** An HTTP server that speaks on the stream of the session that called it. */
async function talkingUpstream(): Promise<RawUpstream> {
  const streams = new Map<string, UpstreamExchange>()
  const sessionOf = ({ req }: UpstreamExchange): string => String(req.headers['mcp-session-id'])
  const say = (x: UpstreamExchange, message: Json): void =>
    void streams.get(sessionOf(x))?.event({ jsonrpc: '2.0', ...message })
  return rawUpstream({
    capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
    on: {
      GET: (x) => {
        streams.set(sessionOf(x), x)
        x.events(': open\n\n')
      },
      'resources/subscribe': (x) => x.result({}),
    },
    calls: {
      talk: (x) => {
        const { text } = x.message['params'].arguments
        say(x, { method: 'notifications/message', params: { level: 'error', data: text } })
        say(x, { method: 'notifications/resources/updated', params: { uri: 'test://one', text } })
        say(x, { id: 'outside', method: 'elicitation/create', params: { message: text, requestedSchema: {} } })
        x.text('talked')
      },
      ask: (x) => {
        x.event({
          jsonrpc: '2.0',
          id: 'q',
          method: 'elicitation/create',
          params: { message: 'who?', requestedSchema: {} },
        })
      },
    },
  })
}

describe('a server over HTTP', () => {
  it('has a session for each principal, and what it says on one is heard there only', async () => {
    await using upstream = await talkingUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const a = await listener(gateway, 'a')
    const b = await listener(gateway, 'b')
    expect(upstream.count('initialize')).toBe(2)
    await until('both listen upstream', () => upstream.count('GET') === 2)
    await a.client.request('resources/subscribe', { uri: 'test://one' })
    await b.client.request('resources/subscribe', { uri: 'test://one' })
    await b.client.request('tools/call', { name: 'talk', arguments: { text: 'secret of b' } })
    for (const kind of ['notifications/message', 'notifications/resources/updated', 'elicitation/create'])
      await b.heard.message(({ method }) => method === kind)
    expect(a.heard.text()).not.toContain('secret of b')
    a.heard.close()
    b.heard.close()
  })

  it('that is shared tells nobody what belongs to no call', async () => {
    await using upstream = await talkingUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream, { isolation: 'shared' })] })
    const a = await listener(gateway, 'a')
    await a.client.request('tools/call', { name: 'echo' })
    const b = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    await b.request('tools/call', { name: 'talk', arguments: { text: 'secret of b' } })
    await delay(100)
    expect(upstream.count('initialize')).toBe(1)
    expect(a.heard.text()).not.toContain('secret of b')
    a.heard.close()
  })
})

describe('what belongs to a client’s session', () => {
  let upstream: RawUpstream
  let gateway: RawGateway

  beforeEach(async () => {
    upstream = await talkingUpstream()
    gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
  })

  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
    assert.deepEqual(gateway.defects, [])
  })

  it('cannot be answered by another: a question', async () => {
    const a = await openLegacy(gateway, { token: 'a', path: '/one/mcp', capabilities: asking })
    const b = await openLegacy(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const stream = await b.stream(call('ask'))
    const question = await stream.message(({ method }) => method === 'elicitation/create')
    const forged = { jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { by: 'a' } } }
    expect((await a.post(forged)).status).toBe(202)
    expect((await a.post(forged, { 'mcp-session-id': b.id })).status).toBe(404)
    const peer = await openWebSocket(gateway, { path: '/one/mcp/ws' })
    await handshake(peer, '2025-11-25', asking)
    await peer.send(JSON.stringify(forged))
    await peer.request('ping')
    const own = await openLegacy(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    expect((await own.post(forged)).status).toBe(202)
    await delay(50)
    expect(upstream.seen.filter(({ message }) => message['id'] === 'q')).toEqual([])
    await b.post({ ...forged, result: { action: 'accept', content: { by: 'b' } } })
    await until('the answer has come', () => upstream.seen.some(({ message }) => message['id'] === 'q'))
    expect(upstream.seen.find(({ message }) => message['id'] === 'q')?.message['result'].content).toEqual({ by: 'b' })
    stream.close()
    peer.close()
  })

  it('cannot be resumed by another: a stream of events', async () => {
    const a = await openLegacy(gateway, { token: 'a', path: '/one/mcp', capabilities: asking })
    const b = await openLegacy(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const stream = await b.stream(call('ask'))
    await stream.message(({ method }) => method === 'elicitation/create')
    const eventId = stream.all.find(({ id }) => id !== '')?.id ?? ''
    stream.close()
    expect(eventId).not.toBe('')
    const stolen = await a.listen({ 'last-event-id': eventId, 'mcp-session-id': b.id })
    expect(stolen.status).toBe(404)
    const mine = await a.listen({ 'last-event-id': eventId })
    await delay(50)
    expect(mine.text()).not.toContain('who?')
    mine.close()
    const own = await b.listen({ 'last-event-id': eventId })
    expect(await own.message(({ method }) => method === 'elicitation/create')).toMatchObject({
      params: { message: 'who?' },
    })
    own.close()
  })

  it('cannot be cancelled by another: a call', async () => {
    const a = await openLegacy(gateway, { token: 'a', path: '/one/mcp' })
    const b = await openLegacy(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const stream = await b.stream(call('ask', {}, 'mine'))
    await stream.message(({ method }) => method === 'elicitation/create')
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'mine' } }
    await a.post(cancel)
    const peer = await openWebSocket(gateway, { token: 'b', path: '/one/mcp/ws' })
    await peer.send(JSON.stringify(cancel))
    await peer.request('nothing')
    expect(gateway.engine.counts.callsUnderWay).toBe(1)
    await b.post(cancel)
    await until('it is over', () => gateway.engine.counts.callsUnderWay === 0)
    stream.close()
    peer.close()
  })
})

describe('a call that waits for an answer', () => {
  const limits = { parkedCallMs: 1_000, parkedCallsMax: 3 }
  let gateway: RawGateway

  beforeEach(async () => {
    gateway = await startRawGateway({ servers: [stdioServer('one')], limits })
  })

  afterEach(async () => {
    await gateway[Symbol.asyncDispose]()
    assert.deepEqual(gateway.defects, [])
  })

  const params = { name: 'ask', arguments: { text: 'who?' } }
  const park = async (token: string): Promise<{ requestState: string; inputResponses: Json }> => {
    const client = openModern(gateway, { token, path: '/one/mcp', capabilities: asking })
    const { result } = await client.request('tools/call', params)
    expect(result.resultType).toBe('input_required')
    const [key = ''] = Object.keys(result.inputRequests)
    return { requestState: result.requestState, inputResponses: { [key]: { action: 'accept', content: {} } } }
  }

  it('is taken up only by who parked it, with what it was parked with, and once', async () => {
    const parked = await park('b')
    const b = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    const thieves: readonly [ReturnType<typeof openModern>, Json][] = [
      [openModern(gateway, { token: 'a', path: '/one/mcp', capabilities: asking }), { ...params, ...parked }],
      [b, { ...params, arguments: { text: 'else' }, ...parked }],
      [b, { ...params, name: 'echo', ...parked }],
      [b, { ...params, ...parked, requestState: `${parked.requestState}x` }],
      [b, { ...params, ...parked, requestState: 5 }],
      [b, { ...params, ...parked, requestState: { toString: 'x' } }],
      [b, { ...params, ...parked, requestState: '__proto__' }],
    ]
    for (const [client, stolen] of thieves)
      expect(codeOf(await client.request('tools/call', stolen))).toBe('request_state_invalid')
    const unhelpful = await b.request('tools/call', {
      ...params,
      ...parked,
      inputResponses: { __proto__: {}, other: 1 },
    })
    expect(unhelpful['result']).toMatchObject({ resultType: 'input_required', requestState: parked.requestState })
    expect(await b.request('tools/call', { ...params, ...parked })).toMatchObject({
      result: { resultType: 'complete' },
    })
    expect(codeOf(await b.request('tools/call', { ...params, ...parked }))).toBe('request_state_invalid')
    expect(gateway.engine.counts).toMatchObject({ parkedCalls: 0, callsUnderWay: 0 })
  })

  it('ends by itself, and upstream too', async () => {
    const parked = await park('b')
    expect(gateway.engine.counts).toMatchObject({ parkedCalls: 1, callsUnderWay: 1 })
    await until('it is over', () => gateway.engine.counts.parkedCalls === 0, { timeoutMs: 3_000 })
    await until('it is over upstream', () => gateway.engine.counts.callsUnderWay === 0)
    const late = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    expect(codeOf(await late.request('tools/call', { ...params, ...parked }))).toBe('request_state_invalid')
  })
})

describe('calls that wait for an answer', () => {
  it('are bounded, and the limit is named', async () => {
    await using upstream = await talkingUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)], limits: { parkedCallsMax: 3 } })
    const client = openModern(gateway, { path: '/one/mcp', capabilities: asking })
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.request('tools/call', { name: 'ask' })))
    const refused = answers.filter((answer) => 'error' in answer)
    expect(refused).toHaveLength(3)
    for (const answer of refused) {
      expect(codeOf(answer)).toBe('rate_limited')
      expect(answer['error'].data.parkedCallsMax).toBe(3)
    }
    await until('the refused ones have ended upstream', () => gateway.engine.counts.callsUnderWay === 3)
  })
})

describe('what a modern server hands out', () => {
  const done = { content: [], resultType: 'complete' }
  const modernUpstream = (): Promise<RawUpstream> =>
    rawUpstream({
      era: 'modern',
      capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
      calls: {
        state: (x) =>
          x.message['params'].requestState === undefined
            ? x.result({ resultType: 'input_required', inputRequests: {}, requestState: 'state-made-for-b' })
            : x.result(done),
        stateOnStream: (x) =>
          x.message['params'].requestState === undefined
            ? x.finish({ resultType: 'input_required', inputRequests: {}, requestState: 'state-made-for-b' })
            : x.finish(done),
        task: (x) => x.result({ resultType: 'task', taskId: 'task-of-b', status: 'working' }),
        taskOnStream: (x) => x.finish({ resultType: 'task', taskId: 'task-of-b', status: 'working' }),
      },
      on: {
        'tasks/get': (x) =>
          x.result({ resultType: 'complete', taskId: 'task-of-b', status: 'completed', result: done }),
      },
    })

  it.for(['state', 'stateOnStream'])('is no use to another: a requestState (%s)', async (name) => {
    await using upstream = await modernUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    for (const path of ['/one/mcp', '/mcp']) {
      const tool = path === '/mcp' ? `one__${name}` : name
      const a = openModern(gateway, { path })
      const b = openModern(gateway, { token: 'b', path })
      const { requestState } = (await b.request('tools/call', { name: tool }))['result']
      const before = upstream.seen.length
      for (const stolen of [requestState, 'state-made-for-b']) {
        const answer = await a.request('tools/call', { name: tool, requestState: stolen })
        expect(codeOf(answer)).toBe('request_state_invalid')
      }
      const elsewhere = await b.request('tools/call', { name: tool.replace(/\w+$/, 'echo'), requestState })
      expect(codeOf(elsewhere)).toMatch(/request_state_invalid|tool_not_found/)
      expect(upstream.seen.length).toBe(before)
      expect(await b.request('tools/call', { name: tool, requestState })).toMatchObject({ result: done })
      expect(upstream.seen.at(-1)?.message['params'].requestState).toBe('state-made-for-b')
    }
  })

  it.for(['task', 'taskOnStream'])('is no use to another: a task (%s)', async (name) => {
    await using upstream = await modernUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const a = openModern(gateway, { path: '/one/mcp', capabilities })
    const b = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities })
    await b.request('tools/call', { name })
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const stolen = await a.request(method, { taskId: 'task-of-b' })
      expect(codeOf(stolen)).toBe('invalid_params')
      expect(upstream.count(method)).toBe(0)
    }
    expect(await b.request('tasks/get', { taskId: 'task-of-b' })).toMatchObject({ result: { status: 'completed' } })
  })
})

describe('a token that is taken away', () => {
  it('ends its sessions and streams at once, and what it had parked is nobody’s', async () => {
    await using upstream = await talkingUpstream()
    const servers = [toServer('one', upstream)]
    await using gateway = await startRawGateway({ servers })
    const { heard, client } = await listener(gateway, 'b')
    const peer = await openWebSocket(gateway, { token: 'b', path: '/one/mcp/ws' })
    await handshake(peer)
    const modern = openModern(gateway, { token: 'b', path: '/one/mcp', capabilities: asking })
    await modern.request('tools/call', { name: 'ask' })
    gateway.engine.apply(toSnapshot({ servers, tokens: { a: ['everything'] } }))
    await heard.ended
    await peer.closed
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(401)
    expect((await post(gateway, {}, { token: 'b' })).status).toBe(401)
    expect(gateway.engine.counts.sessions).toBe(0)
  })
})
