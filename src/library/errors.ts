/**
 * What the library throws. One class for each failure that a program may want to tell apart, one table for what they mean on
 * a wire. Messages hold names that the caller itself gave, never an upstream's words.
 */

type Meaning = { rpcCode: number; httpStatus: number; isRetryable?: true }

const meanings = {
  server_not_found: { rpcCode: -32001, httpStatus: 404 },
  tool_not_found: { rpcCode: -32001, httpStatus: 404 },
  authentication_error: { rpcCode: -32004, httpStatus: 401 },
  authorization_error: { rpcCode: -32004, httpStatus: 403 },
  connection_error: { rpcCode: -32010, httpStatus: 502, isRetryable: true },
  transport_error: { rpcCode: -32010, httpStatus: 502, isRetryable: true },
  timeout: { rpcCode: -32008, httpStatus: 504, isRetryable: true },
  rate_limit_exceeded: { rpcCode: -32029, httpStatus: 429, isRetryable: true },
  protocol_error: { rpcCode: -32600, httpStatus: 400 },
  invalid_url: { rpcCode: -32600, httpStatus: 400 },
  configuration_error: { rpcCode: -32602, httpStatus: 400 },
  validation_error: { rpcCode: -32602, httpStatus: 422 },
  tool_execution_error: { rpcCode: -32603, httpStatus: 200 },
  serialization_error: { rpcCode: -32603, httpStatus: 500 },
  server_already_exists: { rpcCode: -32009, httpStatus: 409 },
  request_cancelled: { rpcCode: -32800, httpStatus: 499 },
  shutting_down: { rpcCode: -32603, httpStatus: 503, isRetryable: true },
  internal_error: { rpcCode: -32603, httpStatus: 500 },
} as const satisfies Record<string, Meaning>

export type McpErrorCode = keyof typeof meanings

export type McpErrorOptions = { message?: string | undefined; cause?: unknown; httpStatus?: number | undefined }

export class McpError extends Error {
  override readonly name: string = 'McpError'
  readonly code: McpErrorCode
  readonly rpcCode: number
  /** What an HTTP edge would answer. A tool's own failure is an answer, so it is 200. */
  readonly httpStatus: number
  readonly isRetryable: boolean

  constructor(code: McpErrorCode, message: string, options: McpErrorOptions = {}) {
    super(options.message ?? message, options.cause === undefined ? undefined : { cause: options.cause })
    const meaning: Meaning = meanings[code]
    this.code = code
    this.rpcCode = meaning.rpcCode
    this.httpStatus = options.httpStatus ?? meaning.httpStatus
    this.isRetryable = meaning.isRetryable ?? false
  }

  /** The `data` member of a JSON-RPC error. */
  get data(): { code: McpErrorCode; retryable: boolean } {
    return { code: this.code, retryable: this.isRetryable }
  }
}

export class ServerNotFoundError extends McpError {
  override readonly name = 'ServerNotFoundError'
  readonly server: string

  constructor(fields: { server: string } & McpErrorOptions) {
    super('server_not_found', `There is no server ${JSON.stringify(fields.server)}.`, fields)
    this.server = fields.server
  }
}

export class ToolNotFoundError extends McpError {
  override readonly name = 'ToolNotFoundError'
  readonly server: string
  readonly tool: string

  constructor(fields: { server: string; tool: string } & McpErrorOptions) {
    const { server, tool } = fields
    super('tool_not_found', `Server ${JSON.stringify(server)} has no tool ${JSON.stringify(tool)}.`, fields)
    this.server = server
    this.tool = tool
  }
}

/** Who asks is not known (401), or the upstream did not accept us (502): then `isUpstream` is true. */
export class AuthenticationError extends McpError {
  override readonly name = 'AuthenticationError'
  readonly server: string
  readonly isUpstream: boolean

  constructor(fields: { server: string; isUpstream?: boolean } & McpErrorOptions) {
    const { server, isUpstream = false } = fields
    const message = isUpstream
      ? `Server ${JSON.stringify(server)} refused the credential.`
      : 'A valid token is required.'
    super('authentication_error', message, { ...(isUpstream ? { httpStatus: 502 } : {}), ...fields })
    this.server = server
    this.isUpstream = isUpstream
  }
}

export class AuthorizationError extends McpError {
  override readonly name = 'AuthorizationError'
  readonly server: string
  readonly tool: string | undefined

  constructor(fields: { server: string; tool?: string | undefined } & McpErrorOptions) {
    const { server, tool } = fields
    const what = tool === undefined ? '' : `tool ${JSON.stringify(tool)} of `
    super('authorization_error', `No policy allows ${what}server ${JSON.stringify(server)} here.`, fields)
    this.server = server
    this.tool = tool
  }
}

export class ConnectionError extends McpError {
  override readonly name = 'ConnectionError'
  readonly server: string

  constructor(fields: { server: string } & McpErrorOptions) {
    super('connection_error', `Server ${JSON.stringify(fields.server)} cannot be reached.`, fields)
    this.server = fields.server
  }
}

export class TransportError extends McpError {
  override readonly name = 'TransportError'
  readonly transport: string

  constructor(fields: { transport: string } & McpErrorOptions) {
    super('transport_error', `The transport ${JSON.stringify(fields.transport)} failed.`, fields)
    this.transport = fields.transport
  }
}

export class TimeoutError extends McpError {
  override readonly name = 'TimeoutError'
  readonly server: string
  readonly timeoutMs: number | undefined

  constructor(fields: { server: string; timeoutMs?: number | undefined } & McpErrorOptions) {
    const { server, timeoutMs } = fields
    const time = timeoutMs === undefined ? 'in time' : `within ${timeoutMs} ms`
    super('timeout', `Server ${JSON.stringify(server)} did not answer ${time}.`, fields)
    this.server = server
    this.timeoutMs = timeoutMs
  }
}

export class RateLimitExceededError extends McpError {
  override readonly name = 'RateLimitExceededError'
  readonly server: string
  readonly retryAfterMs: number | undefined

  constructor(fields: { server: string; retryAfterMs?: number | undefined } & McpErrorOptions) {
    super('rate_limit_exceeded', `A limit was reached for server ${JSON.stringify(fields.server)}.`, fields)
    this.server = fields.server
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** A message that is not valid MCP: ours (400), or the upstream's (502). */
export class ProtocolError extends McpError {
  override readonly name = 'ProtocolError'

  constructor(fields: McpErrorOptions = {}) {
    super('protocol_error', 'A message is not valid MCP.', fields)
  }
}

export class InvalidUrlError extends McpError {
  override readonly name = 'InvalidUrlError'
  /** Without what may be secret in it: user, password and query. */
  readonly url: string

  constructor(fields: { url: string } & McpErrorOptions) {
    const url = withoutSecrets(fields.url)
    super('invalid_url', `${JSON.stringify(url)} is not a valid address.`, fields)
    this.url = url
  }
}

/** Settings that cannot work. `errors` names every fault, by its path, and no value. */
export class ConfigurationError extends McpError {
  override readonly name = 'ConfigurationError'
  readonly errors: readonly string[]

  constructor(fields: { errors: readonly string[] } & McpErrorOptions) {
    super('configuration_error', `The configuration is not valid: ${fields.errors.join('; ')}.`, fields)
    this.errors = fields.errors
  }
}

/** A call or a tool that does not fit its schema. `errors` names every fault. */
export class ValidationError extends McpError {
  override readonly name = 'ValidationError'
  readonly server: string | undefined
  readonly tool: string | undefined
  readonly errors: readonly string[]

  constructor(
    fields: { server?: string | undefined; tool?: string | undefined; errors: readonly string[] } & McpErrorOptions,
  ) {
    const subject = fields.tool === undefined ? 'The tool call' : `The call of tool ${JSON.stringify(fields.tool)}`
    super('validation_error', `${subject} is not valid: ${fields.errors.join('; ')}.`, fields)
    this.server = fields.server
    this.tool = fields.tool
    this.errors = fields.errors
  }
}

/** The upstream answered the call with a JSON-RPC error: `upstreamCode` is its code. */
export class ToolExecutionError extends McpError {
  override readonly name = 'ToolExecutionError'
  readonly server: string
  readonly tool: string
  readonly upstreamCode: number | undefined

  constructor(fields: { server: string; tool: string; upstreamCode?: number | undefined } & McpErrorOptions) {
    const { server, tool } = fields
    super('tool_execution_error', `Tool ${JSON.stringify(tool)} of server ${JSON.stringify(server)} failed.`, fields)
    this.server = server
    this.tool = tool
    this.upstreamCode = fields.upstreamCode
  }
}

export class SerializationError extends McpError {
  override readonly name = 'SerializationError'

  constructor(fields: McpErrorOptions = {}) {
    super('serialization_error', 'A value cannot be written as JSON.', fields)
  }
}

export class ServerAlreadyExistsError extends McpError {
  override readonly name = 'ServerAlreadyExistsError'
  readonly server: string

  constructor(fields: { server: string } & McpErrorOptions) {
    super('server_already_exists', `A server ${JSON.stringify(fields.server)} is already registered.`, fields)
    this.server = fields.server
  }
}

/** By hand, because what is no valid URL cannot be parsed. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, '//').replace(/[?#].*$/s, '')
}
