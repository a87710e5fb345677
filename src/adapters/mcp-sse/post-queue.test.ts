import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { openEgress } from '#test/support/egress.ts'
import { leaseOf } from '#test/support/leases.ts'
import { createChannelPool, type ChannelPool } from './channel-pool.ts'
import { createPostQueue, type PostQueue } from './post-queue.ts'

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

type Peer = {
  endpoint: URL
  bodies: string[]
  responses: ServerResponse[]
  connectionCount: () => number
  openCount: () => number
}

type Answer = (response: ServerResponse, context: { count: number; request: IncomingMessage }) => void

/** Answers a POST when its whole body has arrived. */
async function startPeer(answer: Answer): Promise<Peer> {
  const sockets = new Set<Socket>()
  const bodies: string[] = []
  const responses: ServerResponse[] = []
  let connectionCount = 0
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = await request.toArray()
    bodies.push(Buffer.concat(chunks).toString())
    responses.push(response)
    answer(response, { count: bodies.length, request })
  }
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket: Socket) => {
    connectionCount++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    endpoint: new URL(`http://127.0.0.1:${port}/messages`),
    bodies,
    responses,
    connectionCount: () => connectionCount,
    openCount: () => sockets.size,
  }
}

function openQueue(endpoint: URL, options: { postTimeoutMs?: number } = {}): PostQueue {
  const pool = createChannelPool(endpoint, { connectTimeoutMs: 2000, egress: openEgress })
  cleanups.push(() => pool.destroy())
  return createPostQueue({ pool, endpoint, lease: leaseOf(), postTimeoutMs: 5000, ...options })
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

const accept: Answer = (response) => response.writeHead(202).end('Accepted')

describe('createPostQueue', () => {
  it('keeps the order of 100 sends that nobody waited for, on two connections at most', async () => {
    let underWay = 0
    let mostUnderWay = 0
    const peer = await startPeer((response, context) => {
      mostUnderWay = Math.max(mostUnderWay, ++underWay)
      setImmediate(() => {
        underWay--
        accept(response, context)
      })
    })
    const queue = openQueue(peer.endpoint)
    const numbers = Array.from({ length: 100 }, (_, n) => n)
    await Promise.all(numbers.map((n) => queue.send(String(n))))
    expect(peer.bodies.map(Number)).toEqual(numbers)
    expect(mostUnderWay).toBe(1)
    // Two, because the library rests a connection for one turn between two requests.
    expect(peer.connectionCount()).toBeLessThanOrEqual(2)
  })

  it('waits for the head of an answer and not for its body, of which only a few stay open', async () => {
    const peer = await startPeer((response) => response.writeHead(200).flushHeaders())
    const queue = openQueue(peer.endpoint)
    const numbers = Array.from({ length: 9 }, (_, n) => n)
    for (const n of numbers.slice(0, 8)) await queue.send(String(n))
    expect(peer.openCount()).toBe(8)
    const [first] = peer.responses
    expect(first?.closed).toBe(false)
    const cut = new Promise((resolve) => first?.once('close', resolve))
    await queue.send('8')
    await cut
    expect(peer.bodies.map(Number)).toEqual(numbers)
    expect(peer.openCount()).toBe(8)
  })

  it('cuts an answer that is too long and goes on', async () => {
    const cut = Promise.withResolvers<void>()
    const peer = await startPeer((response, context) => {
      if (context.count > 1) return accept(response, context)
      const pour = () => {
        if (response.write('x'.repeat(10_000))) setImmediate(pour)
      }
      response.on('drain', pour).once('close', () => cut.resolve())
      pour()
    })
    const queue = openQueue(peer.endpoint)
    await queue.send('1')
    await cut.promise
    await queue.send('2')
    expect(peer.bodies).toEqual(['1', '2'])
  })

  it.each([
    [401, 'upstream_auth_failed'],
    [403, 'upstream_auth_failed'],
    [307, 'upstream_redirected'],
    [429, 'upstream_rate_limited'],
    [404, 'upstream_closed'],
    [410, 'upstream_closed'],
    [400, 'upstream_unreachable'],
    [500, 'upstream_unreachable'],
  ])('rejects a POST that is answered with %i as %s, and posts the next', async (status, code) => {
    const elsewhere = await startPeer(accept)
    const peer = await startPeer((response, context) => {
      if (context.count > 1) return accept(response, context)
      response.writeHead(status, { location: elsewhere.endpoint.href }).end('words of the server')
    })
    const queue = openQueue(peer.endpoint)
    const [refused, accepted] = [failureOf(queue.send('1')), queue.send('2')]
    expect(await refused).toMatchObject({ code, details: { status } })
    await accepted
    expect(peer.bodies).toEqual(['1', '2'])
    expect(elsewhere.connectionCount()).toBe(0)
  })

  it('takes every 2xx for accepted', async () => {
    const statuses = [200, 201, 202, 204]
    const peer = await startPeer((response) => response.writeHead(statuses.shift() ?? 500).end())
    const queue = openQueue(peer.endpoint)
    await Promise.all(['1', '2', '3', '4'].map((text) => queue.send(text)))
    expect(peer.bodies).toHaveLength(4)
  })

  it('rejects a POST that is not answered in time, and posts the next', async () => {
    const peer = await startPeer((response, context) => {
      if (context.count > 1) accept(response, context)
    })
    const queue = openQueue(peer.endpoint, { postTimeoutMs: 200 })
    const [hanging, next] = [failureOf(queue.send('1')), queue.send('2')]
    expect((await hanging).code).toBe('upstream_timeout')
    await next
    expect(peer.bodies).toEqual(['1', '2'])
  })

  it('takes an interim answer for none', async () => {
    const peer = await startPeer((response) => {
      response.writeProcessing()
      response.writeHead(403).end()
    })
    await expect(openQueue(peer.endpoint).send('1')).rejects.toMatchObject({ code: 'upstream_auth_failed' })
  })

  it('rejects a POST whose connection breaks', async () => {
    const peer = await startPeer((_response, { request }) => request.socket.destroy())
    await expect(openQueue(peer.endpoint).send('1')).rejects.toMatchObject({ code: 'upstream_closed' })
  })

  it('rejects a POST that cannot be connected', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    server.close()
    await once(server, 'close')
    const queue = openQueue(new URL(`http://127.0.0.1:${port}/`))
    await expect(queue.send('1')).rejects.toMatchObject({ code: 'upstream_unreachable' })
  })

  it('rejects a POST whose connection does not come in time, and drops it should it still come', async () => {
    const handlers: Dispatcher.DispatchHandler[] = []
    const pool: ChannelPool = { dispatch: (_request, handler) => handlers.push(handler) > 0, destroy: async () => {} }
    const endpoint = new URL('http://127.0.0.1/')
    const queue = createPostQueue({ pool, endpoint, lease: leaseOf(), postTimeoutMs: 20 })
    expect((await failureOf(queue.send('1'))).code).toBe('upstream_timeout')
    const drops: Error[] = []
    const abort = (reason: Error) => void drops.push(reason)
    const controller = { aborted: false, paused: false, reason: null, abort, pause() {}, resume() {} }
    handlers[0]?.onRequestStart?.(controller, null)
    expect(drops).toHaveLength(1)
  })

  it('refuses to queue more than the bound for a server that does not answer, and takes more when it does', async () => {
    const held = Promise.withResolvers<void>()
    const peer = await startPeer((response, context) => void held.promise.then(() => accept(response, context)))
    const queue = openQueue(peer.endpoint)
    const text = JSON.stringify('x'.repeat(4 * 1024 * 1024))
    const sends = [1, 2].map(() => queue.send(text))
    await expect(queue.send('3')).rejects.toMatchObject({
      code: 'upstream_closed',
      details: { reason: 'backlog_full' },
    })
    held.resolve()
    await Promise.all(sends)
    await queue.send('4')
    expect(peer.bodies.at(-1)).toBe('4')
  })
})
