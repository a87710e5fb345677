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

describe('a client that vanishes in the middle of a stream', () => {
  const question = { message: 'who?', requestedSchema: { type: 'object', properties: {} } }
  const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } }
  const call = (name: string): object => ({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params: { name } })

  async function startTalking() {
    const finish: (() => void)[] = []
    const talking = await rawUpstream({
      calls: {
        work: (x) => {
          x.event(note)
          finish.push(() => x.finish({ content: [{ type: 'text', text: 'done' }] }))
        },
        ask: (x) => void x.event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: question }),
      },
    })
    const house = await startRawGateway({ servers: [toServer('one', talking)] })
    return {
      talking,
      house,
      finish,
      async [Symbol.asyncDispose]() {
        await house[Symbol.asyncDispose]()
        await talking[Symbol.asyncDispose]()
        assert.deepEqual(house.defects, [])
      },
    }
  }

  it('that cannot be taken up again has its call cancelled upstream', async () => {
    await using place = await startTalking()
    const client = await openLegacy(place.house, { path: '/one/mcp', revision: '2025-06-18' })
    const stream = await client.stream(call('work'))
    await stream.message(({ method }) => method === 'notifications/message')
    stream.close()
    await until('the upstream is told', () => place.talking.count('notifications/cancelled') === 1)
    await until('nothing is under way', () => place.house.engine.counts.callsUnderWay === 0)
    expect(place.house.http.counts.replies).toBe(0)
  })

  it('that can be taken up again finds its answer when it comes back', async () => {
    await using place = await startTalking()
    const client = await openLegacy(place.house, { path: '/one/mcp' })
    const stream = await client.stream(call('work'))
    await stream.message(({ method }) => method === 'notifications/message')
    const lastEventId = stream.all.at(-1)?.id ?? ''
    stream.close()
    await stream.ended
    for (const task of place.finish) task()
    const again = await client.listen({ 'last-event-id': lastEventId })
    expect(await again.message(({ id }) => id === 'c')).toMatchObject({ result: { content: [{ text: 'done' }] } })
    expect(place.talking.count('notifications/cancelled')).toBe(0)
    await again.ended
    expect(place.house.engine.counts.callsUnderWay).toBe(0)
  })

  it('on which it was asked something leaves no question open', async () => {
    await using place = await startTalking()
    const options = { path: '/one/mcp', revision: '2025-06-18', capabilities: { elicitation: {} } }
    const client = await openLegacy(place.house, options)
    const stream = await client.stream(call('ask'))
    await stream.message(({ method }) => method === 'elicitation/create')
    stream.close()
    await until('the upstream is told', () => place.talking.count('notifications/cancelled') === 1)
    await until('nothing is under way', () => place.house.engine.counts.callsUnderWay === 0)
    const outcomes = (await place.house.audit()).map(({ method, outcome }) => `${method} ${outcome}`)
    expect(outcomes).toContain('tools/call request_cancelled')
    // A late answer means nothing, and the session goes on.
    expect((await client.post({ jsonrpc: '2.0', id: 1, result: { action: 'accept' } })).status).toBe(202)
    expect(await client.request('ping')).toMatchObject({ result: {} })
  })

  it('of a session that it has ended has everything on it ended', async () => {
    await using place = await startTalking()
    const client = await openLegacy(place.house, { path: '/one/mcp', capabilities: { elicitation: {} } })
    const stream = await client.stream(call('ask'))
    await stream.message(({ method }) => method === 'elicitation/create')
    const standing = await client.listen()
    expect((await client.end()).status).toBe(204)
    await Promise.all([stream.ended, standing.ended])
    await until('nothing is under way', () => place.house.engine.counts.callsUnderWay === 0)
    expect(place.house.http.counts.replies).toBe(0)
  })
})
