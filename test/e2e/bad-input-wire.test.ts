/** What is wrong below the message: sizes, speeds, methods, paths, framing, names of hosts and origins. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bearer, both, codeOf, initialize, openSse, openWebSocket, post } from '../support/raw-client.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { bodyOf, exchange, isWholeAnswer, openSocket, say, statusOf, type RawSocket } from '../support/raw-http.ts'
import { until } from '../support/until.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const limits = { requestBytesMax: 20_000, requestTimeoutMs: 300 }

let upstream: RawUpstream
let gateway: RawGateway

beforeEach(async () => {
  upstream = await rawUpstream()
  gateway = await startRawGateway({
    servers: [toServer('one', upstream, { aliases: ['uno'] }), toServer('constructor', upstream)],
    limits,
  })
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

const auth = `Authorization: Bearer ${rawToken('a')}\r\n`
const types = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n'
const head = (line: string, rest = ''): string => `${line}\r\nHost: localhost\r\n${auth}${types}${rest}\r\n`
const big = (bytes: number): string => JSON.stringify({ ...initialize(), x: 'x'.repeat(bytes) })

/** The gateway holds the connection no longer than its limit of time and a little more. */
const isLetGoSoon = (raw: RawSocket): Promise<boolean> =>
  Promise.race([raw.letGo().then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 2_000, false))])

describe('a body that is too large', () => {
  it('is refused by its Content-Length, and the limit is named', async () => {
    const answer = await post(gateway, big(30_000))
    expect([answer.status, codeOf(answer)]).toEqual([413, 'body_too_large'])
    expect(JSON.parse(answer.text).error.data.requestBytesMax).toBe(20_000)
  })

  it('is refused so that its sender can read why, however much it still sends', async () => {
    const answer = await post(gateway, big(8_000_000))
    expect([answer.status, codeOf(answer)]).toEqual([413, 'body_too_large'])
    const fetched = await fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: { ...both, ...bearer('a') },
      body: big(8_000_000),
    })
    expect([fetched.status, codeOf({ text: await fetched.text() })]).toEqual([413, 'body_too_large'])
  })

  it('is refused before a byte of it was sent', async () => {
    const text = await say(gateway.port, head('POST /mcp HTTP/1.1', 'Content-Length: 99999999999\r\n'))
    expect([statusOf(text), codeOf(bodyOf(text))]).toEqual([413, 'body_too_large'])
  })

  it('is refused while it comes in chunks without a Content-Length', async () => {
    const raw = await openSocket(gateway.port, head('POST /mcp HTTP/1.1', 'Transfer-Encoding: chunked\r\n'))
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    for (let sent = 0; sent < 6; sent++) raw.write(chunk)
    const text = await raw.until(isWholeAnswer)
    expect([statusOf(text), codeOf(bodyOf(text))]).toEqual([413, 'body_too_large'])
    expect(await isLetGoSoon(raw)).toBe(true)
  })

  it('is refused on a WebSocket by closing it with 1009, and over SSE by its status', async () => {
    const peer = await openWebSocket(gateway)
    await peer.send(big(30_000))
    expect(await peer.closed).toBe(1009)
    const sse = await openSse(gateway)
    await sse.send(big(30_000))
    expect(codeOf(sse.all[0] ?? {})).toBe('body_too_large')
    sse.close()
  })

  it('may be exactly as large as allowed', async () => {
    const room = 20_000 - big(0).length
    expect((await post(gateway, big(room))).status).toBe(200)
    expect((await post(gateway, big(room + 1))).status).toBe(413)
  })
})

describe('a Content-Length that lies', () => {
  it('and is too short cuts the body there, and what follows is no request', async () => {
    const body = JSON.stringify(initialize())
    const text = await say(gateway.port, head('POST /mcp HTTP/1.1', 'Content-Length: 10\r\n') + body, (all) =>
      all.includes('HTTP/1.1 400 Refused'),
    )
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).not.toContain('mcp-session-id')
  })

  it.for(['-1', 'abc', '1e3', '0x10', '10, 20', ' ', '1 2'])('and is no number is refused: %s', async (length) => {
    const text = await say(gateway.port, `${head('POST /mcp HTTP/1.1', `Content-Length: ${length}\r\n`)}{}`, (all) =>
      all.includes('\r\n\r\n'),
    )
    expect(statusOf(text)).toBe(400)
  })
})

describe('an empty body', () => {
  it.for(['Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', ''])('is a parse_error: %j', async (length) => {
    const end = length.startsWith('Transfer') ? '0\r\n\r\n' : ''
    const text = await say(gateway.port, head('POST /mcp HTTP/1.1', length) + end)
    expect([statusOf(text), codeOf(bodyOf(text))]).toEqual([400, 'parse_error'])
  })
})

describe('framing that two readers could read differently', () => {
  const body = JSON.stringify(initialize())
  it.for([
    ['Content-Length and chunks', `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`],
    ['two Content-Lengths', `Content-Length: ${body.length}\r\nContent-Length: 5\r\n`],
    ['an unknown coding', 'Transfer-Encoding: gzip\r\n'],
    ['chunked that is not last', 'Transfer-Encoding: chunked, gzip\r\n'],
    ['chunked in disguise', 'Transfer-Encoding: xchunked\r\n'],
    ['a space before the colon', `Content-Length : ${body.length}\r\n`],
    ['a folded header', `X-A: b\r\n c\r\nContent-Length: ${body.length}\r\n`],
    ['a bare line feed', `X-A: b\nContent-Length: ${body.length}\r\n`],
    ['a NUL in a header', `X-A: b\u0000\r\nContent-Length: ${body.length}\r\n`],
    ['a bare carriage return', `X-A: b\rX-B: c\r\nContent-Length: ${body.length}\r\n`],
  ] as const)('is refused and closed: %s', async ([, framing]) => {
    const raw = await openSocket(gateway.port, head('POST /mcp HTTP/1.1', framing) + body)
    expect(await isLetGoSoon(raw)).toBe(true)
    expect([400, 501]).toContain(statusOf(raw.text()))
    expect(raw.text()).not.toContain('mcp-session-id')
    expect(gateway.engine.counts.sessions).toBe(0)
  })

  it.for([
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['a TLS handshake', Buffer.from('16030100c5010000c10303', 'hex'), 400],
    ['another protocol', 'GET / HTTP/3.0\r\n\r\n', 400],
    ['no Host', 'GET /mcp HTTP/1.1\r\n\r\n', 400],
    ['an empty Host', `GET /mcp HTTP/1.1\r\nHost:\r\n${auth}\r\n`, 403],
    ['no Host in HTTP/1.0', `GET /mcp HTTP/1.0\r\n${auth}\r\n`, 403],
    ['two Hosts', `GET /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${auth}\r\n`, 403],
    ['headers without end', `GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}`, 431],
    [
      'more headers than any request has',
      `GET /mcp HTTP/1.1\r\nHost: localhost\r\n${'X-A: b\r\n'.repeat(5_000)}\r\n`,
      431,
    ],
  ] as const)('is refused: %s', async ([, bytes, status]) => {
    const raw = await openSocket(gateway.port, bytes)
    expect(await (status === 403 ? raw.until(isWholeAnswer).then(() => true) : isLetGoSoon(raw))).toBe(true)
    expect(statusOf(raw.text())).toBe(status)
    raw.socket.destroy()
  })
})

describe('a method of HTTP', () => {
  it.for(['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'PROPFIND'])('is method_not_allowed: %s', async (method) => {
    const answer = await exchange(`${gateway.url}/mcp`, { method, headers: bearer('a') })
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, POST, DELETE'])
    if (method !== 'HEAD') assert.equal(codeOf(answer), 'method_not_allowed')
    expect(answer.text).not.toContain(rawToken('a'))
    expect((await exchange(`${gateway.url}/mcp`, { method })).status).toBe(401)
  })

  it('cannot open a tunnel', async () => {
    const raw = await openSocket(gateway.port, `CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n${auth}\r\n`)
    expect(await isLetGoSoon(raw)).toBe(true)
    expect(raw.text()).not.toContain('200')
  })

  it.for(['/mcp/sse', '/mcp/messages', '/mcp/ws'])('is method_not_allowed where it means nothing: %s', async (path) => {
    for (const method of ['PUT', 'DELETE', path.endsWith('sse') ? 'POST' : 'GET']) {
      const answer = await exchange(gateway.url + path, { method, headers: bearer('a') })
      expect([answer.status, codeOf(answer)]).toEqual([405, 'method_not_allowed'])
    }
  })

  it('may offer an upgrade that nobody takes', async () => {
    const body = JSON.stringify(initialize())
    const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
    const text = await say(
      gateway.port,
      head('POST /mcp HTTP/1.1', `${offer}Content-Length: ${body.length}\r\n`) + body,
    )
    expect(statusOf(text)).toBe(200)
  })
})

describe('a path', () => {
  const get = async (path: string): Promise<[number, unknown]> => {
    const text = await say(gateway.port, head(`DELETE ${path} HTTP/1.1`))
    return [statusOf(text), codeOf(bodyOf(text))]
  }

  it.for([
    '/mcp',
    '/mcp/',
    '/%6dcp',
    '/mcp/one',
    '/one/mcp',
    '/one/mcp/',
    '/mcp/uno',
    '/mcp/%6fne',
    '/mcp?x=1',
    '/mcp/constructor',
    '/constructor/mcp',
  ])('leads to an endpoint: %s', async (path) => {
    expect(await get(path)).toEqual([400, 'session_required'])
  })

  it.for([
    '/mcp/..%2f',
    '/mcp/%2e%2e%2fone',
    '/mcp/one%2fmcp',
    '/mcp/one%00',
    '/mcp/one%0d%0aX:%20y',
    '/mcp/ONE',
    '/mcp/__proto__',
    '/mcp/toString',
    '/mcp/hasOwnProperty',
    '/__proto__/mcp',
    '/toString/mcp',
    '/mcp/one;x',
    '/mcp/*',
    `/mcp/${'x'.repeat(20_000)}`,
    `/mcp/${'one,'.repeat(200)}`,
    '/mcp/one%252f',
    '/mcp/%c3%b6ne',
  ])('names no server: %s', async (path) => {
    expect(await get(path)).toEqual([404, 'server_not_found'])
  })

  it.for([
    '/',
    '//mcp',
    '/mcp//',
    '/mcp//one',
    '/mcp/../one',
    '/mcp/./one',
    '/mcp/one/two',
    '/MCP',
    '/mcp%',
    '/mcp/%zz',
    '/mcp/%c3%28',
    '/nothing',
    '/one',
    'http://localhost/mcp',
    '/mcp\\one',
    '/sse/mcp/sse',
    '/mcp/sse/sse',
  ])('leads nowhere: %s', async (path) => {
    const [status] = await get(path)
    expect([404, 400]).toContain(status)
    expect(gateway.engine.counts.sessions).toBe(0)
  })

  it('with a token in its query is as good as one without', async () => {
    for (const name of ['token', 'access_token', 'api_key', 'authorization']) {
      const answer = await exchange(`${gateway.url}/mcp?${name}=${rawToken('a')}`, {
        method: 'POST',
        headers: both,
        body: '{}',
      })
      expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthorized'])
      expect(answer.text).not.toContain(rawToken('a'))
    }
    for (const event of await gateway.audit()) expect(JSON.stringify(event)).not.toContain(rawToken('a'))
  })
})

describe('a page of another site', () => {
  const ask = async (headers: Record<string, string>): Promise<[number, unknown]> => {
    const answer = await post(gateway, initialize(), { headers })
    return [answer.status, codeOf(answer)]
  }

  it.for([
    'evil.example',
    'localhost.evil.example',
    'evil.localhost',
    '127.0.0.1.evil.example',
    'localhost.',
    '127.1',
    '2130706433',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    'localhost:80:80',
    'user@localhost',
    'localhost, evil.example',
  ])('is refused by the Host it reached us under: %j', async (host) => {
    expect(await ask({ host })).toEqual([403, 'host_forbidden'])
  })

  it.for(['localhost', 'LOCALHOST:1234', '127.0.0.1', '127.0.0.1:9', '[::1]', '[::1]:80'])(
    'may use our own names: %s',
    async (host) => {
      expect((await ask({ host }))[0]).toBe(200)
    },
  )

  it.for([
    'http://evil.example',
    'https://localhost.evil.example',
    'http://localhost@evil.example',
    'http://127.0.0.1.nip.io',
    'null',
    '',
    'file://',
    'file://localhost',
    'chrome-extension://localhost',
    'http://localhost, http://evil.example',
    'http://localhost,http://evil.example',
    'javascript:alert(1)',
    'localhost',
    '//localhost',
  ])('is refused by its Origin: %j', async (origin) => {
    expect(await ask({ origin })).toEqual([403, 'origin_forbidden'])
    const ws = new WebSocket(`${gateway.url.replace('http', 'ws')}/mcp/ws`, 'mcp', {
      headers: { ...bearer('a'), origin },
    })
    const status = await new Promise((resolve) => {
      ws.on('unexpected-response', (_req, res) => resolve(res.statusCode))
      ws.on('open', () => resolve('open'))
      ws.on('error', () => undefined)
    })
    ws.terminate()
    expect(status).toBe(403)
  })

  it('cannot read an answer: there is no CORS', async () => {
    const answer = await exchange(`${gateway.url}/mcp`, {
      method: 'OPTIONS',
      headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' },
    })
    expect(answer.status).toBe(401)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('is refused before its token is looked at, and health is as well', async () => {
    const answer = await exchange(`${gateway.url}/health/live`, { headers: { host: 'evil.example' } })
    expect(answer.status).toBe(403)
    const headers = { ...bearer('a'), host: 'evil.example' }
    expect((await exchange(`${gateway.url}/mcp`, { method: 'POST', headers })).status).toBe(403)
    const events = await gateway.audit()
    expect(events.map(({ tokenId, outcome }) => [tokenId, outcome])).toEqual([
      ['', 'host_forbidden'],
      ['', 'host_forbidden'],
    ])
  })
})

describe('a WebSocket that never is one', () => {
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const upgrade = (path: string, rest: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${rest}\r\n`

  it.for([
    ['without a token', upgrade('/mcp/ws', key), 401],
    ['with a wrong token', upgrade('/mcp/ws', `${key}Authorization: Bearer ${rawToken('z')}\r\n`), 401],
    ['to nowhere', upgrade('/nowhere', key + auth), 404],
    ['to what is no WebSocket', upgrade('/mcp', key + auth), 404],
    ['to an unknown server', upgrade('/mcp/nobody/ws', key + auth), 404],
    ['without a key', upgrade('/mcp/ws', `Sec-WebSocket-Version: 13\r\n${auth}`), 400],
    ['of another version', upgrade('/mcp/ws', key.replace('13', '7') + auth), 400],
    ['from elsewhere', upgrade('/mcp/ws', `${key}${auth}Origin: http://evil.example\r\n`), 403],
  ] as const)('is refused and let go, even if the peer never closes: %s', async ([, bytes, status]) => {
    const raw = await openSocket(gateway.port, bytes)
    expect(await isLetGoSoon(raw)).toBe(true)
    expect(statusOf(raw.text())).toBe(status)
    await gateway.http.close(0)
  })

  it('leaves an audit event where nobody was identified', async () => {
    await say(gateway.port, upgrade('/mcp/ws', key), (text) => text.includes('\r\n\r\n'))
    expect(await gateway.audit()).toMatchObject([
      { kind: 'auth_failure', endpoint: '/mcp/ws', outcome: 'unauthorized' },
    ])
  })

  it('and what is one is closed on a binary frame, a broken frame, and broken UTF-8', async () => {
    const open = async (): Promise<WebSocket> => {
      const ws = new WebSocket(`${gateway.url.replace('http', 'ws')}/mcp/ws`, 'mcp', { headers: bearer('a') })
      ws.on('error', () => undefined)
      await new Promise((resolve) => ws.once('open', resolve))
      return ws
    }
    const codeAfter = async (bytes: (ws: WebSocket) => void): Promise<number> => {
      const ws = await open()
      const closed = new Promise<number>((resolve) => ws.once('close', resolve))
      bytes(ws)
      return closed
    }
    const rawSocket = (ws: WebSocket): { write(bytes: Buffer): void } => Reflect.get(ws, '_socket')
    expect(await codeAfter((ws) => ws.send(Buffer.from('{}')))).toBe(1003)
    expect(await codeAfter((ws) => rawSocket(ws).write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])))).toBe(1002)
    expect(await codeAfter((ws) => ws.send(Buffer.from([0xff, 0xfe]), { binary: false }))).toBe(1007)
    await until('all are closed', () => gateway.http.counts.webSockets === 0)
  })
})
