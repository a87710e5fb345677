import { describe, expect, it } from 'vitest'
import { errorCatalogue, GatewayError, type ErrorCode } from '#contract/errors.ts'
import { ServerNotFoundError } from './errors.ts'
import { toMcpError } from './to-mcp-error.ts'

const where = { server: 'fs', tool: 'read' }
const codes = Object.keys(errorCatalogue) as ErrorCode[]

describe('toMcpError', () => {
  it('gives a library error back as it is', () => {
    const error = new ServerNotFoundError({ server: 'fs' })
    expect(toMcpError(error, where)).toBe(error)
  })

  it.each<[ErrorCode, string, Record<string, unknown>]>([
    ['unauthorized', 'AuthenticationError', { httpStatus: 401, isUpstream: false }],
    ['forbidden', 'AuthorizationError', { server: 'fs', tool: 'read', httpStatus: 403 }],
    ['server_not_found', 'ServerNotFoundError', { server: 'fs' }],
    ['server_exists', 'ServerAlreadyExistsError', { server: 'fs' }],
    ['tool_not_found', 'ToolNotFoundError', where],
    ['invalid_params', 'ValidationError', where],
    ['rate_limited', 'RateLimitExceededError', { retryAfterMs: undefined, isRetryable: true }],
    ['upstream_unreachable', 'ConnectionError', { server: 'fs', isRetryable: true }],
    ['upstream_closed', 'ConnectionError', { server: 'fs' }],
    ['upstream_auth_failed', 'AuthenticationError', { httpStatus: 502, isUpstream: true }],
    ['credential_missing', 'AuthenticationError', { httpStatus: 502, isUpstream: true }],
    ['upstream_rate_limited', 'RateLimitExceededError', { httpStatus: 429 }],
    ['upstream_timeout', 'TimeoutError', { server: 'fs', timeoutMs: undefined, httpStatus: 504 }],
    ['upstream_protocol', 'ProtocolError', { httpStatus: 502, isRetryable: false }],
    ['invalid_request', 'ProtocolError', { httpStatus: 400 }],
    ['config_invalid', 'ConfigurationError', { errors: [errorCatalogue.config_invalid.title] }],
    ['request_cancelled', 'McpError', { code: 'request_cancelled', httpStatus: 499 }],
    ['shutting_down', 'McpError', { code: 'shutting_down', isRetryable: true }],
    ['internal', 'McpError', { code: 'internal_error', httpStatus: 500 }],
  ])('makes of %s a %s', (code, name, members) => {
    const cause = new GatewayError(code)
    expect(toMcpError(cause, where)).toMatchObject({ name, cause, ...members })
  })

  it.each(codes)('never blames the caller for %s unless the catalogue does', (code) => {
    const isCallersFault = errorCatalogue[code].fault === 'caller'
    const { httpStatus } = toMcpError(new GatewayError(code), where)
    // What the program itself configured is its caller's to mend, and an upstream's limit passes as a limit.
    const isShared = code === 'config_invalid' || code === 'upstream_rate_limited'
    expect(httpStatus >= 400 && httpStatus < 500).toBe(isCallersFault || isShared)
  })

  it('takes the numbers and reasons that a failure brings', () => {
    const limited = toMcpError(new GatewayError('upstream_rate_limited', { details: { retryAfterMs: 1500 } }), where)
    expect(limited).toMatchObject({ retryAfterMs: 1500 })
    expect(toMcpError(new GatewayError('upstream_timeout', { details: { timeoutMs: 30 } }), where)).toMatchObject({
      timeoutMs: 30,
    })
    const refused = new GatewayError('config_invalid', {
      details: { header: 'accept', reason: 'the transport sets it' },
    })
    expect(toMcpError(refused, where)).toMatchObject({ errors: ['accept: the transport sets it'] })
    const placed = new GatewayError('config_invalid', { details: { path: 'transport.tls.key', reason: 'must be PEM' } })
    expect(toMcpError(placed, where)).toMatchObject({ errors: ['transport.tls.key: must be PEM'] })
    const params = new GatewayError('invalid_params', { details: { reason: 'name: is required' } })
    expect(toMcpError(params, where)).toMatchObject({ errors: ['name: is required'] })
  })

  it.each([new TypeError('secret inner words'), 'secret inner words', null])('tells nothing of a defect', (defect) => {
    const error = toMcpError(defect, { server: 'fs' })
    expect(error).toMatchObject({ code: 'internal_error', httpStatus: 500, isRetryable: false })
    expect(error.cause).toBe(defect)
    expect(error.message).not.toContain('secret')
  })
})
