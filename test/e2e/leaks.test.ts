/** Hundreds of exchanges, good and bad, twenty at once: afterwards nothing of them is left. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { queryObjects, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { GatewayError } from '#contract/errors.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { ClientSession } from '#gateway/client/client-session.ts'
import { ListenStream } from '#gateway/client/listen-hub.ts'
import { LegacyRun } from '#gateway/relay/legacy-run.ts'
import { ChannelClient } from '#http/mcp/channel-client.ts'
import { EventStreams } from '#http/mcp/event-streams.ts'
import { PostReply } from '#http/mcp/post-reply.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  rawSseUpstream,
  rawWebSocketUpstream,
  type ChannelScript,
  type RawChannelUpstream,
} from '../support/raw-channel-upstream.ts'
import {
  bearer,
  both,
  handshake,
  initialize,
  openLegacy,
  openModern,
  openSse,
  openWebSocket,
  post,
} from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { exchange, openSocket, type Json } from '../support/raw-http.ts'
import { isAlive, stdioServer } from '../support/raw-stdio-server.ts'
import { rawUpstream, toServer, type Handler, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const timeouts = { timeoutMs: 200, timeoutTotalMs: 400 }
const limits = { requestBytesMax: 200_000, responseBytesMax: 300_000, requestTimeoutMs: 300, parkedCallMs: 1_000 }
const asking = { elicitation: {} }
const question = { message: 'who?', requestedSchema: { type: 'object', properties: {} } }

const calls: Record<string, Handler> = {
  hang: () => undefined,
  trickle: (x) => {
    const timer = setInterval(() => void x.events(': ping\n\n'), 30)
    x.res.once('close', () => clearInterval(timer))
  },
  cut: ({ res }) => void res.socket?.destroy(),
  cutLater: (x) => {
    x.event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } })
    setTimeout(() => x.res.destroy(), 20)
  },
  garbage: (x) => x.json('{'),
  huge: (x) =>
    void x.res.writeHead(200, { 'content-type': 'application/json' }).end(`{"x":"${'x'.repeat(1_000_000)}"}`),
  large: (x) => x.text('x'.repeat(290_000)),
  refused: ({ res }) => void res.writeHead(401).end(),
  redirect: ({ res }) => void res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  talk: (x) => {
    for (let i = 0; i < 20; i++)
      x.event({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: x.message['params']?._meta?.progressToken, progress: i },
      })
    x.finish({ content: [], resultType: 'complete' })
  },
  ask: (x) => void x.event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: question }),
  input: (x) =>
    x.result({
      resultType: 'input_required',
      inputRequests: { a: { method: 'elicitation/create', params: question } },
      requestState: 's',
    }),
}

const channelScript: ChannelScript = {
  calls: {
    hang: () => undefined,
    cut: (peer) => peer.cut(),
    garbage: (peer) => peer.raw('{'),
    ask: (peer) => peer.say({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: question }),
  },
}

type House = {
  gateway: RawGateway
  old: RawUpstream
  recent: RawUpstream
  ws: RawChannelUpstream
  sse: RawChannelUpstream
}

let house: House

beforeAll(async () => {
  const old = await rawUpstream({ calls, capabilities: { tools: {}, logging: {}, resources: { subscribe: true } } })
  const recent = await rawUpstream({ era: 'modern', calls, capabilities: { tools: { listChanged: true } } })
  const ws = await rawWebSocketUpstream(channelScript)
  const sse = await rawSseUpstream(channelScript)
  const gateway = await startRawGateway({
    servers: [
      toServer('old', old, timeouts),
      toServer('recent', recent, timeouts),
      { name: 'socket', transport: ws.transport, ...timeouts },
      { name: 'events', transport: sse.transport, ...timeouts },
      stdioServer('stdio', timeouts),
      { name: 'nobody', transport: { kind: 'streamable_http', url: 'http://127.0.0.1:1/mcp' }, ...timeouts },
    ],
    limits,
  })
  house = { gateway, old, recent, ws, sse }
})

afterAll(async () => {
  const { gateway, ...upstreams } = house
  await gateway[Symbol.asyncDispose]()
  for (const upstream of Object.values(upstreams)) await upstream[Symbol.asyncDispose]()
})

const servers = ['old', 'recent', 'socket', 'events', 'stdio', 'nobody']
const httpTools = Object.keys(calls)
const channelTools = ['hang', 'cut', 'garbage', 'ask', 'die', 'echo']
const message = (name: string, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, _meta: { progressToken: 'p' } },
})

/** One thing that a client may do, good or bad. What comes of it is another test's question. */
type Deed = (gateway: RawGateway) => Promise<unknown>

function toolDeeds(server: string, tool: string): Deed[] {
  const path = `/${server}/mcp`
  return [
    async (gateway) => {
      const client = await openLegacy(gateway, { path, capabilities: asking })
      const stream = await client.stream(message(tool))
      await Promise.race([stream.ended, delay(300)])
      stream.close()
      await client.end()
    },
    (gateway) => openModern(gateway, { path, capabilities: asking }).post('tools/call', { name: tool }),
    async (gateway) => {
      const peer = await openWebSocket(gateway, { path: `${path}/ws` })
      await handshake(peer, '2025-11-25', asking)
      void peer.request('tools/call', { name: tool }).catch(() => undefined)
      await delay(50)
      peer.close()
    },
  ]
}

const raw =
  (bytes: string): Deed =>
  async (gateway) => {
    const socket = await openSocket(gateway.port, bytes)
    await Promise.race([socket.until((text) => text.includes('\r\n\r\n')), delay(100)])
    socket.socket.destroy()
  }
const auth = Object.entries({ ...bearer('a'), ...both })
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

const others: Deed[] = [
  (gateway) => post(gateway, initialize()),
  (gateway) => post(gateway, '{'),
  (gateway) => post(gateway, '['.repeat(10_000)),
  (gateway) => post(gateway, 'x'.repeat(300_000)),
  (gateway) => post(gateway, initialize(), { path: '/nobody/mcp' }),
  (gateway) => post(gateway, initialize(), { path: '/unknown/mcp' }),
  (gateway) => post(gateway, [initialize()]),
  (gateway) => post(gateway, { jsonrpc: '2.0', id: 1, method: 'ping' }, { headers: { 'mcp-session-id': 'x' } }),
  (gateway) => exchange(`${gateway.url}/mcp`, { method: 'PUT', headers: bearer('a'), body: 'x' }),
  (gateway) => exchange(`${gateway.url}/mcp`, { method: 'POST', body: 'x' }),
  (gateway) => exchange(`${gateway.url}/health/live`),
  (gateway) => openModern(gateway).post('tools/list'),
  (gateway) => openModern(gateway).post('resources/read', { uri: 'toolgate://old/x' }),
  raw('GARBAGE\r\n\r\n'),
  raw('GET /mcp/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
  raw(`GET /mcp/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${auth}\r\n`),
  raw(`POST /mcp HTTP/1.1\r\nHost: localhost\r\n${auth}Content-Length: 100\r\n\r\n{`),
  raw('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{'),
  raw('GET /mcp HTTP/1.1\r\nHost: localhost\r\nX-A: '),
  async (gateway) => {
    const peer = await openSse(gateway)
    await handshake(peer)
    await peer.request('tools/list')
    peer.close()
  },
  async (gateway) => {
    const peer = await openSse(gateway)
    await peer.send(JSON.stringify(initialize()))
    peer.close()
  },
  async (gateway) => {
    const peer = await openWebSocket(gateway)
    await peer.send(JSON.stringify(initialize()))
    await peer.send('{')
    peer.close()
  },
  async (gateway) => {
    const client = await openLegacy(gateway)
    const streams = await Promise.all([client.listen(), client.listen(), client.listen({ 'last-event-id': '1_0' })])
    for (const stream of streams) stream.close()
    await client.end()
  },
  async (gateway) => {
    const client = await openLegacy(gateway, { path: '/old/mcp', capabilities: asking })
    await client.request('resources/subscribe', { uri: 'test://x' })
    const stream = await client.stream(message('hang', 'c'))
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } })
    await stream.ended
    await client.end()
  },
  async (gateway) => {
    const stream = await openModern(gateway).stream('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    await delay(50)
    stream.close()
  },
]

const deeds: Deed[] = [
  ...others,
  ...['old', 'recent'].flatMap((server) => httpTools.flatMap((tool) => toolDeeds(server, tool))),
  ...['socket', 'events', 'stdio'].flatMap((server) => channelTools.flatMap((tool) => toolDeeds(server, tool))),
  ...toolDeeds('nobody', 'echo'),
]

/** A deed may fail: a server that is down refuses a session. */
const attempt = (deed: Deed): Promise<unknown> => deed(house.gateway).catch(() => undefined)

async function doAll(): Promise<void> {
  for (let at = 0; at < deeds.length; at += 20) await Promise.all(deeds.slice(at, at + 20).map(attempt))
}

/** What the process holds, by kind; the test's own runner holds some of it. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** What is made for a client or a call, and must go with it. */
const kinds = [
  ClientSession,
  ChannelClient,
  ListenStream,
  PostReply,
  EventStreams,
  LegacyRun,
  Cancellation,
  GatewayError,
]

/** How many of each kind are alive. Asking collects what nobody holds. */
const alive = (): Record<string, number> =>
  Object.fromEntries(kinds.map((kind) => [kind.name, queryObjects(kind, { format: 'count' })]))

async function quiet(): Promise<void> {
  const { gateway } = house
  for (const session of gateway.engine.sessions) session.end()
  const isQuiet = (): boolean => {
    const { sessions, listeners, parkedCalls, callsUnderWay } = gateway.engine.counts
    const { replies, sse, webSockets } = gateway.http.counts
    return sessions + listeners + parkedCalls + callsUnderWay + replies + sse + webSockets === 0
  }
  const state = (): string => JSON.stringify([gateway.engine.counts, gateway.http.counts])
  await until('nothing is under way', isQuiet, { timeoutMs: 5_000 }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${state()}`)
  })
}

async function heapMiB(): Promise<number> {
  for (const upstream of [house.old, house.recent]) upstream.seen.length = 0
  for (const upstream of [house.ws, house.sse]) upstream.seen.length = 0
  for (let round = 0; round < 4; round++) {
    await delay(10)
    collect()
  }
  return process.memoryUsage().heapUsed / 1_048_576
}

describe('hundreds of exchanges', () => {
  it('leave no call, session, stream, connection or timer, and little memory', { timeout: 60_000 }, async () => {
    const { gateway, old, recent } = house
    await doAll()
    await quiet()
    const sockets = (): number => old.sockets.size + recent.sockets.size
    const before = { resources: resources(), heap: await heapMiB(), sockets: sockets(), alive: alive() }
    for (let round = 0; round < 2; round++) {
      await doAll()
      await quiet()
    }
    // Connections to servers are kept for the next call, so they may be as many as they were and a few more.
    await until('connections to servers are as few as before', () => sockets() <= before.sockets + 10)
    await until('sockets and timers are as few as before', () => {
      const now = resources()
      const grown = [...now].filter(([kind, count]) => count > (before.resources.get(kind) ?? 0) + 10)
      return grown.length === 0
    })
    expect((await heapMiB()) - before.heap).toBeLessThan(3)
    for (const [kind, count] of Object.entries(alive()))
      assert.ok(count <= (before.alive[kind] ?? 0) + 3, `${count} of ${kind} are left`)
    assert.deepEqual(gateway.defects, [])
    expect(await openModern(gateway).request('tools/call', { name: 'old__echo' })).toHaveProperty('result')
    expect(await openModern(gateway).request('tools/call', { name: 'recent__echo' })).toHaveProperty('result')
  })

  it('leave nothing at all when the gateway has ended', async () => {
    const before = resources()
    const old = await rawUpstream({ calls })
    const gateway = await startRawGateway({
      servers: [toServer('old', old, timeouts), stdioServer('stdio', timeouts)],
      limits,
    })
    const pid = await openModern(gateway, { path: '/stdio/mcp' }).request('tools/call', { name: 'pid' })
    await Promise.allSettled(
      ['echo', 'hang', 'ask', 'trickle', 'cut'].flatMap((tool) => toolDeeds('old', tool).map((deed) => deed(gateway))),
    )
    const hanging = openModern(gateway, { path: '/old/mcp' })
      .post('tools/call', { name: 'hang' })
      .catch(() => null)
    await until('a call is under way', () => gateway.engine.counts.callsUnderWay > 0)
    await gateway[Symbol.asyncDispose]()
    await hanging
    expect(old.sockets.size).toBe(0)
    expect(isAlive(Number(pid['result'].content[0].text))).toBe(false)
    await old[Symbol.asyncDispose]()
    await until('the process holds no more than before', () => {
      const now = resources()
      return [...now].every(([kind, count]) => count <= (before.get(kind) ?? 0))
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify([[...before], [...resources()]])}`)
    })
    expect(gateway.engine.counts).toEqual({ sessions: 0, listeners: 0, parkedCalls: 0, callsUnderWay: 0 })
  })
})

it('names every server that is not there, and costs the others nothing', async () => {
  const { result } = await openModern(house.gateway).request('tools/list')
  const reports: { name: string; status: string }[] = result._meta['toolgate/servers']
  expect(reports.map(({ name }) => name)).toEqual(servers)
  expect(reports.filter(({ status }) => status === 'failing').map(({ name }) => name)).toEqual(['nobody'])
})
