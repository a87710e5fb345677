import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  initialize,
  note,
  request,
  startBridge,
  type BridgeClient,
  type Message,
} from '#test/support/cli/bridge-client.ts'
import { listenOnLoopback } from '#test/conformance/loopback-server.ts'
import { startRawUpstream, type RawUpstream } from '#test/support/raw/http-upstream.ts'
import { textResult } from '#test/support/raw/exchange.ts'
import { until } from '#test/support/until.ts'

let gateway: RawUpstream
let client: BridgeClient

beforeEach(async () => {
  gateway = await startRawUpstream(['legacy'])
  client = startBridge(gateway.url)
})

afterEach(async () => {
  await client[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

const posts = () => gateway.seen.filter(({ http }) => http === 'POST')

describe('the bridge, for a legacy client', () => {
  it('opens a session, keeps its id and revision on every request, and ends it', async () => {
    expect(await initialize(client)).toMatchObject({ id: 'init', result: { protocolVersion: '2025-11-25' } })
    client.say(request(1, 'tools/call', { name: 'echo', arguments: { a: 1 } }))
    expect(await client.answerTo(1)).toMatchObject({ result: textResult('{"a":1}') })
    const [first, ...rest] = posts()
    expect(first?.headers['mcp-session-id']).toBeUndefined()
    expect(rest.map(({ method }) => method)).toEqual(['notifications/initialized', 'tools/call'])
    for (const { headers } of rest) {
      expect(headers).toMatchObject({
        'mcp-session-id': expect.stringMatching(/./),
        'mcp-protocol-version': '2025-11-25',
        authorization: 'Bearer tg_of_the_test',
      })
    }
    client.end()
    expect(await client.ended).toBe('eof')
    expect(gateway.seen.at(-1)?.http).toBe('DELETE')
    expect(gateway.sessionCount()).toBe(0)
  })

  it('passes words in both directions as they are, large numbers and unknown members included', async () => {
    let asked = ''
    const answer = '{"jsonrpc":"2.0","id":1,"result":{"n":12345678901234567890},"more":[1.0]}'
    const server = createServer((req, res) => {
      req.setEncoding('utf8').on('data', (chunk: string) => (asked += chunk))
      res.writeHead(200, { 'content-type': 'application/json' }).end(answer.replace(',', ',\n  '))
    })
    await using other = await listenOnLoopback(server, { port: 0, path: '/mcp' })
    await using bridge = startBridge(other.url)
    const question = '{"jsonrpc":"2.0", "id":1,"method":"ping","extra":[1.0,98765432109876543210]}'
    bridge.say(question)
    await bridge.answerTo(1)
    expect(asked).toBe(question)
    expect(bridge.lines).toEqual([answer.replace(',', ',   ')])
  })

  it('opens the stream for what belongs to no request after the client is initialized, and relays it', async () => {
    await initialize(client)
    await until('the stream is open', () => gateway.seen.some(({ http }) => http === 'GET'))
    gateway.announce('notifications/tools/list_changed')
    expect(await client.next(({ method }) => method === 'notifications/tools/list_changed')).toBeDefined()
    const order = gateway.seen.map(({ http, method }) => method || http)
    expect(order).toEqual(['initialize', 'notifications/initialized', 'GET'])
  })

  it('relays progress and questions on a call`s stream, and the client`s answers to them', async () => {
    gateway.handlers['tools/call'] = async (call) => {
      call.notify('notifications/progress', { progressToken: 7, progress: 1 })
      const { result } = await call.ask('elicitation/create', { message: 'Sure?' })
      return textResult(JSON.stringify(result))
    }
    await initialize(client, { elicitation: {} })
    client.say(request(1, 'tools/call', { name: 'echo' }))
    expect(await client.next()).toMatchObject({ method: 'notifications/progress', params: { progress: 1 } })
    const question = await client.next(({ method }) => method === 'elicitation/create')
    client.say({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept' } })
    expect(await client.answerTo(1)).toMatchObject({ result: textResult('{"action":"accept"}') })
  })

  it('has several requests under way and answers each as it comes', async () => {
    const waiting = new Map<unknown, () => void>()
    gateway.handlers['tools/call'] = async ({ params }) => {
      const key = (params['arguments'] as Message)['key']
      await new Promise<void>((resolve) => waiting.set(key, resolve))
      return textResult(String(key))
    }
    await initialize(client)
    for (const key of [1, 2, 3]) client.say(request(key, 'tools/call', { name: 'echo', arguments: { key } }))
    await until('all three are under way', () => waiting.size === 3)
    for (const key of [2, 3, 1]) {
      waiting.get(key)?.()
      expect(await client.answerTo(key)).toMatchObject({ result: textResult(String(key)) })
    }
  })

  it('tells the gateway of a cancellation and drops the answer', async () => {
    let wasCancelled = false
    gateway.handlers['tools/call'] = async ({ cancelled }) => {
      await cancelled
      wasCancelled = true
      return textResult('too late')
    }
    await initialize(client)
    client.say(request(1, 'tools/call', { name: 'echo' }))
    await until('it is under way', () => gateway.count('tools/call') === 1)
    client.say(note('notifications/cancelled', { requestId: 1 }))
    await until('it was cancelled', () => wasCancelled)
    client.say(request(2, 'ping'))
    await client.answerTo(2)
    expect(client.heard.map(({ id }) => id)).toEqual(['init', 2])
  })

  it('forwards a batch and its answers', async () => {
    client.say([request(1, 'ping'), request(2, 'ping')])
    // This gateway has no batches; both requests are told so.
    expect([await client.answerTo(1), await client.answerTo(2)]).toMatchObject([{ error: {} }, { error: {} }])
  })

  it('answers a second request of an id that is in use at once', async () => {
    const answered = Promise.withResolvers<Message>()
    gateway.handlers['tools/call'] = () => answered.promise
    await initialize(client)
    client.say(request(1, 'tools/call', { name: 'echo' }))
    client.say(request(1, 'tools/call', { name: 'echo' }))
    expect(await client.answerTo(1)).toMatchObject({ error: { code: -32600 } })
    answered.resolve(textResult('first'))
    expect(await client.answerTo(1)).toMatchObject({ result: textResult('first') })
    expect(gateway.count('tools/call')).toBe(1)
  })
})

describe('the bridge, when the gateway has lost the session', () => {
  it('opens a new one with the client`s own initialize and sends the request again, unseen', async () => {
    await initialize(client, { roots: {} })
    gateway.forgetSessions()
    client.say(request(1, 'tools/call', { name: 'echo', arguments: { a: 1 } }))
    expect(await client.answerTo(1)).toMatchObject({ result: textResult('{"a":1}') })
    const [first, second] = gateway.seen.filter(({ method }) => method === 'initialize')
    expect(second?.body['params']).toEqual(first?.body['params'])
    expect(gateway.count('notifications/initialized')).toBe(2)
    expect(client.heard.filter(({ result }) => result !== undefined).map(({ id }) => id)).toEqual(['init', 1])
  })

  it('opens one new session for all requests that notice', async () => {
    await initialize(client)
    gateway.forgetSessions()
    for (const id of [1, 2, 3, 4]) client.say(request(id, 'tools/call', { name: 'echo', arguments: { id } }))
    for (const id of [1, 2, 3, 4])
      expect(await client.answerTo(id)).toMatchObject({ result: textResult(`{"id":${id}}`) })
    expect(gateway.count('initialize')).toBe(2)
    expect(gateway.sessionCount()).toBe(1)
  })

  it('sets up what the client had set up, and tells it to look again', async () => {
    await initialize(client)
    client.say(request(1, 'logging/setLevel', { level: 'debug' }))
    client.say(request(2, 'resources/subscribe', { uri: 'a://1' }))
    client.say(request(3, 'resources/subscribe', { uri: 'a://2' }))
    client.say(request(4, 'resources/unsubscribe', { uri: 'a://1' }))
    for (const id of [1, 2, 3, 4]) await client.answerTo(id)
    gateway.forgetSessions()
    const before = gateway.seen.length
    client.say(request(5, 'ping'))
    await client.answerTo(5)
    await client.next(({ method }) => method === 'notifications/tools/list_changed')
    const again = gateway.seen.slice(before).filter(({ http, method }) => http === 'POST' && method !== 'ping')
    expect(again.map(({ method }) => method)).toEqual([
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
    ])
    expect(again.at(-1)?.body['params']).toEqual({ uri: 'a://2' })
  })

  it('gives the questions of the new session other ids than those of the lost one', async () => {
    const asked: Message[] = []
    gateway.handlers['tools/call'] = async (call) => {
      asked.push(await call.ask('roots/list', {}))
      return textResult('asked')
    }
    await initialize(client, { roots: {} })
    client.say(request(1, 'tools/call', { name: 'echo' }))
    const old = await client.next(({ method }) => method === 'roots/list')
    gateway.forgetSessions()
    client.say(request(2, 'tools/call', { name: 'echo' }))
    const fresh = await client.next(({ method }) => method === 'roots/list')
    expect(fresh['id']).not.toBe(old['id'])
    client.say({ jsonrpc: '2.0', id: old['id'], result: { roots: ['old'] } })
    client.say({ jsonrpc: '2.0', id: fresh['id'], result: { roots: ['fresh'] } })
    await client.answerTo(2)
    expect(asked).toMatchObject([{ result: { roots: ['fresh'] } }])
  })

  it('sends a notification to the new session', async () => {
    await initialize(client)
    gateway.forgetSessions()
    client.say(note('notifications/roots/list_changed'))
    client.say(request(1, 'ping'))
    await client.answerTo(1)
    const [told, asked] = gateway.seen.slice(-2)
    expect([told?.method, asked?.method]).toEqual(['notifications/roots/list_changed', 'ping'])
    expect(told?.headers['mcp-session-id']).toBe(asked?.headers['mcp-session-id'])
    expect(gateway.count('initialize')).toBe(2)
  })

  it('tells the client why a new session cannot be opened, and tries again at the next request', async () => {
    await initialize(client)
    gateway.forgetSessions()
    const { initialize: willing } = gateway.handlers
    gateway.handlers['initialize'] = () => Promise.reject(new Error('not now'))
    client.say(request(1, 'ping'))
    expect(await client.answerTo(1)).toMatchObject({ error: { code: -32603 } })
    if (willing) gateway.handlers['initialize'] = willing
    client.say(request(2, 'ping'))
    expect(await client.answerTo(2)).toMatchObject({ result: {} })
  })
})

describe('the bridge, when the gateway is away', () => {
  it('answers each request with its own words, and goes on when it is back', async () => {
    const address = gateway.url
    await initialize(client)
    await gateway[Symbol.asyncDispose]()
    client.say(request(1, 'ping'))
    const refused = await client.answerTo(1)
    expect(refused).toMatchObject({
      error: { code: -32010, data: { code: 'gateway_unreachable', retryable: true } },
    })
    expect(client.told.join('\n')).toContain('The gateway cannot be reached')
    const { port } = new URL(address)
    const other = createServer((req, res) => {
      req.resume()
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":2,"result":{}}')
    })
    const back = await listenOnLoopback(other, { port: Number(port), path: '/mcp' })
    try {
      client.say(request(2, 'ping'))
      expect(await client.answerTo(2)).toMatchObject({ result: {} })
    } finally {
      await client[Symbol.asyncDispose]()
      await back[Symbol.asyncDispose]()
    }
  })
})
