/** Every message on a channel that ends before it is a call leaves one event, and so does every channel that is refused. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { auditOf, inShort } from '../support/audit-trail.ts'
import {
  bearer,
  both,
  envelope,
  handshake,
  initialize,
  openSse,
  openWebSocket,
  type ChannelPeer,
} from '../support/raw-client.ts'
import { rawToken, startRawGateway, toSnapshot, type RawGateway } from '../support/raw-gateway.ts'
import { exchange, openEvents, openSocket } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const secret = 'callers-s3cret'
const limits = { requestTimeoutMs: 300, requestBytesMax: 5_000 }
let upstream: RawUpstream
let gateway: RawGateway
let peers: { webSocket: ChannelPeer; sse: ChannelPeer & { postUrl: string } }

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startRawGateway({ servers: [toServer('one', upstream)], limits })
  peers = { webSocket: await openWebSocket(gateway), sse: await openSse(gateway) }
  await handshake(peers.webSocket)
  await handshake(peers.sse)
})

afterAll(async () => {
  const trail = JSON.stringify(await gateway.audit())
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
  for (const word of [secret, ...['a', 'b', 'z'].map(rawToken)]) assert.ok(!trail.includes(word), word)
})

const everywhere = 'aggregate:one'
const request = (method: string, params: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { secret, ...params } })
const withMeta = (more: object) => ({ _meta: { ...envelope(), ...more } })

/** Frames as they are, on a connection whose handshake went well. */
async function sendFrame(write: (ws: WebSocket) => void): Promise<void> {
  const ws = new WebSocket(`${gateway.url.replace('http', 'ws')}/mcp/ws`, 'mcp', { headers: bearer('a') })
  ws.on('error', () => undefined)
  await new Promise((resolve) => ws.once('open', resolve))
  const closed = new Promise((resolve) => ws.once('close', resolve))
  write(ws)
  await closed
}

const rawSocket = (ws: WebSocket): { write(bytes: Buffer): void } => Reflect.get(ws, '_socket')

describe.each(['webSocket', 'sse'] as const)(
  'a message on a channel (%s) that never becomes a call leaves one event',
  (kind) => {
    it.each([
      ['that is no JSON', `{"${secret}`, '- deny parse_error'],
      ['that is too deep', `${'['.repeat(100)}${']'.repeat(100)}`, '- deny body_too_deep'],
      ['that is no message', JSON.stringify({ secret }), '- deny invalid_request'],
      ['in a batch that is not allowed', `[${request('ping')},${request('ping')}]`, '- deny batch_not_allowed'],
      ['that opens a session twice', JSON.stringify(initialize()), 'initialize deny invalid_request'],
      [
        'of an unknown revision',
        request('tools/list', withMeta({ 'io.modelcontextprotocol/protocolVersion': '2099-01-01' })),
        'tools/list deny unsupported_protocol_version',
      ],
      [
        'without the client’s capabilities',
        request('tools/list', withMeta({ 'io.modelcontextprotocol/clientCapabilities': 1 })),
        'tools/list deny invalid_params',
      ],
    ])('%s', async (_what, text, event) => {
      const events = await auditOf(gateway, () => peers[kind].send(text))
      expect(events.map(inShort)).toEqual([`refusal a ${everywhere} ${event}`])
    })

    it('before a session is open', async () => {
      const peer = await (kind === 'sse' ? openSse : openWebSocket)(gateway)
      const events = await auditOf(gateway, () => peer.send(request('tools/list')))
      expect(events.map(inShort)).toEqual([`refusal a ${everywhere} tools/list deny session_required`])
      const opened = await auditOf(gateway, () => handshake(peer))
      expect(opened.map(inShort)).toEqual([`call a ${everywhere} initialize allow ok`])
      peer.close()
    })

    it('whose session cannot be opened', async () => {
      const peer = await (kind === 'sse' ? openSse : openWebSocket)(gateway)
      const events = await auditOf(gateway, () => peer.send(request('initialize')))
      expect(events.map(inShort)).toEqual([`call a ${everywhere} initialize allow invalid_params`])
      peer.close()
    })

    it('whose token is gone meanwhile', async () => {
      await using house = await startRawGateway({ servers: [toServer('one', upstream)] })
      const peer = await (kind === 'sse' ? openSse : openWebSocket)(house)
      house.engine.apply(toSnapshot({ servers: [toServer('one', upstream)], tokens: { b: ['everything'] } }))
      const events = await auditOf(house, () => peer.send(JSON.stringify(initialize())))
      // Over SSE the POST is refused by itself, and there is nobody to name.
      const who = kind === 'sse' ? `nobody /mcp/messages POST` : `a ${everywhere} initialize`
      expect(events.map(inShort)).toEqual([`auth_failure ${who} deny unauthorized`])
    })
  },
)

describe('a modern call on a WebSocket leaves one event', () => {
  it('where too many are under way, or its id is taken', async () => {
    await using slow = await rawUpstream({ calls: { hang: () => undefined } })
    await using house = await startRawGateway({ servers: [toServer('slow', slow)], limits: { callsPerSessionMax: 2 } })
    const peer = await openWebSocket(house)
    const call = (id: number) =>
      peer.send(
        JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'slow__hang', ...withMeta({}) } }),
      )
    await call(1)
    const doubled = await auditOf(house, () => call(1))
    expect(doubled.map(inShort)).toEqual(['refusal a aggregate:slow tools/call deny invalid_request'])
    await call(2)
    const third = await auditOf(house, () => call(3))
    expect(third.map(inShort)).toEqual(['refusal a aggregate:slow tools/call deny rate_limited'])
    await until('they are under way', () => slow.calls('hang').length === 2)
    const ended = await auditOf(house, async () => {
      peer.close()
      await until('both are recorded', async () => (await house.audit()).length === 4)
    })
    expect(ended.map(({ outcome }) => outcome)).toEqual(['request_cancelled', 'request_cancelled'])
  })
})

describe('a WebSocket leaves one event', () => {
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const auth = `Authorization: Bearer ${rawToken('a')}\r\n`
  const upgrade = async (path: string, rest: string): Promise<void> => {
    const headers = `Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${rest}`
    const raw = await openSocket(gateway.port, `GET ${path} HTTP/1.1\r\n${headers}\r\n`)
    await raw.letGo()
  }

  it.each<[string, [path: string, rest: string], string]>([
    ['without a token', ['/mcp/ws', key], 'auth_failure nobody /mcp/ws GET deny unauthorized'],
    ['to nowhere', ['/nowhere', key + auth], 'refusal nobody /nowhere GET deny not_found'],
    ['to an unknown server', ['/mcp/nobody/ws', key + auth], 'refusal a /mcp/nobody/ws GET deny server_not_found'],
    [
      'without a key',
      ['/mcp/ws', `Sec-WebSocket-Version: 13\r\n${auth}`],
      `refusal a ${everywhere} GET deny invalid_request`,
    ],
    [
      'of a foreign page',
      ['/mcp/ws', `${key}${auth}Origin: http://evil.example\r\n`],
      'refusal nobody /mcp/ws GET deny origin_forbidden',
    ],
  ])('where it is refused: %s', async (_what, [path, rest], event) => {
    expect((await auditOf(gateway, () => upgrade(path, rest))).map(inShort)).toEqual([event])
  })

  it.each<[string, (ws: WebSocket) => void, string]>([
    ['a binary message', (ws) => ws.send(Buffer.from(`{"${secret}":1}`)), 'unsupported_media_type'],
    ['a message that is too large', (ws) => ws.send('x'.repeat(6_000)), 'body_too_large'],
    ['broken UTF-8', (ws) => ws.send(Buffer.from([0xff, 0xfe]), { binary: false }), 'parse_error'],
    ['a broken frame', (ws) => rawSocket(ws).write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])), 'parse_error'],
  ])('where it is closed for %s', async (_what, write, code) => {
    const events = await auditOf(gateway, () => sendFrame(write))
    expect(events.map(inShort)).toEqual([`refusal a ${everywhere} - deny ${code}`])
  })
})

describe('a POST to an SSE connection leaves one event', () => {
  const postTo = (url: string, headers: object = {}, body = request('ping')) =>
    exchange(url, { method: 'POST', headers: { ...both, ...bearer('a'), ...headers }, body })
  const unknown = () => `${gateway.url}/mcp/messages?sessionId=sse_unknown`

  it.each<[string, () => unknown, string]>([
    ['of nobody', () => postTo(unknown(), bearer('z')), 'auth_failure nobody /mcp/messages POST deny unauthorized'],
    ['that does not exist', () => postTo(unknown()), `refusal a ${everywhere} POST deny session_not_found`],
    [
      'of another token',
      () => postTo(peers.sse.postUrl, bearer('b')),
      `refusal b ${everywhere} POST deny session_not_found`,
    ],
    [
      'of another type',
      () => postTo(peers.sse.postUrl, { 'content-type': 'text/plain' }),
      `refusal a ${everywhere} POST deny unsupported_media_type`,
    ],
    [
      'that is too large',
      () => postTo(peers.sse.postUrl, {}, 'x'.repeat(6_000)),
      `refusal a ${everywhere} POST deny body_too_large`,
    ],
  ])('%s', async (_what, act, event) => {
    expect((await auditOf(gateway, act)).map(inShort)).toEqual([event])
  })

  it('that came when its client was gone', async () => {
    const peer = await openSse(gateway)
    const { pathname, search } = new URL(peer.postUrl)
    const body = request('ping')
    const lines = [`POST ${pathname}${search} HTTP/1.1`, 'Host: localhost', `Authorization: Bearer ${rawToken('a')}`]
    const types = ['Content-Type: application/json', `Content-Length: ${body.length}`]
    const raw = await openSocket(gateway.port, `${[...lines, ...types].join('\r\n')}\r\n\r\n${body.slice(0, 9)}`)
    const open = gateway.http.counts.sse
    peer.close()
    await until('it is gone', () => gateway.http.counts.sse < open)
    const events = await auditOf(gateway, () => raw.write(body.slice(9)))
    raw.socket.destroy()
    expect(events.map(inShort)).toEqual([`refusal a ${everywhere} - deny request_cancelled`])
  })
})

describe('a channel too many leaves one event', () => {
  it('over SSE and as a WebSocket', async () => {
    await using full = await startRawGateway({ servers: [], limits: { sessionsPerTokenMax: 1 } })
    const first = await openWebSocket(full)
    const sse = await auditOf(full, () => openEvents(`${full.url}/mcp/sse`, { headers: bearer('a') }))
    expect(sse.map(inShort)).toEqual(['refusal a aggregate: GET deny too_many_sessions'])
    const ws = await auditOf(full, () => openWebSocket(full).catch(() => null))
    expect(ws.map(inShort)).toEqual(['refusal a aggregate: GET deny too_many_sessions'])
    first.close()
  })
})
