import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeGuardedConnections } from '#test/contracts/guarded-connections.ts'
import { namedEgress, openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer, type Said } from '#test/support/hostile-authorization-server.ts'
import { createGuardedFetch, type GuardedRequest } from './guarded-fetch.ts'

const answerBytesMax = 1_048_576
const get: GuardedRequest = { method: 'GET', timeoutMs: 10_000, step: 'token' }
const fetch = createGuardedFetch({ egressOf: () => openEgress, allowsHttp: () => false })

describeGuardedConnections('guarded fetch', async (url, egress) => {
  const guarded = createGuardedFetch({ egressOf: () => egress, allowsHttp: () => true })
  const { code, details } = await failureOf(guarded(url, get))
  // Its own code is OAuth's; the guard's is the reason.
  return { code: code === 'oauth_server_failed' ? String(details['reason']) : code, details }
})

describe('which addresses it asks', () => {
  it.each([
    'http://as.example/token',
    'http://192.0.2.1/token',
    'http://127.0.0.1.example/token',
    'http://localhost.example/token',
    'ftp://127.0.0.1/token',
    'file:///etc/passwd',
    'data:application/json,{}',
    'javascript:alert(1)',
    'https://user@as.example/token',
    'https://user:password@as.example/token',
    'http://:password@127.0.0.1/token',
    'https://',
    '/token',
    '',
  ])('refuses %j before it looks anything up', async (url) => {
    const egress = namedEgress({}, { isOpen: true })
    const guarded = createGuardedFetch({ egressOf: () => egress, allowsHttp: () => false })
    const error = await failureOf(guarded(url, get))
    expect(error).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'insecure_endpoint', step: 'token' },
    })
    expect(egress.asked).toEqual([])
  })

  it.each(['127.0.0.1', '127.1', '[::1]', 'localhost', 'as.localhost', 'LOCALHOST'])(
    'lets plain http to %s',
    async (host) => {
      const egress = namedEgress({ localhost: [''], 'as.localhost': [''] }, { isOpen: true })
      const guarded = createGuardedFetch({ egressOf: () => egress, allowsHttp: () => false })
      // Nobody is there, which only who has tried knows.
      expect(await failureOf(guarded(`http://${host}:1/token`, get))).toMatchObject({
        details: { reason: 'unreachable' },
      })
    },
  )

  it('lets plain http where it was opened, and asks for each address anew', async () => {
    const egress = namedEgress({ 'as.internal': [''], 'other.internal': [''] }, { isOpen: true })
    const asked: string[] = []
    const guarded = createGuardedFetch({
      egressOf: (url) => (asked.push(`egress ${url.hostname}`), egress),
      allowsHttp: (url) => url.hostname === 'as.internal',
    })
    expect(await failureOf(guarded('http://as.internal/token', get))).toMatchObject({
      details: { reason: 'unreachable' },
    })
    expect(await failureOf(guarded('http://other.internal/token', get))).toMatchObject({
      details: { reason: 'insecure_endpoint' },
    })
    expect(egress.asked).toEqual(['as.internal'])
    expect(asked).not.toContain('egress other.internal')
  })

  it('says which rule of the guard refused, and not the address', async () => {
    const guarded = createGuardedFetch({
      egressOf: () => namedEgress({ 'as.example': ['169.254.169.254'] }),
      allowsHttp: () => false,
    })
    for (const url of ['https://169.254.169.254/token', 'https://as.example/token']) {
      const error = await failureOf(guarded(url, get))
      expect(error).toMatchObject({
        code: 'oauth_server_failed',
        details: { reason: 'egress_forbidden', rule: 'metadata', step: 'token' },
      })
      expect(error.cause).toBeUndefined()
    }
  })
})

describe('what it takes as an answer', () => {
  let server: HostileServer

  beforeEach(async () => {
    server = await openHostileServer()
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const ask = (said: Said, request: Partial<GuardedRequest> = {}) => {
    server.say('/x', said)
    return fetch(`${server.origin}/x`, { ...get, ...request })
  }

  it('gives status and body of any answer that is whole', async () => {
    const answer = await ask({ status: 418, json: { a: 'ä' } })
    expect({ status: answer.status, body: JSON.parse(answer.text) as unknown }).toEqual({
      status: 418,
      body: { a: 'ä' },
    })
    expect(await ask({ status: 204 })).toMatchObject({ status: 204, text: '' })
    expect(await ask({ raw: 'HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\n{}' })).toMatchObject({ status: 999 })
    expect((await ask({ text: ' '.repeat(answerBytesMax) })).text).toHaveLength(answerBytesMax)
  })

  it('posts what it is given, asks for JSON as it is, and keeps nothing for the next time', async () => {
    const headers = { 'content-type': 'text/plain', authorization: 'Basic eA==', accept: 'text/html' }
    await ask({ json: {}, headers: { 'set-cookie': 'a=b' } }, { method: 'POST', headers, body: 'ä=b' })
    await ask({ json: {} })
    expect(server.heard[0]).toMatchObject({
      method: 'POST',
      body: 'ä=b',
      headers: {
        'content-type': 'text/plain',
        authorization: 'Basic eA==',
        accept: 'application/json',
        'accept-encoding': 'identity',
        connection: 'close',
      },
    })
    expect(server.heard[1]?.headers).not.toHaveProperty('cookie')
    expect(server.heard[1]?.headers).not.toHaveProperty('authorization')
  })

  it.each([300, 301, 302, 303, 304, 307, 308])('follows no %i, to wherever', async (status) => {
    await using other = await openHostileServer()
    for (const location of ['http://169.254.169.254/latest/', `${other.origin}/`, `${server.origin}/y`]) {
      const error = await failureOf(ask({ status, headers: { location } }))
      expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason: 'redirected', step: 'token' } })
      expect(JSON.stringify([error, error.stack])).not.toContain('latest')
    }
    expect(server.seen()).toEqual(['GET /x', 'GET /x', 'GET /x'])
    expect(other.seen()).toEqual([])
  })

  it.each<[string, Said]>([
    ['without a length', {}],
    ['with its length', { headers: { 'content-length': '52428800' } }],
    ['that says it is short', { headers: { 'transfer-encoding': 'chunked' } }],
    ['as an error', { status: 500 }],
  ])('stops reading 50 MB %s at its limit', async (_what, said) => {
    const error = await failureOf(ask({ ...said, floodBytes: 52_428_800 }))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason: 'too_large', step: 'token' } })
    // The limit, and what the system's buffers took.
    expect(server.flooded()).toBeLessThan(answerBytesMax + 16_777_216)
  })

  it('reads no endless head', async () => {
    const raw = `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}\r\n`
    expect(await failureOf(ask({ raw }))).toMatchObject({ details: { reason: 'too_large' } })
  })

  it('unpacks nothing', async () => {
    const answer = await ask({ text: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } })
    expect(answer.text).not.toBe('{}')
  })

  it.each<[string, Said]>([
    ['nothing comes', { hangs: 'before' }],
    ['the body does not end', { hangs: 'within', text: '{' }],
  ])('ends by its deadline where %s', async (_what, said) => {
    const error = await failureOf(ask(said, { timeoutMs: 200 }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'timeout', step: 'token' } })
  })

  it('ends by its deadline where a name is looked up for ever', async () => {
    const egress = { ...openEgress, lookup: () => undefined }
    const guarded = createGuardedFetch({ egressOf: () => egress, allowsHttp: () => false })
    const error = await failureOf(guarded('https://as.example/', { ...get, timeoutMs: 100 }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'timeout' } })
  })

  it.each<[string, string]>([
    ['the connection ends before the answer', ''],
    ['the body is shorter than announced', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}'],
    ['it is no HTTP', 'SSH-2.0-secret-words\r\n'],
  ])('says that nobody can be reached where %s, and nothing of what came', async (_what, raw) => {
    const error = await failureOf(ask({ raw }))
    expect(error).toMatchObject({ code: 'credential_unavailable', details: { reason: 'unreachable', step: 'token' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toContain('secret-words')
  })

  it('says how a connection failed in the system’s own word', async () => {
    const { origin } = server
    await server[Symbol.asyncDispose]()
    expect(await failureOf(fetch(`${origin}/`, get))).toMatchObject({
      details: { reason: 'unreachable', system: 'ECONNREFUSED' },
    })
    server = await openHostileServer()
  })

  it('takes a content type with any bytes in it', async () => {
    const answer = await ask({ raw: 'HTTP/1.1 200 OK\r\ncontent-type: a/\u2028\u00ff\r\ncontent-length: 2\r\n\r\n{}' })
    expect(answer.contentType).toBe('')
  })

  it('leaves no connection behind', async () => {
    const sockets = new Set<unknown>()
    const listener = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}'),
      )
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    await fetch(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/`, get)
    await expect.poll(() => sockets.size, { timeout: 5_000 }).toBe(0)
    listener.close()
    await once(listener, 'close')
  })
})
