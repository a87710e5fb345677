/** What one peer can make the gateway hold or do is bounded, and the bound is named where there is somebody to name it to. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import {
  codeOf,
  handshake,
  initialize,
  openLegacy,
  openModern,
  openSse,
  openWebSocket,
  post,
} from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { open, openSocket, type Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const call = (name: string, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name },
})

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** In MiB, after what can be collected has been. What the servers of this test remember does not count. */
async function heapMiB(upstream?: RawUpstream): Promise<number> {
  if (upstream) upstream.seen.length = 0
  for (let round = 0; round < 3; round++) {
    await delay(10)
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1_048_576
}

describe('sessions', () => {
  it('are bounded for each token, in all, and over every entrance', async () => {
    const limits = { sessionsPerTokenMax: 3, sessionsMax: 5 }
    await using upstream = await rawUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)], limits })
    const clients = [await openLegacy(gateway), await openLegacy(gateway), await openLegacy(gateway)]
    const fourth = await post(gateway, initialize())
    expect([fourth.status, codeOf(fourth), fourth.headers['retry-after']]).toEqual([429, 'too_many_sessions', '1'])
    expect(JSON.parse(fourth.text).error.data.sessionsPerTokenMax).toBe(3)
    await expect(openWebSocket(gateway)).rejects.toThrow('429')
    await expect(openSse(gateway)).rejects.toThrow('429')
    clients.push(await openLegacy(gateway, { token: 'b' }), await openLegacy(gateway, { token: 'b' }))
    const sixth = await post(gateway, initialize(), { token: 'b' })
    expect(JSON.parse(sixth.text).error.data.sessionsMax).toBe(5)
    await clients[0]?.end()
    expect((await post(gateway, initialize())).status).toBe(200)
  })

  it('that are asked for at once are counted as well', async () => {
    await using upstream = await rawUpstream()
    await using gateway = await startRawGateway({
      servers: [toServer('one', upstream)],
      limits: { sessionsPerTokenMax: 3 },
    })
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(gateway, initialize())))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect(gateway.engine.counts.sessions).toBe(3)
  })

  it('of connections that never say initialize are bounded too', async () => {
    await using gateway = await startRawGateway({ servers: [], limits: { sessionsPerTokenMax: 3 } })
    const peers = [await openSse(gateway), await openSse(gateway), await openWebSocket(gateway)]
    await expect(openSse(gateway)).rejects.toThrow('429')
    await expect(openWebSocket(gateway)).rejects.toThrow('429')
    const other = await openSse(gateway, { token: 'b' })
    for (const peer of [...peers, other]) peer.close()
    await until('all are closed', () => gateway.http.counts.sse + gateway.http.counts.webSockets === 0)
    ;(await openSse(gateway)).close()
  })

  it('do not grow by what is opened and closed on them', async () => {
    await using upstream = await rawUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway)
    const round = async (): Promise<void> => {
      const stream = await client.listen()
      stream.close()
      await stream.ended
    }
    for (let i = 0; i < 50; i++) await round()
    const before = await heapMiB(upstream)
    for (let i = 0; i < 500; i++) await round()
    expect((await heapMiB(upstream)) - before).toBeLessThan(4)
    await until('no stream stays', () => gateway.http.counts.replies === 0)
  })
})

describe('calls of one session', () => {
  it('are bounded, and the limit is named', async () => {
    await using upstream = await rawUpstream({ calls: { hang: () => undefined } })
    await using gateway = await startRawGateway({
      servers: [toServer('one', upstream)],
      limits: { callsPerSessionMax: 5 },
    })
    const client = await openLegacy(gateway)
    const streams = Array.from({ length: 5 }, (_, id) => client.post(call('one__hang', id)).catch(() => null))
    await until('all are under way', () => gateway.engine.counts.callsUnderWay === 5)
    const sixth = await client.request('tools/call', { name: 'one__hang' })
    expect(codeOf(sixth)).toBe('rate_limited')
    expect(sixth['error'].data.callsPerSessionMax).toBe(5)
    await client.end()
    await Promise.all(streams)
    await until('all are over', () => gateway.engine.counts.callsUnderWay === 0)
  })

  it('on a WebSocket are bounded for modern clients too', async () => {
    await using upstream = await rawUpstream({ calls: { hang: () => undefined } })
    await using gateway = await startRawGateway({
      servers: [toServer('one', upstream)],
      limits: { callsPerSessionMax: 5 },
    })
    const peer = await openWebSocket(gateway)
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const send = (id: number): Promise<void> =>
      peer.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'one__hang', _meta } }))
    for (let id = 1; id <= 6; id++) await send(id)
    expect(codeOf(await peer.message(({ id }) => id === 6))).toBe('rate_limited')
    peer.close()
    await until('all are over', () => gateway.engine.counts.callsUnderWay === 0)
  })
})

describe('capabilities that a client makes up', () => {
  it('do not fill the memory, however many and large they are', async () => {
    await using upstream = await rawUpstream({ era: 'modern' })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const ask = async (i: number): Promise<Json> => {
      const capabilities = { experimental: { [`made-up-${i}`]: { x: 'x'.repeat(100_000) } } }
      return openModern(gateway, { capabilities }).request('tools/list')
    }
    for (let i = 0; i < 20; i++) await ask(i)
    const before = await heapMiB(upstream)
    for (let i = 0; i < 300; i++) await ask(i + 1_000)
    expect((await heapMiB(upstream)) - before).toBeLessThan(15)
    const refused = await ask(1)
    expect(codeOf(refused)).toBe('invalid_params')
    expect(refused['error'].data.capabilitiesCharsMax).toBe(8_192)
    const capabilities = { experimental: { x: 'x'.repeat(100_000) } }
    const opened = await post(gateway, initialize('2025-11-25', capabilities))
    expect([opened.status, codeOf(opened)]).toEqual([400, 'invalid_params'])
    expect(await openModern(gateway).request('tools/list')).toHaveProperty('result')
  })

  it('do not keep another principal from the server', async () => {
    await using upstream = await rawUpstream()
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    for (let i = 0; i < 120; i++) {
      const capabilities = { experimental: { [`made-up-${i}`]: {} } }
      await openModern(gateway, { capabilities }).request('tools/call', { name: 'one__echo' })
    }
    expect(upstream.count('initialize')).toBeLessThanOrEqual(120)
    const other = await openModern(gateway, { token: 'b' }).request('tools/call', { name: 'one__echo' })
    expect(other).toHaveProperty('result')
  })
})

describe('a client that does not read', () => {
  /** Sends a request on a connection and never reads what comes. */
  async function deafClient(gateway: RawGateway, bytes: string) {
    const raw = await openSocket(gateway.port)
    raw.socket.pause()
    raw.socket.removeAllListeners('data')
    raw.socket.write(bytes)
    return raw
  }

  it('of the stream of a call is let go before it fills the memory', async () => {
    let sent = 0
    let isOver = false
    const piece = {
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: 'x'.repeat(60_000) },
    }
    await using upstream = await rawUpstream({
      calls: {
        chatter: (x) => {
          const more = (): void => {
            if (isOver || sent > 1_000) return
            sent++
            x.event(piece)
            setImmediate(more)
          }
          x.res.once('close', () => (isOver = true))
          more()
        },
      },
    })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    const before = await heapMiB(upstream)
    const body = JSON.stringify(call('chatter'))
    const headers = Object.entries({
      ...client.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      host: 'localhost',
      'content-length': body.length,
    })
    const raw = await deafClient(
      gateway,
      `POST /one/mcp HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    )
    await until('the upstream has said all it will', () => isOver || sent > 1_000, { timeoutMs: 10_000 })
    expect((await heapMiB(upstream)) - before).toBeLessThan(25)
    raw.socket.destroy()
    await client.end()
  })

  it('of a session’s stream is let go before it fills the memory', async () => {
    let say: ((message: Json) => void) | undefined
    await using upstream = await rawUpstream({
      on: { GET: (x) => void (x.events(': open\n\n'), (say = (message) => x.event(message))) },
    })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    await until('the upstream can speak', () => say !== undefined)
    const stream = await open(`${gateway.url}/one/mcp`, { headers: { ...client.headers, accept: 'text/event-stream' } })
    stream.pause()
    const before = await heapMiB(upstream)
    for (let i = 0; i < 700; i++) {
      say?.({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(60_000) } })
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until('it is let go', () => gateway.http.counts.replies === 0)
    expect((await heapMiB(upstream)) - before).toBeLessThan(25)
    stream.destroy()
  })
})

describe('an upstream that never stops', () => {
  it('changing its lists makes no client ask, and tells clients no more than a few times', async () => {
    let say: ((message: Json) => void) | undefined
    await using upstream = await rawUpstream({
      capabilities: { tools: { listChanged: true } },
      on: { GET: (x) => void (x.events(': open\n\n'), (say = (message) => x.event(message))) },
    })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    const heard = await client.listen()
    await until('the upstream can speak', () => say !== undefined)
    const before = upstream.count('tools/list')
    for (let i = 0; i < 10_000; i++) say?.({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    await heard.message(({ method }) => method === 'notifications/tools/list_changed')
    await delay(200)
    expect(heard.all.filter(({ data }) => data.includes('list_changed')).length).toBeLessThan(20)
    expect(upstream.count('tools/list')).toBe(before)
    heard.close()
  })

  it('asking is answered on a bounded number of connections, and asks no client more than a few times', async () => {
    const asked = 5_000
    let answered = 0
    await using upstream = await rawUpstream({
      calls: {
        asks: (x) => {
          for (let i = 0; i < asked; i++)
            x.event({
              jsonrpc: '2.0',
              id: `q${i}`,
              method: 'elicitation/create',
              params: { message: 'x', requestedSchema: {} },
            })
        },
      },
      on: {
        POST: ({ res }) => {
          answered++
          res.writeHead(202).end()
        },
      },
    })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp', capabilities: { elicitation: {} } })
    const stream = await client.stream(call('asks'))
    await until('all but a few are refused', () => answered > asked - 200, { timeoutMs: 10_000 })
    expect(stream.all.filter(({ data }) => data.includes('elicitation/create')).length).toBeLessThan(200)
    expect(upstream.connectionsInAll).toBeLessThan(300)
    stream.close()
    await client.end()
    await until('nothing is under way', () => gateway.engine.counts.callsUnderWay === 0)
  })

  it('closing its stream is not called again in haste, whatever it wishes', async () => {
    await using upstream = await rawUpstream({
      on: { GET: (x) => void (x.events('retry: 0\nid: 1\ndata: \n\n'), x.res.end()) },
      calls: { polls: (x) => void (x.events('retry: 0\nid: 1\ndata: \n\n'), x.res.end()) },
    })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    await delay(500)
    expect(upstream.count('GET')).toBeLessThan(10)
    const answered = await Promise.race([client.request('tools/call', { name: 'polls' }), delay(1_000, 'late')])
    expect(upstream.count('GET')).toBeLessThan(40)
    assert.ok(answered === 'late' || String(codeOf(answered as Json)).startsWith('upstream_'))
  })

  it.for([
    ['as long as a book', 'x'.repeat(100_000)],
    ['that no header can hold', '中\u0000'],
    ['with a line break in disguise', 'a\u2028b'],
  ])('gives its events ids %s, and is named', async ([, id]) => {
    await using upstream = await rawUpstream({
      calls: { odd: (x) => void (x.events(`retry: 10\nid: ${id}\ndata: \n\n`), x.res.end()) },
    })
    await using gateway = await startRawGateway({
      servers: [toServer('one', upstream, { timeoutMs: 500, timeoutTotalMs: 2_000 })],
    })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    expect(codeOf(await client.request('tools/call', { name: 'odd' }))).toMatch(/^upstream_/)
    expect(gateway.defects).toEqual([])
  })
})

describe('addresses that a client makes up', () => {
  it('do not fill the memory', async () => {
    await using upstream = await rawUpstream()
    const names = ['one', 'two', 'three', 'four', 'five', 'six']
    await using gateway = await startRawGateway({ servers: names.map((name) => toServer(name, upstream)) })
    const client = async (i: number): Promise<unknown> => {
      const shuffled = names.toSorted(() => (((i * 7919) >> names.length) & 1 ? 1 : -1))
      const made = `${shuffled.join(',')}${','.repeat(i % 50)}${' '.repeat(i)}`
      return openModern(gateway).post(
        'tools/list',
        {},
        { headers: { 'x-mcp-servers': `${made}${'x'.repeat(8_000)}${i}` } },
      )
    }
    for (let i = 0; i < 20; i++) await client(i)
    const before = await heapMiB(upstream)
    for (let i = 0; i < 1_200; i++) await client(i)
    expect((await heapMiB(upstream)) - before).toBeLessThan(8)
  })
})

describe('messages on one channel', () => {
  it('that come faster than they can be answered do not fill the memory', async () => {
    await using gateway = await startRawGateway({ servers: [] })
    const peer = await openWebSocket(gateway)
    await handshake(peer)
    const before = await heapMiB()
    for (let i = 0; i < 5_000; i++) void peer.send(`{"jsonrpc":"2.0","id":${i},"method":"ping"}`)
    await peer.message(({ id }) => id === 4_999)
    expect((await heapMiB()) - before).toBeLessThan(15)
    peer.close()
  })
})
