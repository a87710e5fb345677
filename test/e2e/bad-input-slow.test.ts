/** A client that takes its time: what is promised and does not come is cut off, however much of it trickles in. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { codeOf, initialize } from '../support/raw-client.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { bodyOf, isWholeAnswer, openSocket, statusOf, type RawSocket } from '../support/raw-http.ts'

let gateway: RawGateway

beforeAll(async () => {
  gateway = await startRawGateway({ servers: [], limits: { requestTimeoutMs: 300 } })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

const auth = `Authorization: Bearer ${rawToken('a')}\r\n`
const types = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n'
const head = (line: string, rest = ''): string => `${line}\r\nHost: localhost\r\n${auth}${types}${rest}\r\n`

/** The gateway holds the connection no longer than its limit of time and a little more. */
const isLetGoSoon = (raw: RawSocket): Promise<boolean> =>
  Promise.race([raw.letGo().then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 3_000, false))])

describe.concurrent('a slow client', () => {
  it('that promises more than it sends is a body_timeout, and is cut off', async ({ expect }) => {
    const body = JSON.stringify(initialize())
    const raw = await openSocket(
      gateway.port,
      head('POST /mcp HTTP/1.1', `Content-Length: ${body.length + 5}\r\n`) + body,
    )
    const text = await raw.until(isWholeAnswer)
    expect([statusOf(text), codeOf(bodyOf(text))]).toEqual([408, 'body_timeout'])
    expect(bodyOf(text)['error'].data.requestTimeoutMs).toBe(300)
    expect(await isLetGoSoon(raw)).toBe(true)
  })

  it('that trickles its headers is cut off', async ({ expect }) => {
    const raw = await openSocket(gateway.port, 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n')
    const timer = setInterval(() => raw.write('X-A: b\r\n'), 50)
    expect(await isLetGoSoon(raw)).toBe(true)
    clearInterval(timer)
    expect(statusOf(raw.text())).toBe(408)
  })

  it('that trickles its body is a body_timeout, and is cut off', async ({ expect }) => {
    const raw = await openSocket(gateway.port, head('POST /mcp HTTP/1.1', 'Content-Length: 10000\r\n'))
    const timer = setInterval(() => raw.write(' '), 50)
    expect(await isLetGoSoon(raw)).toBe(true)
    clearInterval(timer)
    expect([statusOf(raw.text()), codeOf(bodyOf(raw.text()))]).toEqual([408, 'body_timeout'])
  })

  it.for([
    ['without a token', `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n`, 401],
    ['to nowhere', head('POST /nowhere HTTP/1.1', 'Content-Length: 10000\r\n'), 404],
    [
      'of another type',
      head('POST /mcp HTTP/1.1', 'Content-Length: 10000\r\n').replace('application/json\r\n', 'x/y\r\n'),
      415,
    ],
    ['by another method', head('PUT /mcp HTTP/1.1', 'Content-Length: 10000\r\n'), 405],
    ['from elsewhere', head('POST /mcp HTTP/1.1', 'Content-Length: 10000\r\nOrigin: http://evil.example\r\n'), 403],
    ['in chunks without an end', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n', 401],
  ] as const)(
    'that was refused cannot hold the connection with its body: %s',
    async ([, request, status], { expect }) => {
      const raw = await openSocket(gateway.port, request)
      expect(statusOf(await raw.until(isWholeAnswer))).toBe(status)
      const timer = setInterval(() => raw.write(request.includes('chunked') ? '1\r\nx\r\n' : ' '), 50)
      expect(await isLetGoSoon(raw)).toBe(true)
      clearInterval(timer)
    },
  )

  it('that was refused may send the rest of its body, and use the connection again', async ({ expect }) => {
    const raw = await openSocket(gateway.port, 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n')
    await raw.until(isWholeAnswer)
    raw.write('{}{}GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await raw.until((text) => text.includes('ok\n'))).toContain('HTTP/1.1 200 OK')
    raw.socket.destroy()
  })

  it('that says nothing at all is cut off', async ({ expect }) => {
    const raw = await openSocket(gateway.port)
    expect(await isLetGoSoon(raw)).toBe(true)
  })
})
