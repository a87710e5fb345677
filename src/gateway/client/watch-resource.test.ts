import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, RpcMessage } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript, modernScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { FakeHttpWire, legacyHttpScript } from '#test/support/fake-http-wire.ts'
import { channelUpstream, principal, server, upstream } from '#test/support/upstreams.ts'
import { ClientSession } from './client-session.ts'
import { watchResource } from './watch-resource.ts'

const capabilities = { resources: { subscribe: true } }
let clock: FakeClock
let wire: FakeChannelWire
let files: Upstream
/** What the server answers; undefined leaves it open. */
let answer: (params: JsonObject) => JsonObject | undefined

beforeEach(() => {
  clock = new FakeClock()
  answer = () => ({})
  const subscriptions = {
    'resources/subscribe': (params: JsonObject) => answer(params),
    'resources/unsubscribe': () => ({}),
  }
  wire = new FakeChannelWire(legacyScript(capabilities, subscriptions))
  files = channelUpstream(server('files', { timeoutMs: 5_000 }), { clock, wire })
})

function client(id = 'mcp_1', heard: RpcMessage[] = []): ClientSession {
  const session = new ClientSession({
    id,
    principal: principal('ann'),
    address: { scope: 'servers', names: null, narrowing: null },
    endpoint: { key: 'aggregate:', kind: 'aggregate', upstreams: [files] },
    revision: '2025-11-25',
    facts: { capabilities: {}, info: undefined, logLevel: undefined },
    clock,
    askTimeoutMs: 1_000,
    callsMax: 10,
    exposeUri: (_server, uri) => uri,
    taskOwners: new TaskOwners(),
  })
  session.setOutlet((message) => void heard.push(message))
  return session
}

function watch(session: ClientSession, uri = 'a:b', cancellation = new Cancellation()) {
  return watchResource(session, { upstream: files, uri, cancellation })
}

const refuse = (): void => {
  const { script } = wire
  wire.script = (message, channel) => {
    if (message['method'] !== 'resources/subscribe') return script(message, channel)
    channel.say({ jsonrpc: '2.0', id: message['id'], error: { code: -32002, message: 'no such resource' } })
  }
}

/** What the server was asked for and told to leave. */
const said = () =>
  wire.channel.sent.flatMap(({ method, params }) => {
    const uri = (params as JsonObject | undefined)?.['uri']
    return typeof method === 'string' && method.startsWith('resources/')
      ? [`${method === 'resources/subscribe' ? '+' : '-'}${String(uri)}`]
      : []
  })
const updated = () =>
  wire.channel.say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a:b' } })

describe('watching a resource', () => {
  it('is answered when the server has answered, and not before', async () => {
    answer = () => undefined
    let isAnswered = false
    const watching = watch(client()).finally(() => (isAnswered = true))
    await clock.advance(4_999)
    expect(isAnswered).toBe(false)
    wire.channel.answer(wire.channel.last('resources/subscribe'), { _meta: { a: 1 } })
    expect(await watching).toEqual({ result: { _meta: { a: 1 } } })
  })

  it('is answered at once where the server watches for another client', async () => {
    await watch(client('mcp_1'))
    answer = () => undefined
    expect(await watch(client('mcp_2'))).toEqual({ result: {} })
    expect(said()).toEqual(['+a:b'])
  })

  it('ends when the last of its clients unsubscribes or goes', async () => {
    const [one, other] = [client('mcp_1'), client('mcp_2')]
    await Promise.all([watch(one), watch(other)])
    one.unwatch('files', 'a:b')
    await settled()
    expect(said()).toEqual(['+a:b'])
    other.end()
    await settled()
    expect(said()).toEqual(['+a:b', '-a:b'])
  })

  it('is refused in the server’s words, and leaves nothing behind', async () => {
    refuse()
    const heard: RpcMessage[] = []
    const session = client('mcp_1', heard)
    expect(await watch(session)).toEqual({ error: { code: -32002, message: 'no such resource' } })
    updated()
    expect(heard).toEqual([])
    expect([...session.watchedResources('files')]).toEqual([])
    expect(files.place(session.user).isWatched).toBe(false)
    expect(said()).toEqual(['+a:b'])
  })

  it('is refused to all who asked together, and asked anew by who asks later', async () => {
    const { script } = wire
    refuse()
    const [one, other] = [client('mcp_1'), client('mcp_2')]
    expect(await Promise.all([watch(one), watch(other)])).toMatchObject([{ error: {} }, { error: {} }])
    wire.script = script
    expect(await watch(one)).toEqual({ result: {} })
    expect(said()).toEqual(['+a:b', '+a:b'])
  })

  it('is not asked of a server that does not declare it', async () => {
    wire.script = legacyScript({ resources: {} })
    expect(await failureOf(watch(client()))).toMatchObject({ code: 'method_not_found' })
    expect(said()).toEqual([])
  })

  it('hears of updates from the moment it was asked for', async () => {
    answer = () => undefined
    const heard: RpcMessage[] = []
    void watch(client('mcp_1', heard))
    await settled()
    updated()
    expect(heard).toMatchObject([{ method: 'notifications/resources/updated' }])
  })
})

describe('a subscription that comes to nothing', () => {
  it('fails with the server’s silence, and is taken back: the server may have it', async () => {
    answer = () => undefined
    const session = client()
    const failure = failureOf(watch(session))
    await clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect([...session.watchedResources('files')]).toEqual([])
    expect(said()).toEqual(['+a:b', '-a:b'])
  })

  it('fails with the server’s death', async () => {
    answer = () => undefined
    const session = client()
    const failure = failureOf(watch(session))
    await settled()
    wire.channel.end()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect([...session.watchedResources('files')]).toEqual([])
    await files.place(session.user).acquire()
    await settled()
    expect(said()).toEqual([])
  })

  it.each<[string, (cancellation: Cancellation, session: ClientSession) => void]>([
    ['cancels it', (cancellation) => cancellation.cancel()],
    ['goes', (cancellation, session) => (session.begin(1, cancellation), session.end())],
  ])('is taken back when its client %s', async (_how, stop) => {
    answer = () => undefined
    const session = client()
    const cancellation = new Cancellation()
    const failure = failureOf(watch(session, 'a:b', cancellation))
    await settled()
    stop(cancellation, session)
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    wire.channel.answer(wire.channel.last('resources/subscribe'), {})
    await settled()
    expect(said()).toEqual(['+a:b', '-a:b'])
  })

  it('does not take with it what the same client holds', async () => {
    const session = client()
    await watch(session)
    const cancellation = new Cancellation()
    const again = watch(session, 'a:b', cancellation)
    cancellation.cancel()
    await again.catch(() => null)
    expect([...session.watchedResources('files')]).toEqual(['a:b'])
    expect(said()).toEqual(['+a:b'])
  })
})

describe('a server', () => {
  it('that has forgotten the session is asked on a fresh one', async () => {
    let forgets = 1
    const http = new FakeHttpWire(
      legacyHttpScript(capabilities, {
        'resources/subscribe': (exchange) => (forgets-- > 0 ? exchange.empty(404) : exchange.result({ fresh: true })),
      }),
    )
    const transport = {
      kind: 'streamable_http' as const,
      url: 'http://a.example/mcp',
      headers: {},
      credential: { kind: 'none' as const },
    }
    const wires = { kind: 'http' as const, http, sse: new FakeChannelWire() }
    files = upstream(server('files', { transport, isolation: 'principal' }), { clock, wires })
    expect(await watch(client())).toEqual({ result: { fresh: true } })
    expect(http.of('initialize')).toHaveLength(2)
    expect(http.of('resources/subscribe')).toHaveLength(2)
  })

  it('that forgets every session is not asked for ever', async () => {
    const http = new FakeHttpWire(
      legacyHttpScript(capabilities, { 'resources/subscribe': (exchange) => exchange.empty(404) }),
    )
    const transport = {
      kind: 'streamable_http' as const,
      url: 'http://a.example/mcp',
      headers: {},
      credential: { kind: 'none' as const },
    }
    const wires = { kind: 'http' as const, http, sse: new FakeChannelWire() }
    files = upstream(server('files', { transport, isolation: 'principal' }), { clock, wires })
    expect(await failureOf(watch(client()))).toMatchObject({ code: 'upstream_closed' })
    expect(http.of('initialize')).toHaveLength(2)
  })

  it('of the modern era refuses as a legacy client knows it', async () => {
    wire.script = modernScript(capabilities)
    files = channelUpstream(server('files', { protocol: 'modern' }), { clock, wire })
    const watching = watch(client())
    await settled()
    const _meta = { 'io.modelcontextprotocol/subscriptionId': wire.channel.last('subscriptions/listen')?.['id'] }
    const params = { notifications: {}, _meta }
    wire.channel.say({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })
    expect(await watching).toMatchObject({ error: { code: -32002, data: { uri: 'a:b' } } })
    expect(wire.channel.count('notifications/cancelled')).toBe(1)
  })
})
