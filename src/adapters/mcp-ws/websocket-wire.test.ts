import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from 'ws'
import { GatewayError } from '#contract/errors.ts'
import type { Channel, ChannelEvents } from '#core/upstream/channel-wire.ts'
import { listen, recordEvents, type Peer } from '#test/support/channel-peer.ts'
import { describeGuardedConnections } from '#test/contracts/guarded-connections.ts'
import { describeMutualTls } from '#test/contracts/mutual-tls.ts'
import { openEgress } from '#test/support/egress.ts'
import { leaseOf } from '#test/support/leases.ts'
import { createWebSocketWire, type WebSocketWireOptions } from './websocket-wire.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

type Listening = Peer & { url: string }

async function listenAt(server: Server): Promise<Listening> {
  const peer = await listen(server)
  return { ...peer, url: `${peer.origin.replace('http', 'ws')}/mcp` }
}

type WsPeer = Listening & { accepted: Promise<{ socket: WebSocket; request: IncomingMessage }> }

async function startWsPeer(options: ServerOptions = {}): Promise<WsPeer> {
  const http = createServer()
  const server = new WebSocketServer({ server: http, ...options })
  const accepted = new Promise<{ socket: WebSocket; request: IncomingMessage }>((resolve) => {
    server.once('connection', (socket, request) => resolve({ socket, request }))
  })
  return { ...(await listenAt(http)), accepted }
}

/** Answers every upgrade with these bytes. */
async function startRawPeer(answer: (key: string, socket: Socket) => void): Promise<Listening> {
  const http = createServer()
  http.on('upgrade', (request, socket: Socket) => {
    // Read, or the client's end would never be seen.
    socket.resume().once('end', () => socket.destroy())
    answer(String(request.headers['sec-websocket-key']), socket)
  })
  return listenAt(http)
}

const limits = { messageBytesMax: 1000, connectTimeoutMs: 2000, egress: openEgress }

type OpenOptions = Partial<WebSocketWireOptions> & { headers?: string[]; events?: ChannelEvents; signal?: AbortSignal }

async function open(url: string, options: OpenOptions = {}): Promise<Channel> {
  const { headers = [], events = recordEvents().events, signal = new AbortController().signal, ...rest } = options
  const channel = await createWebSocketWire({ url, ...limits, ...rest }).open({
    lease: leaseOf(headers),
    events,
    signal,
  })
  cleanups.push(() => channel.close())
  return channel
}

function textOf(data: RawData): string {
  if (!Buffer.isBuffer(data)) throw new Error('not one buffer')
  return data.toString()
}

async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('createWebSocketWire: opening', () => {
  it('asks for the subprotocol mcp and sends the headers it was given', async () => {
    const peer = await startWsPeer()
    await open(peer.url, { headers: ['Authorization', 'Bearer s3cret', 'x-team', 'a', 'X-Team', 'b'] })
    const { socket, request } = await peer.accepted
    expect(socket.protocol).toBe('mcp')
    expect(request.headers).toMatchObject({ authorization: 'Bearer s3cret', 'x-team': 'a, b' })
    expect(request.headers['sec-websocket-extensions']).toBeUndefined()
  })

  it('accepts a server that selects no subprotocol', async () => {
    const peer = await startWsPeer({ handleProtocols: () => false })
    const { events, next } = recordEvents()
    await open(peer.url, { events })
    const { socket } = await peer.accepted
    expect(socket.protocol).toBe('')
    socket.send('{"id":1}')
    expect(await next()).toEqual({ id: 1 })
  })

  it('refuses a server that selects another subprotocol', async () => {
    const peer = await startWsPeer({ handleProtocols: () => 'chat' })
    await expect(open(peer.url)).rejects.toMatchObject({ code: 'upstream_protocol' })
    await peer.emptied()
  })

  it.each([
    [401, 'upstream_auth_failed'],
    [403, 'upstream_auth_failed'],
    [302, 'upstream_redirected'],
    [308, 'upstream_redirected'],
    [200, 'upstream_unreachable'],
    [404, 'upstream_unreachable'],
    [503, 'upstream_unreachable'],
  ])('rejects an upgrade that is answered with %i as %s', async (status, code) => {
    const elsewhere = await startWsPeer()
    const head = `HTTP/1.1 ${status} Whatever\r\nLocation: ${elsewhere.url}\r\nContent-Length: 5\r\n\r\n`
    const peer = await startRawPeer((_key, socket) => void socket.write(head))
    await expect(open(peer.url)).rejects.toMatchObject({ code, details: { status } })
    await peer.emptied()
    expect(elsewhere.connectionCount()).toBe(0)
  })

  it('rejects what answers but speaks no HTTP, without repeating its bytes', async () => {
    const peer = await startRawPeer((_key, socket) => void socket.write('220 mail.example ESMTP s3cret\r\n'))
    const error = await failureOf(open(peer.url))
    expect(error.code).toBe('upstream_protocol')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret')
    await peer.emptied()
  })

  it('rejects an upgrade with a wrong accept key', async () => {
    const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    const peer = await startRawPeer((_key, socket) => void socket.write(`${head}Sec-WebSocket-Accept: bm8=\r\n\r\n`))
    await expect(open(peer.url)).rejects.toMatchObject({ code: 'upstream_protocol' })
    await peer.emptied()
  })

  it('rejects as unreachable where nothing listens', async () => {
    const server = createTcpServer()
    const { url } = await listenAt(server)
    server.close()
    await once(server, 'close')
    await expect(open(url)).rejects.toMatchObject({ code: 'upstream_unreachable' })
  })

  it('rejects as unreachable when the server hangs up before it answers', async () => {
    const peer = await startRawPeer((_key, socket) => socket.destroy())
    await expect(open(peer.url)).rejects.toMatchObject({ code: 'upstream_unreachable' })
  })

  it('gives up on a server that accepts and says nothing', async () => {
    const peer = await startRawPeer(() => {})
    await expect(open(peer.url, { connectTimeoutMs: 50 })).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
  })

  it('gives up on a server that sends its answer byte by byte', async () => {
    const peer = await startRawPeer((_key, socket) => {
      socket.write('HTTP/1.1 101 Switching')
      const timer = setInterval(() => socket.write('.'), 10)
      socket.once('close', () => clearInterval(timer))
    })
    await expect(open(peer.url, { connectTimeoutMs: 100 })).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
  })

  it('stops opening when the signal is aborted', async () => {
    const asked = Promise.withResolvers<void>()
    const peer = await startRawPeer(() => asked.resolve())
    const { events, log } = recordEvents()
    const aborter = new AbortController()
    const opening = open(peer.url, { signal: aborter.signal, events })
    await asked.promise
    aborter.abort(new Error('enough'))
    await expect(opening).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
    expect(log).toEqual([])
  })

  it('makes no connection for a signal that is already aborted', async () => {
    const peer = await startWsPeer()
    await expect(open(peer.url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'upstream_timeout' })
    expect(peer.connectionCount()).toBe(0)
  })

  it('refuses a header that would break a line, and does not repeat it', async () => {
    const peer = await startWsPeer()
    const headers = ['authorization', 'Bearer s3cret\r\nx-injected: 1']
    const error = await failureOf(open(peer.url, { headers }))
    expect(error.code).toBe('config_invalid')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret')
    expect(peer.connectionCount()).toBe(0)
  })

  it.each(['not a url', 'ftp://user:s3cret@127.0.0.1/', ''])('refuses the address %j', async (url) => {
    const error = await failureOf(open(url))
    expect(error.code).toBe('config_invalid')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret')
  })

  it('has no diagnosis', () => {
    expect(createWebSocketWire({ url: 'ws://127.0.0.1:1/', ...limits }).diagnosis()).toBe('')
  })
})

describe('createWebSocketWire: messages', () => {
  it('sends a message as one text frame and reports what comes back', async () => {
    const peer = await startWsPeer()
    const { events, next } = recordEvents()
    const channel = await open(peer.url, { events })
    const { socket } = await peer.accepted
    socket.on('message', (data, isBinary) => socket.send(JSON.stringify({ echo: textOf(data), isBinary })))
    await channel.send('{"text":"grüße 🌍"}')
    expect(await next()).toEqual({ echo: '{"text":"grüße 🌍"}', isBinary: false })
  })

  it('reports a message that arrives in the same packet as the upgrade', async () => {
    const { events, next } = recordEvents()
    const peer = await startRawPeer((key, socket) => {
      acceptUpgrade(key, socket, textFrame('{"early":true}'))
      socket.once('data', () => socket.destroy())
    })
    await open(peer.url, { events })
    expect(await next()).toEqual({ early: true })
  })

  it('keeps the order of 100 sends that nobody waited for', async () => {
    const peer = await startWsPeer()
    const channel = await open(peer.url)
    const { socket } = await peer.accepted
    const seen: number[] = []
    const all = Promise.withResolvers<void>()
    socket.on('message', (data) => {
      seen.push(JSON.parse(textOf(data)).n)
      if (seen.length === 100) all.resolve()
    })
    const numbers = Array.from({ length: 100 }, (_, n) => n)
    await Promise.all(numbers.map((n) => channel.send(JSON.stringify({ n }))))
    await all.promise
    expect(seen).toEqual(numbers)
  })

  it.each<[string, (socket: WebSocket) => void, string?]>([
    ['a binary frame', (socket) => socket.send(Buffer.from('{"id":1}'))],
    ['a text frame that is no JSON', (socket) => socket.send('hello')],
    ['an empty text frame', (socket) => socket.send('')],
    ['a message over the limit', (socket) => socket.send(JSON.stringify({ text: 'x'.repeat(1000) })), 'too_large'],
    ['a text frame that is no UTF-8', (socket) => socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false })],
  ])('ends the channel by name on %s, and reports nothing after it', async (_what, misbehave, kind = 'garbage') => {
    const peer = await startWsPeer()
    const { events, closed, log } = recordEvents()
    const channel = await open(peer.url, { events })
    const { socket } = await peer.accepted
    socket.send('{"id":0}')
    misbehave(socket)
    socket.send('{"id":2}')
    expect(await closed).toMatchObject({ kind })
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await peer.emptied()
    expect(log).toEqual([{ message: { id: 0 } }, { closed: kind }])
  })

  it('ends the channel as garbage on bytes that are no frame', async () => {
    const { events, closed } = recordEvents()
    const peer = await startRawPeer((key, socket) => acceptUpgrade(key, socket, Buffer.from([0xff, 0xff, 0xff])))
    await open(peer.url, { events })
    expect(await closed).toMatchObject({ kind: 'garbage' })
    await peer.emptied()
  })
})

describe('createWebSocketWire: the end', () => {
  it('closes with a closing handshake and leaves nothing open', async () => {
    const peer = await startWsPeer()
    const { events, log } = recordEvents()
    const channel = await open(peer.url, { events })
    const { socket } = await peer.accepted
    const closing = once(socket, 'close')
    await Promise.all([channel.close(), channel.close()])
    expect((await closing)[0]).toBe(1000)
    await peer.emptied()
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    expect(log).toEqual([{ closed: 'closed' }])
  })

  it('may be closed from within the report of its end', async () => {
    const peer = await startWsPeer()
    const closes: Promise<void>[] = []
    const { events, closed } = recordEvents()
    const opened = Promise.withResolvers<Channel>()
    const channel = await open(peer.url, {
      events: {
        ...events,
        closed(reason) {
          closes.push(opened.promise.then((channel) => channel.close()))
          events.closed(reason)
        },
      },
    })
    opened.resolve(channel)
    const { socket } = await peer.accepted
    socket.terminate()
    expect(await closed).toMatchObject({ kind: 'lost' })
    await Promise.all(closes)
    expect(closes).toHaveLength(1)
  })

  it('cuts a server that does not answer the closing handshake', async () => {
    const peer = await startRawPeer((key, socket) => acceptUpgrade(key, socket))
    const channel = await open(peer.url)
    await channel.close()
    await peer.emptied()
    expect(peer.connectionCount()).toBe(1)
  })

  it('reports a server that vanishes as lost', async () => {
    const peer = await startWsPeer()
    const { events, closed } = recordEvents()
    const channel = await open(peer.url, { events })
    const { socket } = await peer.accepted
    socket.terminate()
    expect(await closed).toMatchObject({ kind: 'lost' })
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await channel.close()
  })

  it('reports a server that closes as lost, with its code and without its words', async () => {
    const peer = await startWsPeer()
    const { events, closed } = recordEvents()
    await open(peer.url, { events })
    const { socket } = await peer.accepted
    socket.close(1011, 's3cret words')
    expect(await closed).toEqual({ kind: 'lost', text: 'The server closed the connection (code 1011).' })
    await peer.emptied()
  })

  it('reports a server that does not answer a ping as lost', async () => {
    const peer = await startWsPeer({ autoPong: false })
    const { events, closed } = recordEvents()
    await open(peer.url, { events, pingIntervalMs: 30 })
    expect(await closed).toMatchObject({ kind: 'lost', text: expect.stringContaining('ping') })
    await peer.emptied()
  })

  it('keeps a server that answers pings and says nothing else', async () => {
    const peer = await startWsPeer()
    const { events, log } = recordEvents()
    await open(peer.url, { events, pingIntervalMs: 100 })
    const { socket } = await peer.accepted
    for (let i = 0; i < 3; i++) await once(socket, 'ping')
    expect(log).toEqual([])
  })

  it('refuses to queue more than the bound for a server that does not read, and still closes', async () => {
    const peer = await startWsPeer()
    const channel = await open(peer.url)
    const { socket } = await peer.accepted
    socket.pause()
    const text = JSON.stringify('x'.repeat(4 * 1024 * 1024))
    const sends = Array.from({ length: 8 }, () => channel.send(text))
    const refusals = sends.map(failureOf)
    expect(await refusals.at(-1)).toMatchObject({ code: 'upstream_closed', details: { reason: 'backlog_full' } })
    await channel.close()
    expect(await refusals[2]).toMatchObject({ code: 'upstream_closed' })
  })
})

/** RFC 6455 §4.2.2, by hand: what comes after is up to the test. */
function acceptUpgrade(key: string, socket: Socket, extra: Buffer = Buffer.alloc(0)): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  socket.write(Buffer.concat([Buffer.from(`${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`), extra]))
}

/** One unmasked text frame of up to 125 bytes. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x81, payload.byteLength]), payload])
}

describeGuardedConnections('createWebSocketWire', (url, egress) =>
  failureOf(open(url.replace(/^http/, 'ws'), { egress })),
)

describeMutualTls('createWebSocketWire', async (url, tls) => {
  try {
    const channel = await open(url.replace(/^https/, 'wss'), { tls, connectTimeoutMs: 10_000 })
    await channel.close()
    return null
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
})
