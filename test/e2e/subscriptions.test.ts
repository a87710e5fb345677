/** A client that subscribes to a resource is told what the server said to it, and nothing is held that nobody wants. */
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFixture } from '../conformance/fixture-server.ts'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession } from '../support/raw/client.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { RpcFailure, type Json } from '../support/raw/exchange.ts'
import { toTransport1, type Wire } from '../support/sdk-clients.ts'
import { startV1Server, type V1HttpServer } from '../support/sdk-v1/http-server.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const token = tokenFor('watch')
const open = new AsyncDisposableStack()
let gateway: GatewayProcess
/** Used by one test alone, which counts. */
let counted: V1HttpServer
let raw: RawUpstream
let rawModern: RawUpstream
/** How long the raw server takes to agree. */
let agreement: Promise<void> = Promise.resolve()

beforeAll(async () => {
  const [real, another] = [open.use(await startV1Server()), open.use(await startV1Server())]
  counted = another
  const fixture = open.use(await startFixture({ era: 'modern' }))
  const capabilities = { tools: {}, resources: { subscribe: true } }
  const subscribe = async ({ params }: { params: Json }): Promise<Json> => {
    await agreement
    if (params['uri'] === 'test://missing') throw new RpcFailure(-32002, 'gone', { uri: params['uri'] })
    return { _meta: { from: 'the server' } }
  }
  raw = open.use(await startRawUpstream(['legacy'], { capabilities, handlers: { 'resources/subscribe': subscribe } }))
  rawModern = open.use(await startRawUpstream(['modern'], { capabilities }))
  const child = { command: process.execPath, args: [`${import.meta.dirname}/../support/sdk-v1/stdio-main.ts`] }
  gateway = open.use(
    await startGateway({
      servers: {
        real: { url: real.url },
        counted: { url: counted.url },
        stdio: child,
        fixture: { url: fixture.url },
        raw: { url: raw.url },
        modern: { url: rawModern.url },
        tools: { url: open.use(await startRawUpstream(['legacy'])).url },
      },
      policies: { all: { default: 'execute' } },
      tokens: [{ name: 'watch', secret: token, policies: ['all'] }],
    }),
  )
}, 30_000)

afterAll(() => open.disposeAsync())

const suffixes: Record<Wire, string> = { http: '', sse: '/sse', ws: '/ws' }
const at = (server: string) => ({ url: `${gateway.url}/${server}/mcp`, token })

async function connect(server: string, wire: Wire): Promise<ClientV1 & AsyncDisposable> {
  const client = new ClientV1({ name: 'watcher', version: '1.0.0' })
  await client.connect(toTransport1(wire, { url: `${gateway.url}/${server}/mcp${suffixes[wire]}`, token }))
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

describe.each(['http', 'sse', 'ws'] as const)('a client over %s', (wire) => {
  it.each(['real', 'stdio'])(
    'is told by the SDK’s own server (%s) what can be watched, and what cannot',
    async (server) => {
      await using client = await connect(server, wire)
      expect(await client.subscribeResource({ uri: 'test://known' })).toEqual({})
      await expect(client.subscribeResource({ uri: 'test://unknown' })).rejects.toMatchObject({
        code: -32002,
        data: { uri: 'test://unknown' },
      })
    },
  )
})

describe('the SDK’s own server', () => {
  it('has been told to watch when its client is told so, and once for all of them', async () => {
    const { told } = counted
    const [one, other] = [await connect('counted', 'ws'), await connect('counted', 'ws')]
    await one.subscribeResource({ uri: 'test://known' })
    expect(told).toEqual({ subscribed: ['test://known'], unsubscribed: [] })
    await other.subscribeResource({ uri: 'test://known' })
    await one.unsubscribeResource({ uri: 'test://known' })
    expect(told).toEqual({ subscribed: ['test://known'], unsubscribed: [] })
    await Promise.all([one.close(), other.close()])
    await until('the last client’s going ends it', () => told.unsubscribed.length > 0)
    expect(told).toEqual({ subscribed: ['test://known'], unsubscribed: ['test://known'] })
  })

  it('of the modern era agrees by its acknowledgement', async () => {
    await using client = await connect('fixture', 'http')
    expect(await client.subscribeResource({ uri: 'test://watched-resource' })).toEqual({})
  })

  it('is named as the client knows it where servers stand together', async () => {
    await using client = await LegacySession.open({ url: `${gateway.url}/mcp`, token })
    const uri = 'toolgate://real/test://unknown'
    const { error } = await client.ask('resources/subscribe', { uri })
    expect(error).toMatchObject({ code: -32002, data: { uri } })
  })
})

describe('a server', () => {
  it('that takes its time is waited for, and its words are passed on', async () => {
    const gate = Promise.withResolvers<void>()
    agreement = gate.promise
    await using client = await LegacySession.open(at('raw'))
    let isAnswered = false
    const before = raw.count('resources/subscribe')
    const answer = client.ask('resources/subscribe', { uri: 'test://a' }).finally(() => (isAnswered = true))
    await until('the server is asked', () => raw.count('resources/subscribe') > before)
    await client.ask('ping')
    expect(isAnswered).toBe(false)
    gate.resolve()
    expect((await answer).result).toEqual({ _meta: { from: 'the server' } })
  })

  it('that refuses is not asked again for nobody, also when its session is a new one', async () => {
    await using client = await LegacySession.open(at('raw'))
    expect((await client.ask('resources/subscribe', { uri: 'test://missing' })).error).toMatchObject({ code: -32002 })
    raw.forgetSessions()
    const before = raw.count('initialize')
    await client.ask('tools/call', { name: 'echo', arguments: {} })
    await until('there is a new session', () => raw.count('initialize') > before)
    await client.ask('resources/subscribe', { uri: 'test://b' })
    const asked = raw.seen.flatMap(({ method, body }) =>
      method === 'resources/subscribe' ? [(body['params'] as Json)['uri']] : [],
    )
    expect(asked.filter((uri) => uri === 'test://missing')).toHaveLength(1)
    expect(asked.at(-1)).toBe('test://b')
  })

  it('that has forgotten the session is asked on a fresh one', async () => {
    await using client = await LegacySession.open(at('raw'))
    await client.ask('tools/list')
    raw.forgetSessions()
    expect((await client.ask('resources/subscribe', { uri: 'test://c' })).result).toBeDefined()
  })

  it('that watches nothing is not asked', async () => {
    await using client = await LegacySession.open(at('tools'))
    const { error } = await client.ask('resources/subscribe', { uri: 'test://a' })
    expect(error).toMatchObject({ code: -32601 })
  })

  it('of the modern era is waited for until it acknowledges', async () => {
    await using client = await LegacySession.open(at('modern'))
    const gate = Promise.withResolvers<void>()
    rawModern.beforeListen = () => gate.promise
    let isAnswered = false
    const before = rawModern.count('subscriptions/listen')
    const answer = client.ask('resources/subscribe', { uri: 'test://a' }).finally(() => (isAnswered = true))
    await until('the server is asked', () => rawModern.count('subscriptions/listen') > before)
    await client.ask('ping')
    expect(isAnswered).toBe(false)
    delete rawModern.beforeListen
    gate.resolve()
    expect((await answer).result).toEqual({})
  })
})
