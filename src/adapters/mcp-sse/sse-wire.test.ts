import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { afterEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { Channel, ChannelEvents } from '#core/upstream/channel-wire.ts'
import { listen, recordEvents, type Peer } from '#test/support/channel-peer.ts'
import { describeGuardedConnections } from '#test/contracts/guarded-connections.ts'
import { describeMutualTls } from '#test/contracts/mutual-tls.ts'
import { openEgress } from '#test/support/egress.ts'
import { leaseOf } from '#test/support/leases.ts'
import { createSseWire, type SseWireOptions } from './sse-wire.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

type Post = { request: IncomingMessage; body: string; response: ServerResponse }

type SsePeer = Peer & {
  url: string
  /** The stream that the client opened. */
  stream: Promise<{ request: IncomingMessage; response: ServerResponse }>
  posts: Post[]
}

type Behaviour = {
  /** What the stream says first. */
  greeting?: string
  onStream?: (response: ServerResponse) => void
  onPost?: (post: Post) => void
}

const endpointEvent = 'event: endpoint\ndata: /messages?session=7\n\n'

async function startSsePeer(behaviour: Behaviour = {}): Promise<SsePeer> {
  const posts: Post[] = []
  const stream = Promise.withResolvers<{ request: IncomingMessage; response: ServerResponse }>()
  const startStream = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.write(behaviour.greeting ?? endpointEvent)
  }
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = await request.toArray()
    const post = { request, body: Buffer.concat(chunks).toString(), response }
    posts.push(post)
    if (behaviour.onPost) behaviour.onPost(post)
    else response.writeHead(202).end('Accepted')
  }
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      receive(request, response).catch(() => response.destroy())
    } else {
      const answer = behaviour.onStream ?? startStream
      answer(response)
      stream.resolve({ request, response })
    }
  })
  const peer = await listen(server)
  return { ...peer, url: `${peer.origin}/sse?team=a`, stream: stream.promise, posts }
}

const limits = { messageBytesMax: 1000, connectTimeoutMs: 2000, postTimeoutMs: 2000, egress: openEgress }

type OpenOptions = Partial<SseWireOptions> & { headers?: string[]; events?: ChannelEvents; signal?: AbortSignal }

async function open(url: string, options: OpenOptions = {}): Promise<Channel> {
  const { headers = [], events = recordEvents().events, signal = new AbortController().signal, ...rest } = options
  const channel = await createSseWire({ url, ...limits, ...rest }).open({ lease: leaseOf(headers), events, signal })
  cleanups.push(() => channel.close())
  return channel
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

const toEvent = (value: unknown) => `event: message\ndata: ${JSON.stringify(value)}\n\n`

describe('createSseWire: opening', () => {
  it('asks for an event stream with the headers it was given, and posts with them too', async () => {
    const peer = await startSsePeer()
    const headers = ['Authorization', 'Bearer s3cret', 'Accept', 'text/html', 'Content-Type', 'text/plain']
    const channel = await open(peer.url, { headers })
    await channel.send('{"text":"grüße"}')
    const { request } = await peer.stream
    expect(request.url).toBe('/sse?team=a')
    expect(request.headers).toMatchObject({ authorization: 'Bearer s3cret', accept: 'text/event-stream' })
    expect(peer.posts).toHaveLength(1)
    expect(peer.posts[0]?.body).toBe('{"text":"grüße"}')
    expect(peer.posts[0]?.request).toMatchObject({ url: '/messages?session=7' })
    expect(peer.posts[0]?.request.headers).toMatchObject({
      authorization: 'Bearer s3cret',
      'content-type': 'application/json',
    })
  })

  it.each([
    ['an absolute path', () => '/messages?session=7', '/messages?session=7'],
    ['a relative path', () => 'messages?session=7', '/messages?session=7'],
    ['a query only', () => '?session=7', '/sse?session=7'],
    ['a whole address', (origin: string) => `${origin}/in/7#top`, '/in/7'],
  ])('posts to an endpoint that is %s', async (_what, endpoint, path) => {
    const peer = await startSsePeer({
      onStream(response) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`event: endpoint\r\ndata: ${endpoint(peer.origin)}\r\n\r\n`)
      },
    })
    const channel = await open(peer.url)
    await channel.send('{}')
    expect(peer.posts[0]?.request.url).toBe(path)
  })

  it('refuses an endpoint of another origin, which then gets nothing', async () => {
    const elsewhere = await startSsePeer()
    const peer = await startSsePeer({ greeting: `event: endpoint\ndata: ${elsewhere.origin}/messages\n\n` })
    const opening = open(peer.url, { headers: ['authorization', 'Bearer s3cret'] })
    await expect(opening).rejects.toMatchObject({ code: 'upstream_protocol' })
    await peer.emptied()
    expect(elsewhere.connectionCount()).toBe(0)
  })

  it.each([
    ['an endpoint of another scheme', 'event: endpoint\ndata: https://127.0.0.1/messages\n\n'],
    ['a protocol-relative endpoint', 'event: endpoint\ndata: //evil.example/messages\n\n'],
    ['a backslash endpoint', 'event: endpoint\ndata: \\\\evil.example\\messages\n\n'],
    ['an endpoint that is no address', 'event: endpoint\ndata: http://\n\n'],
    ['an endpoint that is too long', `event: endpoint\ndata: /${'x'.repeat(8192)}\n\n`],
    ['a message before the endpoint', toEvent({ id: 1 })],
    ['an event over the limit', `data: ${'x'.repeat(20_000)}\n\n`, 'upstream_too_large'],
  ])('refuses %s', async (_what, greeting, code = 'upstream_protocol') => {
    const peer = await startSsePeer({ greeting })
    const { events, log } = recordEvents()
    const opening = open(peer.url, { events, messageBytesMax: 16_384 })
    await expect(opening).rejects.toMatchObject({ code })
    await peer.emptied()
    expect(log).toEqual([])
  })

  it.each([
    [401, 'upstream_auth_failed'],
    [403, 'upstream_auth_failed'],
    [302, 'upstream_redirected'],
    [308, 'upstream_redirected'],
    [404, 'upstream_unreachable'],
    [405, 'upstream_unreachable'],
    [429, 'upstream_rate_limited'],
    [500, 'upstream_unreachable'],
    [204, 'upstream_protocol'],
  ])('rejects a stream that is answered with %i as %s', async (status, code) => {
    const elsewhere = await startSsePeer()
    const peer = await startSsePeer({
      onStream: (response) => response.writeHead(status, { location: elsewhere.url }).end(),
    })
    await expect(open(peer.url)).rejects.toMatchObject({ code, details: { status } })
    await peer.emptied()
    expect(elsewhere.connectionCount()).toBe(0)
  })

  it('refuses an answer that is no event stream', async () => {
    const peer = await startSsePeer({
      onStream: (response) => response.writeHead(200, { 'content-type': 'application/json' }).write(endpointEvent),
    })
    await expect(open(peer.url)).rejects.toMatchObject({ code: 'upstream_protocol' })
    await peer.emptied()
  })

  it.each<[string, (socket: Socket) => void]>([
    ['is asked', (socket) => void socket.once('data', () => socket.write('220 SMTP s3cret\r\n'))],
    ['is connected', (socket) => void socket.resume().write('220 SMTP s3cret\r\n')],
  ])('rejects what speaks no HTTP when it %s, without repeating its bytes', async (_when, speak) => {
    const peer = await listen(createTcpServer(speak))
    const error = await failureOf(open(peer.origin))
    expect(error.code).toBe('upstream_protocol')
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret')
    await peer.emptied()
  })

  it('rejects as unreachable where nothing listens', async () => {
    const server = createTcpServer()
    const { origin } = await listen(server)
    server.close()
    await once(server, 'close')
    await expect(open(origin)).rejects.toMatchObject({ code: 'upstream_unreachable' })
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['before it answers', (response) => response.destroy()],
    [
      'before it names the endpoint',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    ],
  ])('rejects as unreachable when the server hangs up %s', async (_when, onStream) => {
    const peer = await startSsePeer({ onStream })
    await expect(open(peer.url)).rejects.toMatchObject({ code: 'upstream_unreachable' })
    await peer.emptied()
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['says nothing', () => {}],
    [
      'never names the endpoint',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hi\n\n'),
    ],
  ])('gives up on a server that %s', async (_what, onStream) => {
    const peer = await startSsePeer({ onStream })
    await expect(open(peer.url, { connectTimeoutMs: 100 })).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
  })

  it('stops opening when the signal is aborted', async () => {
    const peer = await startSsePeer({ onStream: () => {} })
    const { events, log } = recordEvents()
    const aborter = new AbortController()
    const opening = open(peer.url, { signal: aborter.signal, events })
    await peer.stream
    aborter.abort(new Error('enough'))
    await expect(opening).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
    expect(log).toEqual([])
  })

  it('drops a connection that is still in its TLS handshake when the signal is aborted', async () => {
    const accepted = Promise.withResolvers<void>()
    const server = createTcpServer((socket) => void socket.once('data', () => accepted.resolve()))
    const peer = await listen(server)
    const aborter = new AbortController()
    const url = peer.origin.replace('http:', 'https:')
    const opening = open(url, { signal: aborter.signal, connectTimeoutMs: 60_000 })
    await accepted.promise
    aborter.abort()
    await expect(opening).rejects.toMatchObject({ code: 'upstream_timeout' })
    await peer.emptied()
  })

  it('makes no connection for a signal that is already aborted', async () => {
    const peer = await startSsePeer()
    await expect(open(peer.url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'upstream_timeout' })
    expect(peer.connectionCount()).toBe(0)
  })

  it('refuses a header that would break a line, and does not repeat it', async () => {
    const peer = await startSsePeer()
    const error = await failureOf(open(peer.url, { headers: ['authorization', 'Bearer s3cret\r\nx-injected: 1'] }))
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
    expect(createSseWire({ url: 'http://127.0.0.1:1/', ...limits }).diagnosis()).toBe('')
  })
})

describe('createSseWire: the stream', () => {
  it('talks to a server of the SDK', async () => {
    let transport: SSEServerTransport | undefined
    const server = createServer((request, response) => {
      if (request.method === 'POST') {
        void transport?.handlePostMessage(request, response)
      } else {
        transport = new SSEServerTransport('/messages', response)
        void mcp.connect(transport)
      }
    })
    const mcp = new McpServer({ name: 'fixture', version: '1' })
    mcp.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }))
    const peer = await listen(server)
    const { events, next } = recordEvents()
    const channel = await open(`${peer.origin}/sse`, { events })

    const clientInfo = { name: 'toolgate', version: '1' }
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }
    await channel.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }))
    expect(await next()).toMatchObject({ id: 1, result: { protocolVersion: '2024-11-05' } })
    await channel.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
    await channel.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'greet' } }))
    expect(await next()).toMatchObject({ id: 2, result: { content: [{ type: 'text', text: 'hello' }] } })

    await channel.close()
    await peer.emptied()
  })

  it('reports messages however the stream spells them, and skips what is none', async () => {
    const peer = await startSsePeer()
    const { events, next, log } = recordEvents()
    await open(peer.url, { events })
    const { response } = await peer.stream
    response.write(': keep-alive\n\nevent: ping\ndata: now\n\nevent: message\ndata: \n\nretry: soon\n\n')
    response.write('event: endpoint\ndata: http://evil.example/\n\n')
    response.write('data: {"unnamed":true}\n\n')
    response.write('id: 5\r\nevent: message\r\ndata: {"lines":\r\ndata: 2}\r\n\r\n')
    expect(await next()).toEqual({ unnamed: true })
    expect(await next()).toEqual({ lines: 2 })
    const bytes = Buffer.from(toEvent({ text: 'grüße 🌍' }))
    for (const byte of bytes) {
      await new Promise((resolve) => response.write(Buffer.from([byte]), resolve))
    }
    expect(await next()).toEqual({ text: 'grüße 🌍' })
    expect(log).toHaveLength(3)
  })

  it.each<[string, string[], string]>([
    ['a message that is no JSON', ['data: hello\n\n'], 'garbage'],
    ['a message over the limit in one chunk', [toEvent('x'.repeat(1000))], 'too_large'],
    ['one in many chunks', ['data: ', ...Array.from({ length: 30 }, () => 'x'.repeat(100))], 'too_large'],
    ['one in many lines', Array.from({ length: 30 }, () => `data: ${'x'.repeat(100)}\n`), 'too_large'],
    ['a message that is over the limit in bytes only', [toEvent('ü'.repeat(600))], 'too_large'],
  ])('ends the channel by name on %s, and reports nothing after it', async (_what, chunks, kind) => {
    const peer = await startSsePeer()
    const { events, closed, log } = recordEvents()
    const channel = await open(peer.url, { events })
    const { response } = await peer.stream
    response.write(toEvent({ id: 0 }))
    for (const chunk of chunks) response.write(chunk)
    response.write(`\n\n${toEvent({ id: 2 })}`)
    expect(await closed).toMatchObject({ kind })
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await peer.emptied()
    expect(log).toEqual([{ message: { id: 0 } }, { closed: kind }])
  })

  it.each([
    ['line', ''],
    ['event', '\n'],
  ])('does not wait for the end of a %s that is already over the limit', async (_what, ending) => {
    const peer = await startSsePeer()
    const { events, closed } = recordEvents()
    await open(peer.url, { events })
    const { response } = await peer.stream
    response.write(`data: ${'x'.repeat(2000)}${ending}`)
    expect(await closed).toMatchObject({ kind: 'too_large' })
    await peer.emptied()
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['ends the stream', (response) => response.end()],
    ['vanishes', (response) => response.destroy()],
  ])('reports a server that %s as lost, and what was being posted as failed', async (_what, leave) => {
    const peer = await startSsePeer({ onPost: () => void peer.stream.then(({ response }) => leave(response)) })
    const { events, closed } = recordEvents()
    const channel = await open(peer.url, { events })
    const sends = [channel.send('{"n":1}'), channel.send('{"n":2}')].map(failureOf)
    expect(await closed).toMatchObject({ kind: 'lost' })
    expect((await Promise.all(sends)).map(({ code }) => code)).toEqual(['upstream_closed', 'upstream_closed'])
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    await peer.emptied()
    expect(peer.posts).toHaveLength(1)
  })

  it('closes once, fails what was being posted, and leaves nothing open', async () => {
    const posted = Promise.withResolvers<void>()
    const peer = await startSsePeer({ onPost: () => posted.resolve() })
    const { events, log } = recordEvents()
    const channel = await open(peer.url, { events })
    const send = failureOf(channel.send('{}'))
    await posted.promise
    expect(peer.openCount()).toBe(2)
    await Promise.all([channel.close(), channel.close()])
    await peer.emptied()
    expect((await send).code).toBe('upstream_closed')
    await expect(channel.send('{}')).rejects.toMatchObject({ code: 'upstream_closed' })
    expect(log).toEqual([{ closed: 'closed' }])
  })
})

describeGuardedConnections('createSseWire', (url, egress) => failureOf(open(url, { egress })))

describeMutualTls('createSseWire', async (url, tls) => {
  try {
    const channel = await open(url, { tls, connectTimeoutMs: 10_000 })
    await channel.close()
    return null
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
})
