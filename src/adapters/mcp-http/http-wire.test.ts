import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import type { HttpWire, WireAnswer, WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import { until } from '#test/support/until.ts'
import { describeGuardedConnections } from '#test/contracts/guarded-connections.ts'
import { describeMutualTls } from '#test/contracts/mutual-tls.ts'
import { openEgress } from '#test/support/egress.ts'
import { createHttpWire } from './http-wire.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Keeps what it is told, and can ask for a pause. */
class Told implements WireAnswer {
  heads: WireHead[] = []
  bytes = 0
  text = ''
  error: GatewayError | undefined
  hasEnded = false
  isFull = false
  readonly over = Promise.withResolvers<void>()

  head(head: WireHead): void {
    this.heads.push(head)
  }

  chunk(bytes: Uint8Array): boolean {
    this.bytes += bytes.length
    if (this.bytes < 1_000_000) this.text += Buffer.from(bytes).toString()
    return !this.isFull
  }

  end(): void {
    this.hasEnded = true
    this.over.resolve()
  }

  fail(error: GatewayError): void {
    this.error = error
    this.over.resolve()
  }
}

const server = createServer((req, res) => serve(req, res)).on('connection', () => sockets++)
let wire: HttpWire
let sockets: number
let serve: (req: IncomingMessage, res: ServerResponse) => void

beforeEach(async () => {
  sockets = 0
  serve = (_req, res) => void res.end('ok')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  wire = open((server.address() as AddressInfo).port)
})

afterEach(async () => {
  await wire.close()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const open = (port: number, path = '/mcp?x=1'): HttpWire =>
  createHttpWire({
    url: `http://127.0.0.1:${port}${path}`,
    connectionsMax: 4,
    connectTimeoutMs: 1_000,
    egress: openEgress,
  })

function send(more: Partial<WireRequest> = {}, to = wire): { told: Told; exchange: WireExchange } {
  const told = new Told()
  const exchange = to.send({ method: 'POST', headers: [], body: '{}', silenceMsMax: 0, ...more }, told)
  return { told, exchange }
}

async function answered(more: Partial<WireRequest> = {}, to = wire): Promise<Told> {
  const { told } = send(more, to)
  await told.over.promise
  return told
}

/** A server that answers each connection with these bytes. */
async function withBytes(bytes: string, play: (told: Told) => void, end = true): Promise<void> {
  const raw = createTcpServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => (end ? socket.end(bytes) : socket.write(bytes)))
  })
  raw.listen(0, '127.0.0.1')
  await once(raw, 'listening')
  const own = open((raw.address() as AddressInfo).port)
  try {
    play(await answered({ silenceMsMax: 300 }, own))
  } finally {
    await own.close()
    raw.close()
  }
}

describe('a request', () => {
  it('goes to the address as it is, with its headers and its body', async () => {
    const seen: unknown[] = []
    serve = (req, res) => {
      req.setEncoding('utf8')
      req.on('data', (text: string) => seen.push(text))
      req.on('end', () => {
        seen.push(req.method, req.url, req.headers['x-a'], req.headers['content-length'])
        res.end()
      })
    }
    await answered({ headers: ['x-a', 'b c'], body: 'Grüße' })
    expect(seen).toEqual(['Grüße', 'POST', '/mcp?x=1', 'b c', '7'])
  })

  it('may have no body', async () => {
    serve = (req, res) => void res.end(req.method)
    const told = new Told()
    wire.send({ method: 'DELETE', headers: [], silenceMsMax: 0 }, told)
    await told.over.promise
    expect(told.text).toBe('DELETE')
  })

  it('gives status, headers by lower-case name, and the body', async () => {
    serve = (_req, res) => {
      res.writeHead(418, { 'Mcp-Session-Id': 's', 'Set-Cookie': ['a=1', 'b=2'] })
      res.end('text')
    }
    const told = await answered()
    const [head] = told.heads
    expect(head?.status).toBe(418)
    expect(['mcp-session-id', 'set-cookie', 'absent'].map((name) => head?.header(name))).toEqual([
      's',
      'a=1',
      undefined,
    ])
    expect([told.text, told.hasEnded]).toEqual(['text', true])
  })

  it('tells of the final answer only, not of what is said before it', async () => {
    serve = (_req, res) => {
      res.writeEarlyHints({ link: '</a>; rel=preload' })
      res.end('ok')
    }
    expect((await answered()).heads.map(({ status }) => status)).toEqual([200])
  })

  it('follows no redirect', async () => {
    let requests = 0
    serve = (_req, res) => {
      requests++
      res.writeHead(307, { location: '/elsewhere' }).end()
    }
    const told = await answered()
    expect(told.heads.map((head) => [head.status, head.header('location')])).toEqual([[307, '/elsewhere']])
    expect(requests).toBe(1)
  })

  it('uses a connection again', async () => {
    for (let i = 0; i < 10; i++) await answered()
    // A request that follows at once finds the connection not yet free.
    expect(sockets).toBeLessThanOrEqual(2)
  })

  it('uses a connection again after a stream that ended by itself', async () => {
    serve = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      setImmediate(() => res.end())
    }
    for (let i = 0; i < 10; i++) await answered()
    expect(sockets).toBeLessThanOrEqual(2)
  })

  it('waits its turn where all connections are busy', async () => {
    const waiting: ServerResponse[] = []
    serve = (_req, res) => void waiting.push(res)
    const all = Array.from({ length: 6 }, () => send().told)
    await until('four are at work', () => waiting.length === 4)
    expect(sockets).toBe(4)
    serve = (_req, res) => void res.end('late')
    for (const res of waiting) res.end('early')
    await Promise.all(all.map(({ over }) => over.promise))
    expect(all.map(({ text }) => text).toSorted()).toEqual(['early', 'early', 'early', 'early', 'late', 'late'])
  })
})

describe('an abort', () => {
  it('ends the request at the server, and nothing is told after it', async () => {
    const closed = Promise.withResolvers<void>()
    serve = (_req, res) => {
      res.on('close', () => closed.resolve())
      res.write('a')
    }
    const { told, exchange } = send()
    await until('it has begun', () => told.bytes === 1)
    exchange.abort()
    exchange.abort()
    exchange.resume()
    await closed.promise
    expect([told.hasEnded, told.error]).toEqual([false, undefined])
  })

  it('of a request that waits for its turn keeps it from the server', async () => {
    const waiting: ServerResponse[] = []
    serve = (_req, res) => void waiting.push(res)
    const busy = Array.from({ length: 4 }, () => send().told)
    await until('all are at work', () => waiting.length === 4)
    const { told, exchange } = send()
    exchange.abort()
    for (const res of waiting) res.end()
    await Promise.all(busy.map(({ over }) => over.promise))
    await answeredAfterwards()
    expect(waiting).toHaveLength(4)
    expect([told.hasEnded, told.error]).toEqual([false, undefined])
  })

  it('of requests that wait for their turn costs no connection', async () => {
    const waiting: ServerResponse[] = []
    serve = (_req, res) => void waiting.push(res)
    const busy = Array.from({ length: 4 }, () => send().told)
    await until('all are at work', () => waiting.length === 4)
    for (let i = 0; i < 100; i++) send().exchange.abort()
    for (const res of waiting) res.end()
    await Promise.all(busy.map(({ over }) => over.promise))
    await answeredAfterwards()
    expect(sockets).toBe(4)
  })

  it('of a request that waits for its turn lets go of its body', async () => {
    serve = () => undefined
    for (let i = 0; i < 4; i++) send()
    const body = new WeakRef(new Uint8Array(1_000_000))
    sendAndAbort(body)
    await until('it is collected', () => (collect(), body.deref() === undefined))
    expect(body.deref()).toBeUndefined()
  })

  it('of requests at work gives their turns to others', async () => {
    serve = () => undefined
    const exchanges = Array.from({ length: 8 }, () => send().exchange)
    for (const exchange of exchanges) exchange.abort()
    serve = (_req, res) => void res.end('next')
    expect((await answered()).text).toBe('next')
  })

  it('of requests whose connection is not yet there gives their turns to others', async () => {
    for (let round = 0; round < 20; round++) for (let i = 0; i < 8; i++) send().exchange.abort()
    serve = (_req, res) => void res.end('next')
    expect((await answered()).text).toBe('next')
  })

  function sendAndAbort(body: WeakRef<Uint8Array>): void {
    const bytes = body.deref()
    assert.ok(bytes)
    send({ body: bytes }).exchange.abort()
  }

  async function answeredAfterwards(): Promise<void> {
    serve = (_req, res) => void res.end('next')
    expect((await answered()).text).toBe('next')
  }
})

describe('back-pressure', () => {
  it('reaches the server: what is not taken is not sent', async () => {
    let written = 0
    const piece = Buffer.alloc(65_536, 'x')
    const total = 64 * 1_048_576
    serve = (_req, res) => {
      const more = (): void => {
        while (written < total) {
          written += piece.length
          if (!res.write(piece)) return void res.once('drain', more)
        }
        res.end()
      }
      more()
    }
    const told = new Told()
    told.isFull = true
    const exchange = wire.send({ method: 'GET', headers: [], silenceMsMax: 0 }, told)
    await until('something came', () => told.bytes > 0)
    let before = -1
    await until('the server waits', () => {
      const isStill = written === before
      before = written
      return isStill
    })
    expect(written).toBeLessThan(total)
    told.isFull = false
    exchange.resume()
    await told.over.promise
    expect(told.bytes).toBe(total)
  })
})

describe('a failure', () => {
  it('has a name where nobody listens', async () => {
    const lost = createServer()
    lost.listen(0, '127.0.0.1')
    await once(lost, 'listening')
    const { port } = lost.address() as AddressInfo
    lost.close()
    await once(lost, 'close')
    const own = open(port)
    expect((await answered({}, own)).error).toMatchObject({ code: 'upstream_unreachable' })
    await own.close()
  })

  it('has a name where the connection ends before the answer', async () => {
    serve = (req) => void req.socket.destroy()
    expect((await answered()).error).toMatchObject({ code: 'upstream_closed' })
  })

  it('has a name where the connection ends within the answer', async () => {
    serve = (req, res) => {
      res.writeHead(200, { 'content-length': 100 })
      res.write('half', () => req.socket.destroy())
    }
    const told = await answered()
    expect(told.error).toMatchObject({ code: 'upstream_closed' })
    expect(told.hasEnded).toBe(false)
  })

  it('has a name where no answer begins in time', async () => {
    serve = () => undefined
    expect((await answered({ silenceMsMax: 200 })).error).toMatchObject({ code: 'upstream_timeout' })
  })

  it('has a name where an answer stops for too long', async () => {
    serve = (_req, res) => void res.write('a')
    const told = await answered({ silenceMsMax: 200 })
    expect([told.heads.length, told.text]).toEqual([1, 'a'])
    expect(told.error).toMatchObject({ code: 'upstream_timeout' })
  })

  it.each([
    ['what is no HTTP', 'hello, is it me you are looking for\r\n\r\n', 'upstream_protocol'],
    ['a header without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 'upstream_protocol'],
    ['a broken length', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', 'upstream_protocol'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'upstream_protocol'],
    ['nothing', '', 'upstream_closed'],
    ['less than it said', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'upstream_closed'],
  ])('has a name for %s, and repeats none of it', async (_what, bytes, code) => {
    await withBytes(bytes, (told) => {
      expect(told.error?.code).toBe(code)
      expect(JSON.stringify(told.error)).not.toMatch(/hello|yyy|many|zz/)
      expect(told.error?.cause instanceof Error ? told.error.cause.message : '').not.toMatch(/hello|yyy|many/)
    })
  })

  it('of a request that cannot be sent is told in a later turn', async () => {
    const { told } = send({ headers: ['x-a', 'line\nbreak'] })
    expect(told.error).toBeUndefined()
    await told.over.promise
    expect(told.error).toMatchObject({ code: 'config_invalid' })
  })

  it('is told to what waits for its turn when the wire is closed', async () => {
    serve = () => undefined
    const all = Array.from({ length: 6 }, () => send().told)
    await wire.close()
    await Promise.all(all.map(({ over }) => over.promise))
    expect(all.map(({ error }) => error?.code)).toEqual(Array(6).fill('upstream_closed'))
  })

  it('is told to what is under way when the wire is closed', async () => {
    serve = (_req, res) => void res.write('a')
    const { told } = send()
    await until('it has begun', () => told.bytes === 1)
    await wire.close()
    await told.over.promise
    expect(told.error).toMatchObject({ code: 'upstream_closed' })
    expect((await answered()).error).toMatchObject({ code: 'upstream_closed' })
  })
})

describe('createHttpWire', () => {
  it('refuses what is no address', () => {
    expect(() =>
      createHttpWire({ url: 'not a url', connectionsMax: 1, connectTimeoutMs: 1, egress: openEgress }),
    ).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})

describeGuardedConnections('createHttpWire', async (url, egress) => {
  const guarded = createHttpWire({ url, connectionsMax: 1, connectTimeoutMs: 1_000, egress })
  const { error } = await answered({}, guarded)
  await guarded.close()
  assert(error)
  return error
})

describeMutualTls('createHttpWire', async (url, tls) => {
  const secure = createHttpWire({ url, connectionsMax: 1, connectTimeoutMs: 10_000, egress: openEgress, tls })
  const { error } = await answered({}, secure)
  await secure.close()
  return error ?? null
})
