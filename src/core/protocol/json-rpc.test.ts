import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { isRequestId, kindOf, toOutcome, toResponse, toRpcError } from './json-rpc.ts'

describe('kindOf', () => {
  it.each([
    ['request', { jsonrpc: '2.0', id: 1, method: 'ping' }],
    ['request', { jsonrpc: '2.0', id: '', method: 'x/unknown', params: {}, extra: 1 }],
    ['notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['response', { jsonrpc: '2.0', id: 1, result: {} }],
    ['response', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } }],
    ['response', { jsonrpc: '2.0', id: 1, result: null, error: { code: 1, message: '' } }],
    ['invalid', { jsonrpc: '1.0', id: 1, method: 'ping' }],
    ['invalid', { id: 1, method: 'ping' }],
    ['invalid', { jsonrpc: '2.0', id: null, method: 'ping' }],
    ['invalid', { jsonrpc: '2.0', id: {}, method: 'ping' }],
    ['invalid', { jsonrpc: '2.0', id: undefined, method: 'ping' }],
    ['invalid', { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }],
    ['invalid', { jsonrpc: '2.0', id: 1, method: 'ping', params: null }],
    ['invalid', { jsonrpc: '2.0', id: 1, method: 7 }],
    ['invalid', { jsonrpc: '2.0', id: 1, result: 'text' }],
    ['invalid', { jsonrpc: '2.0', result: {} }],
    ['invalid', { jsonrpc: '2.0', id: 1, error: { code: 1.5, message: '' } }],
    ['invalid', { jsonrpc: '2.0', id: 1, error: { code: 1 } }],
    ['invalid', { jsonrpc: '2.0', id: 1 }],
    ['invalid', []],
    ['invalid', null],
    ['invalid', 'ping'],
  ])('finds a %s in %j', (kind, message) => {
    expect(kindOf(message)).toBe(kind)
  })
})

describe('isRequestId', () => {
  it.each([
    [0, true],
    [-1.5, true],
    ['', true],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
    [null, false],
    [true, false],
  ])('of %s is %s', (id, expected) => {
    expect(isRequestId(id)).toBe(expected)
  })
})

describe('toOutcome', () => {
  it('gives the result, or the error without members that nobody defined', () => {
    expect(toOutcome({ jsonrpc: '2.0', id: 1, result: { a: 1 }, other: 1 })).toEqual({ result: { a: 1 } })
    const error = { code: 1, message: 'no', data: { a: 1 }, stack: 'at home' }
    expect(toOutcome({ jsonrpc: '2.0', id: 1, error })).toEqual({
      error: { code: 1, message: 'no', data: { a: 1 } },
    })
  })

  it('takes the error beside a result that is null, as older servers write it', () => {
    const message = { jsonrpc: '2.0', id: 1, result: null, error: { code: 1, message: 'no' } }
    expect(toOutcome(message)).toEqual({ error: { code: 1, message: 'no' } })
  })

  it.each([{ jsonrpc: '2.0', method: 'x' }, { jsonrpc: '2.0', id: 1, result: 5 }, null, 'x'])(
    'is undefined for %j',
    (message) => {
      expect(toOutcome(message)).toBeUndefined()
    },
  )

  it('is undone by toResponse', () => {
    const outcome = { error: { code: 1, message: 'no' } }
    expect(toOutcome(toResponse('a', outcome))).toEqual(outcome)
  })
})

describe('toRpcError', () => {
  it('says the catalogue’s words, the stable code and the details, never the cause', () => {
    const error = new GatewayError('upstream_timeout', { details: { afterMs: 5 }, cause: new Error('secret') })
    expect(toRpcError(error)).toEqual({
      code: -32008,
      message: 'The server behind the gateway did not answer in time.',
      data: { code: 'upstream_timeout', retryable: true, afterMs: 5 },
    })
    expect(JSON.stringify(toRpcError(error))).not.toContain('secret')
  })
})
