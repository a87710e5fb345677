import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { readBody } from './read-body.ts'

const clock = new FakeClock()
const limits = { requestBytesMax: 10, requestTimeoutMs: 1_000 }
const server = createServer()
let results: (string | GatewayError)[]
let started: PromiseWithResolvers<void>
let done: PromiseWithResolvers<void>

beforeEach(async () => {
  results = []
  started = Promise.withResolvers()
  done = Promise.withResolvers()
  server.on('request', (req: IncomingMessage, res) => {
    readBody(req, { limits, clock }, (result) => {
      results.push(result)
      done.resolve()
      if (!res.destroyed) res.end()
    })
    started.resolve()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(async () => {
  server.removeAllListeners('request')
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

async function send(head: string, ...pieces: (string | Buffer)[]): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`)
  await started.promise
  for (const piece of pieces) socket.write(piece)
  return socket
}

const chunk = (text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n`), Buffer.from(text), Buffer.from('\r\n')])

describe('readBody', () => {
  it('gives the text, in whatever pieces it came', async () => {
    const bytes = Buffer.from('Grüße')
    const pieces = [bytes.subarray(0, 3), bytes.subarray(3)].map((piece) => chunk(piece))
    await send('Transfer-Encoding: chunked', ...pieces, '0\r\n\r\n')
    await done.promise
    expect(results).toEqual(['Grüße'])
    expect(clock.waiting).toBe(0)
  })

  it('gives nothing as an empty text', async () => {
    await send('Content-Length: 0')
    await done.promise
    expect(results).toEqual([''])
  })

  it('takes as much as is allowed', async () => {
    await send('Content-Length: 10', '0123456789')
    await done.promise
    expect(results).toEqual(['0123456789'])
  })

  it('refuses what says that it is too large, before it comes', async () => {
    await send('Content-Length: 11')
    await done.promise
    expect(results).toMatchObject([{ code: 'body_too_large', details: { requestBytesMax: 10 } }])
  })

  it('refuses what turns out to be too large, once', async () => {
    await send('Transfer-Encoding: chunked', chunk('01234567'), chunk('89ab'), chunk('cdef'), '0\r\n\r\n')
    await done.promise
    expect(results).toMatchObject([{ code: 'body_too_large' }])
    expect(clock.waiting).toBe(0)
  })

  it('refuses what does not come in time, however steadily it comes', async () => {
    const socket = await send('Content-Length: 10', '0')
    await clock.advance(999)
    socket.write('1')
    await clock.advance(1)
    await done.promise
    expect(results).toMatchObject([{ code: 'body_timeout', details: { requestTimeoutMs: 1_000 } }])
  })

  it('says that the client has gone when it has', async () => {
    const socket = await send('Content-Length: 10', '0123')
    socket.destroy()
    await done.promise
    expect(results).toMatchObject([{ code: 'request_cancelled' }])
    expect(clock.waiting).toBe(0)
  })
})
