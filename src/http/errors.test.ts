import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { errorCatalogue, GatewayError, type ErrorCode } from '#contract/errors.ts'
import { exchange } from '#test/support/raw-http.ts'
import { sendFailure, statusOfAnswer, toRpcFailure } from './errors.ts'

const codes = Object.keys(errorCatalogue).filter((code): code is ErrorCode => code in errorCatalogue)

async function sent(error: GatewayError, id?: string) {
  const server = createServer((_req, res) => {
    sendFailure(res, error, { requestId: 'req_1', ...(id === undefined ? {} : { id }) })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await exchange(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('toRpcFailure', () => {
  it('says of every failure its code, its words and the request, and nothing of its cause', () => {
    for (const code of codes) {
      const error = new GatewayError(code, { cause: new Error('planted'), details: { a: 1 } })
      const failure = toRpcFailure('c-1', error, 'req_1')
      expect(failure).toMatchObject({ id: 'c-1', error: { code: error.rpcCode, message: error.message } })
      expect(JSON.stringify(failure)).not.toContain('planted')
    }
  })

  it('adds nothing to what the specification says of its own two', () => {
    const details = { supported: ['2026-07-28'], requested: 'x' }
    const version = new GatewayError('unsupported_protocol_version', { details })
    expect(toRpcFailure(1, version, 'req_1')).toMatchObject({ error: { code: -32_022 } })
    expect(toRpcFailure(1, version, 'req_1')).toHaveProperty('error.data', details)
    const capability = new GatewayError('missing_client_capability', { details: { requiredCapabilities: {} } })
    expect(toRpcFailure(1, capability, 'req_1')).toHaveProperty('error.data', { requiredCapabilities: {} })
  })
})

describe('statusOfAnswer', () => {
  it.each([
    ['legacy', -32_601, 200],
    ['legacy', -32_020, 200],
    ['modern', -32_601, 404],
    ['modern', -32_020, 400],
    ['modern', -32_021, 400],
    ['modern', -32_022, 400],
    ['modern', -32_602, 200],
    ['modern', -32_010, 200],
  ] as const)('in the %s era for %i is %i', (era, code, status) => {
    expect(statusOfAnswer(era, code)).toBe(status)
  })
})

describe('sendFailure', () => {
  it('says it in the status and in the body', async () => {
    const { status, headers, text } = await sent(new GatewayError('not_found'), 'c-1')
    expect([status, headers['content-type']]).toEqual([404, 'application/json'])
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: 'c-1', error: { data: { code: 'not_found' } } })
  })

  it.each([
    ['unauthorized', 'www-authenticate', /^Bearer /],
    ['rate_limited', 'retry-after', /^1$/],
    ['too_many_sessions', 'retry-after', /^1$/],
    ['method_not_allowed', 'allow', /^GET, POST, DELETE$/],
    ['body_too_large', 'connection', /^close$/],
    ['body_timeout', 'connection', /^close$/],
  ] as const)('for %s has the header %s', async (code, header, value) => {
    const { status, headers, text } = await sent(new GatewayError(code))
    expect(status).toBe(errorCatalogue[code].status)
    expect(headers[header]).toMatch(value)
    expect(JSON.parse(text)).toMatchObject({ id: null })
  })

  it('cuts an answer that has begun', async () => {
    const server = createServer((_req, res) => {
      res.writeHead(200, { 'content-length': 10 })
      res.write('abc', () => sendFailure(res, new GatewayError('internal'), { requestId: 'req_1' }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await expect(exchange(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).rejects.toThrow('aborted')
    server.closeAllConnections()
    server.close()
  })
})
