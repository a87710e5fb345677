/** Every HTTP request that ends before it is a call leaves one event: who, where, what, why. Never a body, never a token. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditOf, inShort } from '../support/audit-trail.ts'
import {
  bearer,
  both,
  initialize,
  modernHeaders,
  modernMessage,
  openLegacy,
  openModern,
  post,
} from '../support/raw-client.ts'
import type { LegacyClient } from '../support/raw-client.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { exchange, isWholeAnswer, openSocket, say } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const secret = 'callers-s3cret'
const limits = { requestTimeoutMs: 300, requestBytesMax: 5_000 }
let upstream: RawUpstream
let gateway: RawGateway
let mine: LegacyClient
let theirs: LegacyClient

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startRawGateway({ servers: [toServer('one', upstream)], limits })
  mine = await openLegacy(gateway)
  theirs = await openLegacy(gateway, { token: 'b' })
})

afterAll(async () => {
  const trail = JSON.stringify(await gateway.audit())
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
  for (const word of [secret, ...['a', 'b', 'z'].map(rawToken)]) assert.ok(!trail.includes(word), word)
})

const auth = `Authorization: Bearer ${rawToken('a')}\r\n`
const types = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n'
const head = (line: string, rest = ''): string => `${line}\r\nHost: localhost\r\n${auth}${types}${rest}\r\n`
const request = (method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method,
  params: { secret, ...params },
})
const large = JSON.stringify(request('ping', { text: 'x'.repeat(6_000) }))

const send = (path: string, headers: Record<string, string>, method = 'POST') =>
  exchange(gateway.url + path, {
    method,
    headers: { ...both, ...bearer('a'), ...headers },
    body: JSON.stringify(request('ping')),
  })
const get = (headers: Record<string, string>, method = 'GET') =>
  exchange(`${gateway.url}/mcp`, { method, headers: { accept: 'text/event-stream', ...bearer('a'), ...headers } })

/** A modern request whose headers are not its own. */
function askModern(meta: object, headers: object = {}) {
  const message = modernMessage('tools/list', { secret })
  message['params']._meta = { ...message['params']._meta, ...meta }
  return post(gateway, message, { headers: { ...modernHeaders(message), ...headers } })
}

const everywhere = 'aggregate:one'
const asStranger = (path: string, code: string, method = 'POST') => `refusal nobody ${path} ${method} deny ${code}`
const asCaller = (code: string, method = 'POST') => `refusal a ${everywhere} ${method} deny ${code}`

describe('a request over HTTP that never becomes a call leaves one event', () => {
  it.each<[string, () => unknown, string]>([
    [
      'without a token',
      () => post(gateway, request('ping'), { headers: { authorization: '' } }),
      'auth_failure nobody /mcp POST deny unauthorized',
    ],
    [
      'with an unknown token',
      () => post(gateway, request('ping'), { token: 'z' }),
      'auth_failure nobody /mcp POST deny unauthorized',
    ],
    [
      'with a token in its query',
      () => exchange(`${gateway.url}/one/mcp?token=${rawToken('a')}`),
      'auth_failure nobody /one/mcp GET deny unauthorized',
    ],
    ['for a foreign host', () => send('/mcp', { host: 'evil.example' }), asStranger('/mcp', 'host_forbidden')],
    [
      'of a foreign page',
      () => send('/mcp', { origin: 'http://evil.example' }),
      asStranger('/mcp', 'origin_forbidden'),
    ],
    [
      'of a foreign page for the health',
      () => get({ host: 'evil.example' }),
      asStranger('/mcp', 'host_forbidden', 'GET'),
    ],
    ['to nowhere', () => send(`/nowhere?${secret}`, {}), asStranger('/nowhere', 'not_found')],
    ['to an unknown server', () => send('/nobody/mcp', {}), 'refusal a /nobody/mcp POST deny server_not_found'],
    ['with a method that is none here', () => send('/mcp', {}, 'PUT'), asCaller('method_not_allowed', 'PUT')],
    ['of another type', () => send('/mcp', { 'content-type': 'text/plain' }), asCaller('unsupported_media_type')],
    ['that takes no JSON', () => send('/mcp', { accept: 'text/html' }), asCaller('not_acceptable')],
    ['that says it is too large', () => post(gateway, large), asCaller('body_too_large')],
    [
      'that grows too large',
      () =>
        say(
          gateway.port,
          `${head('POST /mcp HTTP/1.1', 'Transfer-Encoding: chunked\r\n')}1770\r\n${large.slice(0, 6_000)}\r\n0\r\n\r\n`,
        ),
      asCaller('body_too_large'),
    ],
    [
      'that does not come',
      async () => {
        const raw = await openSocket(
          gateway.port,
          `${head('POST /mcp HTTP/1.1', 'Content-Length: 100\r\n')}{"a":"${secret}`,
        )
        await raw.until(isWholeAnswer)
        raw.socket.destroy()
      },
      asCaller('body_timeout'),
    ],
    [
      'whose client vanishes',
      async () =>
        (await openSocket(gateway.port, head('POST /mcp HTTP/1.1', 'Content-Length: 9\r\n'))).socket.destroy(),
      asCaller('request_cancelled'),
    ],
    ['that is no JSON', () => post(gateway, `{"${secret}`), asCaller('parse_error')],
    ['that is too deep', () => post(gateway, `${'['.repeat(100)}${']'.repeat(100)}`), asCaller('body_too_deep')],
    ['that is no message', () => post(gateway, { secret }), asCaller('invalid_request')],
    [
      'in a batch that is not allowed',
      () => mine.post([request('ping'), request('ping')]),
      asCaller('batch_not_allowed'),
    ],
    ['without a session', () => post(gateway, request('tools/list')), asCaller('session_required', 'tools/list')],
    [
      'whose headers differ',
      () => askModern({}, { 'mcp-method': 'tools/call' }),
      asCaller('header_mismatch', 'tools/list'),
    ],
    [
      'of an unknown revision',
      () =>
        askModern(
          { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' },
          { 'mcp-protocol-version': '2099-01-01' },
        ),
      asCaller('unsupported_protocol_version', 'tools/list'),
    ],
    [
      'without an envelope',
      () => askModern({ 'io.modelcontextprotocol/clientCapabilities': 1 }),
      asCaller('invalid_params', 'tools/list'),
    ],
    [
      'of an unknown session',
      () => mine.post(request('tools/list'), { 'mcp-session-id': 'mcp_x' }),
      asCaller('session_not_found', 'tools/list'),
    ],
    [
      'of a foreign session',
      () => mine.post(request('tools/call'), { 'mcp-session-id': theirs.id }),
      asCaller('session_not_found', 'tools/call'),
    ],
    [
      'of a session in a revision that is none',
      () => mine.post(request('tools/list'), { 'mcp-protocol-version': '1999-01-01' }),
      asCaller('unsupported_protocol_version', 'tools/list'),
    ],
    [
      'that only notes something, of a foreign session',
      () => mine.post({ jsonrpc: '2.0', method: 'notifications/cancelled' }, { 'mcp-session-id': theirs.id }),
      asCaller('session_not_found', 'notifications/cancelled'),
    ],
    [
      'that answers, of a foreign session',
      () => mine.post({ jsonrpc: '2.0', id: 1, result: { secret } }, { 'mcp-session-id': theirs.id }),
      asCaller('session_not_found'),
    ],
    ['to listen, and takes no events', () => get({ accept: 'text/html' }), asCaller('not_acceptable', 'GET')],
    ['to listen, without a session', () => get({}), asCaller('session_required', 'GET')],
    [
      'to listen, of a foreign session',
      () => get({ 'mcp-session-id': theirs.id }),
      asCaller('session_not_found', 'GET'),
    ],
    ['to end no session', () => get({}, 'DELETE'), asCaller('session_required', 'DELETE')],
    [
      'to end a foreign session',
      () => get({ 'mcp-session-id': theirs.id }, 'DELETE'),
      asCaller('session_not_found', 'DELETE'),
    ],
  ])('%s', async (_what, act, event) => {
    const events = await auditOf(gateway, act)
    expect(events.map(inShort)).toEqual([event])
    const outcome = event.split(' ').at(-1)
    expect(events).toMatchObject([
      { reason: outcome, server: '', target: '', requestId: expect.stringMatching(/^req_/) },
    ])
  })

  it('with the time that it took', async () => {
    const startedAt = Date.now()
    const raw = await openSocket(gateway.port, head('POST /mcp HTTP/1.1', 'Content-Length: 100\r\n'))
    const [event] = await auditOf(gateway, () => raw.until(isWholeAnswer))
    raw.socket.destroy()
    expect(event?.at).toBeGreaterThanOrEqual(startedAt)
    expect(event?.durationMs).toBeGreaterThanOrEqual(limits.requestTimeoutMs - 50)
    expect(event?.durationMs).toBeLessThanOrEqual(Date.now() - startedAt)
  })
})

describe('a session over HTTP leaves one event', () => {
  it('where it is opened, and where it is ended, and none for what only notes or answers something', async () => {
    let client: LegacyClient | undefined
    const opened = await auditOf(gateway, async () => (client = await openLegacy(gateway, { path: '/one/mcp' })))
    expect(opened.map(inShort)).toEqual(['call a single:one initialize allow ok'])
    expect(opened).toMatchObject([{ server: 'one', reason: '', durationMs: expect.any(Number) }])
    await client?.request('ping')
    const ended = await auditOf(gateway, () => client?.end())
    expect(ended.map(inShort)).toEqual(['session_end a single:one DELETE allow ok'])
  })

  it('where it cannot be opened', async () => {
    const opening = { ...initialize(), params: { secret } }
    expect((await auditOf(gateway, () => post(gateway, opening))).map(inShort)).toEqual([
      `call a ${everywhere} initialize allow invalid_params`,
    ])
    await using full = await startRawGateway({ servers: [], limits: { sessionsPerTokenMax: 1 } })
    await openLegacy(full)
    expect((await auditOf(full, () => post(full, initialize()))).map(inShort)).toEqual([
      'call a aggregate: initialize deny too_many_sessions',
    ])
  })

  it('where its server cannot be reached', async () => {
    await using gone = await startRawGateway({ servers: [toServer('gone', { url: 'http://127.0.0.1:1/mcp' })] })
    const events = await auditOf(gone, () => post(gone, initialize(), { path: '/gone/mcp' }))
    expect(events.map(inShort)).toEqual(['call a single:gone initialize allow upstream_unreachable'])
    expect(events).toMatchObject([{ server: 'gone' }])
  })
})

describe('a call over HTTP leaves one event', () => {
  it.each([
    ['server/discover', 'ok'],
    ['tools/list', 'ok'],
    ['no/such', 'method_not_found'],
  ])('of %s', async (method, outcome) => {
    const events = await auditOf(gateway, () => openModern(gateway).post(method, { secret }))
    const effect = outcome === 'ok' ? 'allow' : 'deny'
    expect(events.map(inShort)).toEqual([`call a ${everywhere} ${method} ${effect} ${outcome}`])
  })

  it('for each part of a batch', async () => {
    const old = await openLegacy(gateway, { revision: '2025-03-26' })
    const parts = ['tools/list', 'prompts/list'].map((method, id) => ({ ...request(method), id }))
    const events = await auditOf(gateway, () => old.post(parts))
    expect(events.map(({ method, outcome }) => `${method} ${outcome}`).toSorted()).toEqual([
      'prompts/list ok',
      'tools/list ok',
    ])
  })
})
