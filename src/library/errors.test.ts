import { describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  AuthorizationError,
  ConfigurationError,
  ConnectionError,
  InvalidUrlError,
  McpError,
  ProtocolError,
  RateLimitExceededError,
  SerializationError,
  ServerAlreadyExistsError,
  ServerNotFoundError,
  TimeoutError,
  ToolExecutionError,
  ToolNotFoundError,
  TransportError,
  ValidationError,
} from './errors.ts'

const server = 'fs'
const tool = 'read'

const all: readonly { error: McpError; name: string; code: string; rpc: number; http: number; isRetryable?: true }[] = [
  {
    error: new ServerNotFoundError({ server }),
    name: 'ServerNotFoundError',
    code: 'server_not_found',
    rpc: -32001,
    http: 404,
  },
  {
    error: new ToolNotFoundError({ server, tool }),
    name: 'ToolNotFoundError',
    code: 'tool_not_found',
    rpc: -32001,
    http: 404,
  },
  {
    error: new AuthenticationError({ server }),
    name: 'AuthenticationError',
    code: 'authentication_error',
    rpc: -32004,
    http: 401,
  },
  {
    error: new AuthenticationError({ server, isUpstream: true }),
    name: 'AuthenticationError',
    code: 'authentication_error',
    rpc: -32004,
    http: 502,
  },
  {
    error: new AuthorizationError({ server, tool }),
    name: 'AuthorizationError',
    code: 'authorization_error',
    rpc: -32004,
    http: 403,
  },
  {
    error: new ConnectionError({ server }),
    name: 'ConnectionError',
    code: 'connection_error',
    rpc: -32010,
    http: 502,
    isRetryable: true,
  },
  {
    error: new TransportError({ transport: 'sse' }),
    name: 'TransportError',
    code: 'transport_error',
    rpc: -32010,
    http: 502,
    isRetryable: true,
  },
  {
    error: new TimeoutError({ server, timeoutMs: 5 }),
    name: 'TimeoutError',
    code: 'timeout',
    rpc: -32008,
    http: 504,
    isRetryable: true,
  },
  {
    error: new RateLimitExceededError({ server, retryAfterMs: 1000 }),
    name: 'RateLimitExceededError',
    code: 'rate_limit_exceeded',
    rpc: -32029,
    http: 429,
    isRetryable: true,
  },
  { error: new ProtocolError(), name: 'ProtocolError', code: 'protocol_error', rpc: -32600, http: 400 },
  { error: new InvalidUrlError({ url: 'x' }), name: 'InvalidUrlError', code: 'invalid_url', rpc: -32600, http: 400 },
  {
    error: new ConfigurationError({ errors: ['a'] }),
    name: 'ConfigurationError',
    code: 'configuration_error',
    rpc: -32602,
    http: 400,
  },
  {
    error: new ValidationError({ errors: ['a'] }),
    name: 'ValidationError',
    code: 'validation_error',
    rpc: -32602,
    http: 422,
  },
  {
    error: new ToolExecutionError({ server, tool, upstreamCode: -1 }),
    name: 'ToolExecutionError',
    code: 'tool_execution_error',
    rpc: -32603,
    http: 200,
  },
  { error: new SerializationError(), name: 'SerializationError', code: 'serialization_error', rpc: -32603, http: 500 },
  {
    error: new ServerAlreadyExistsError({ server }),
    name: 'ServerAlreadyExistsError',
    code: 'server_already_exists',
    rpc: -32009,
    http: 409,
  },
]

describe('each error class', () => {
  it.each(all)('$name says $code, $rpc and $http', ({ error, name, code, rpc, http, isRetryable = false }) => {
    expect(error).toBeInstanceOf(McpError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name, code, rpcCode: rpc, httpStatus: http, isRetryable })
    expect(error.data).toEqual({ code, retryable: isRetryable })
    expect(error.message).toMatch(/^.{10,}\.$/)
    expect(String(error)).toBe(`${name}: ${error.message}`)
  })

  it('carries the fields that tell what it is about', () => {
    expect(new ToolNotFoundError({ server, tool })).toMatchObject({ server, tool })
    expect(new AuthorizationError({ server })).toMatchObject({ server, tool: undefined })
    expect(new TimeoutError({ server, timeoutMs: 5 })).toMatchObject({ server, timeoutMs: 5 })
    expect(new RateLimitExceededError({ server, retryAfterMs: 7 })).toMatchObject({ server, retryAfterMs: 7 })
    expect(new ValidationError({ server, tool, errors: ['a', 'b'] })).toMatchObject({
      server,
      tool,
      errors: ['a', 'b'],
    })
    expect(new ToolExecutionError({ server, tool, upstreamCode: 3 })).toMatchObject({ server, tool, upstreamCode: 3 })
  })

  it('takes other words and a cause', () => {
    const cause = new Error('inner')
    const error = new ConnectionError({ server, message: 'Other words.', cause })
    expect(error).toMatchObject({ message: 'Other words.', cause })
    expect('cause' in new ConnectionError({ server })).toBe(false)
  })

  it('names all faults at once', () => {
    expect(new ConfigurationError({ errors: ['a: is bad', 'b: is worse'] }).message).toContain('a: is bad; b: is worse')
  })
})

describe('InvalidUrlError', () => {
  it.each([
    ['http://user:s3cret@host/path?key=s3cret#s3cret', 'http://host/path'],
    ['//user:s3cret@host?s3cret', '//host'],
    ['http://a:s3cret@b@host', 'http://host'],
    ['not a url', 'not a url'],
  ])('keeps nothing secret of %j', (url, shown) => {
    const error = new InvalidUrlError({ url })
    expect(error.url).toBe(shown)
    expect(error.message).not.toContain('s3cret')
  })
})
