/** A client that goes away before it is done leaves nothing behind, and nothing is done for it any more. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handshake, initialize, modernHeaders, modernMessage, openLegacy, openSse } from '../support/raw-client.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { openSocket } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

let upstream: RawUpstream
let gateway: RawGateway

beforeEach(async () => {
  upstream = await rawUpstream()
  gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

const auth = `Authorization: Bearer ${rawToken('a')}\r\n`
const types = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n'
const head = (line: string, rest = ''): string => `${line}\r\nHost: localhost\r\n${auth}${types}${rest}\r\n`

describe('a client that vanishes', () => {
  it('in the middle of its body leaves nothing', async () => {
    const raw = await openSocket(gateway.port, `${head('POST /mcp HTTP/1.1', 'Content-Length: 1000\r\n')}{"jsonrpc"`)
    raw.socket.destroy()
    const client = await openLegacy(gateway)
    await client.end()
    expect(gateway.engine.counts).toMatchObject({ sessions: 0, callsUnderWay: 0 })
    expect(gateway.http.counts.replies).toBe(0)
  })

  it('before its late body is complete does not have it executed, over SSE', async () => {
    const peer = await openSse(gateway)
    await handshake(peer)
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'one__echo' } })
    const { pathname, search } = new URL(peer.postUrl)
    const raw = await openSocket(
      gateway.port,
      head(`POST ${pathname}${search} HTTP/1.1`, `Content-Length: ${body.length}\r\n`) + body.slice(0, 9),
    )
    peer.close()
    await until('it is gone', () => gateway.http.counts.sse === 0)
    raw.write(body.slice(9))
    await raw.until((text) => text.includes('\r\n\r\n'))
    raw.socket.destroy()
    await openLegacy(gateway)
    expect(upstream.count('tools/call')).toBe(0)
  })

  it('before the session that it opens is open does not keep it', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    await using slow = await rawUpstream({ on: { 'server/discover': async (x) => held.then(() => x.error(-32601)) } })
    await using house = await startRawGateway({ servers: [toServer('one', slow)] })
    const body = JSON.stringify(initialize())
    const raw = await openSocket(
      house.port,
      head('POST /one/mcp HTTP/1.1', `Content-Length: ${body.length}\r\n`) + body,
    )
    await until('it has come', () => slow.count('server/discover') > 0)
    raw.socket.destroy()
    await raw.closed
    release()
    await until('it has come', () => slow.count('notifications/initialized') > 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(house.engine.counts.sessions).toBe(0)
  })

  it('in the middle of a modern call cancels it upstream', async () => {
    let isClosed = false
    const hang = await rawUpstream({
      era: 'modern',
      calls: { hang: ({ res }) => void res.once('close', () => (isClosed = true)) },
    })
    await using house = await startRawGateway({ servers: [toServer('one', hang)] })
    const message = modernMessage('tools/call', { name: 'hang' })
    const body = JSON.stringify(message)
    const mirror = Object.entries(modernHeaders(message))
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
    const raw = await openSocket(
      house.port,
      head('POST /one/mcp HTTP/1.1', `${mirror}Content-Length: ${body.length}\r\n`) + body,
    )
    await until('it has come', () => hang.calls('hang').length > 0)
    raw.socket.destroy()
    await until('the upstream is told', () => isClosed)
    expect(house.engine.counts.callsUnderWay).toBe(0)
    expect(house.http.counts.replies).toBe(0)
    const outcomes = (await house.audit()).map(({ method, outcome }) => `${method} ${outcome}`)
    expect(outcomes).toContain('tools/call request_cancelled')
    await hang[Symbol.asyncDispose]()
  })
})
