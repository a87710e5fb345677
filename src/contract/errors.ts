/**
 * The one catalogue of failures. Every error that leaves the gateway has a code from here and words from here: an
 * upstream's own words reach a caller only as the tool's result.
 *
 * - `status`: HTTP status where the failure is answered as HTTP (before a JSON-RPC request was accepted, or REST).
 * - `rpc`: the JSON-RPC error code. −32020 to −32022 are MCP 2026-07-28's; −32099 to −32000 are ours.
 * - `fault`: whose it is. A failure of ours or of an upstream never leaves with a code that blames the caller.
 */
type Entry = {
  status: number
  rpc: number
  fault: 'caller' | 'upstream' | 'gateway'
  title: string
  isRetryable?: true
}

export const errorCatalogue = {
  unauthorized: { status: 401, rpc: -32001, fault: 'caller', title: 'A valid token is required.' },
  forbidden: { status: 403, rpc: -32004, fault: 'caller', title: 'Your token may not do this.' },
  origin_forbidden: { status: 403, rpc: -32004, fault: 'caller', title: 'This Origin is not allowed.' },
  host_forbidden: { status: 403, rpc: -32004, fault: 'caller', title: 'This Host is not served here.' },
  not_found: { status: 404, rpc: -32601, fault: 'caller', title: 'Nothing is served at this address.' },
  method_not_allowed: { status: 405, rpc: -32000, fault: 'caller', title: 'This HTTP method is not allowed here.' },
  not_acceptable: {
    status: 406,
    rpc: -32000,
    fault: 'caller',
    title: 'The Accept header must allow application/json and text/event-stream.',
  },
  unsupported_media_type: {
    status: 415,
    rpc: -32000,
    fault: 'caller',
    title: 'The Content-Type must be application/json.',
  },
  body_too_large: { status: 413, rpc: -32600, fault: 'caller', title: 'The request body is too large.' },
  body_timeout: { status: 408, rpc: -32600, fault: 'caller', title: 'The request body did not arrive in time.' },
  body_too_deep: { status: 400, rpc: -32600, fault: 'caller', title: 'The request body is nested too deeply.' },
  parse_error: { status: 400, rpc: -32700, fault: 'caller', title: 'The request body is not valid JSON.' },
  invalid_request: { status: 400, rpc: -32600, fault: 'caller', title: 'This is not a valid JSON-RPC message.' },
  batch_not_allowed: {
    status: 400,
    rpc: -32600,
    fault: 'caller',
    title: 'This protocol revision does not allow batches.',
  },
  method_not_found: { status: 404, rpc: -32601, fault: 'caller', title: 'Method not found.' },
  invalid_params: { status: 400, rpc: -32602, fault: 'caller', title: 'The parameters of this request are not valid.' },
  header_mismatch: {
    status: 400,
    rpc: -32020,
    fault: 'caller',
    title: 'An MCP header is missing or does not match the request body.',
  },
  invalid_header: {
    status: 400,
    rpc: -32602,
    fault: 'caller',
    title: 'A header of this request cannot be passed on to the server.',
  },
  invalid_body: { status: 422, rpc: -32602, fault: 'caller', title: 'The request body is not valid.' },
  no_such_resource: {
    status: 404,
    rpc: -32002,
    fault: 'caller',
    title: 'There is no such resource, or you may not see it.',
  },
  already_exists: { status: 409, rpc: -32602, fault: 'caller', title: 'A resource of this name exists already.' },
  version_conflict: {
    status: 412,
    rpc: -32602,
    fault: 'caller',
    title: 'The resource has been changed meanwhile. Read it again, and repeat the change.',
  },
  still_referenced: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'Other resources still name this one. Change or delete them first.',
  },
  dangling_reference: {
    status: 422,
    rpc: -32602,
    fault: 'caller',
    title: 'The body names a resource that does not exist.',
  },
  wrong_status: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'The status that the resource has does not allow this.',
  },
  idempotency_conflict: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'This idempotency key was used for another request.',
  },
  outcome_unknown: {
    status: 409,
    rpc: -32603,
    fault: 'gateway',
    title:
      'The request of this idempotency key may have been done: its end was not stored. Look; if it was not, send it under another key.',
  },
  invalid_binding: { status: 422, rpc: -32602, fault: 'caller', title: 'This role binding is not written correctly.' },
  read_only: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'This resource is declared in the configuration and can be changed only there.',
  },
  exceeds_creator: {
    status: 403,
    rpc: -32004,
    fault: 'caller',
    title: 'You cannot give rights or grants that you do not have yourself.',
  },
  token_inactive: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'This token has ended: it is expired, revoked, or replaced by another. Make a new one.',
  },
  too_many_tokens: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'This owner has as many tokens as it may have. Delete some that have ended.',
  },
  last_admin: {
    status: 409,
    rpc: -32602,
    fault: 'caller',
    title: 'This is the last user who can sign in as an admin. Name another admin first.',
  },
  person_required: {
    status: 403,
    rpc: -32004,
    fault: 'caller',
    title: 'A token may not do this: a person has to sign in.',
  },
  storage_unavailable: {
    status: 503,
    rpc: -32010,
    fault: 'gateway',
    title: 'The storage cannot be reached at the moment.',
    isRetryable: true,
  },
  missing_client_capability: {
    status: 400,
    rpc: -32021,
    fault: 'caller',
    title: 'This request needs a capability that the client did not declare.',
  },
  unsupported_protocol_version: {
    status: 400,
    rpc: -32022,
    fault: 'caller',
    title: 'This protocol version is not supported.',
  },
  session_required: { status: 400, rpc: -32000, fault: 'caller', title: 'The Mcp-Session-Id header is required.' },
  session_not_found: { status: 404, rpc: -32001, fault: 'caller', title: 'This session is unknown or has ended.' },
  event_unknown: {
    status: 410,
    rpc: -32001,
    fault: 'caller',
    title: 'The stream that this Last-Event-ID belongs to is not kept any more.',
  },
  session_over: {
    status: 403,
    rpc: -32004,
    fault: 'caller',
    title: "The agent's session of this token has ended, or has been started anew.",
  },
  server_not_attached: {
    status: 403,
    rpc: -32004,
    fault: 'caller',
    title: 'This server is not attached to the agent of this session.',
  },
  too_many_sessions: {
    status: 429,
    rpc: -32029,
    fault: 'caller',
    title: 'Too many sessions are open for this token.',
    isRetryable: true,
  },
  rate_limited: { status: 429, rpc: -32029, fault: 'caller', title: 'A limit was reached.', isRetryable: true },
  server_not_found: { status: 404, rpc: -32001, fault: 'caller', title: 'No such server.' },
  server_exists: { status: 409, rpc: -32009, fault: 'caller', title: 'A server of this name is already registered.' },
  tool_not_found: { status: 404, rpc: -32602, fault: 'caller', title: 'No such tool.' },
  prompt_not_found: { status: 404, rpc: -32602, fault: 'caller', title: 'No such prompt.' },
  resource_not_found: { status: 404, rpc: -32602, fault: 'caller', title: 'No such resource.' },
  request_state_invalid: {
    status: 400,
    rpc: -32602,
    fault: 'caller',
    title: 'The requestState is unknown, expired, or belongs to another request.',
  },
  replica_lost: {
    status: 502,
    rpc: -32010,
    fault: 'gateway',
    title: 'The gateway process that worked on this has gone, or could not be heard.',
  },
  carried_too_large: {
    status: 502,
    rpc: -32010,
    fault: 'gateway',
    title: 'What one gateway process has for another one is too large to be carried.',
  },
  request_cancelled: { status: 499, rpc: -32800, fault: 'caller', title: 'The request was cancelled.' },
  question_unroutable: {
    status: 400,
    rpc: -32601,
    fault: 'caller',
    title: 'No client that can answer this request is known.',
  },
  upstream_unreachable: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The server behind the gateway cannot be reached.',
    isRetryable: true,
  },
  upstream_closed: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The server behind the gateway closed the connection before it answered.',
    isRetryable: true,
  },
  upstream_protocol: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The server behind the gateway answered with something that is not valid MCP.',
  },
  upstream_redirected: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The server behind the gateway redirects; redirects are not followed.',
  },
  upstream_too_large: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The answer of the server behind the gateway is too large.',
  },
  upstream_auth_failed: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: "The server behind the gateway refused the gateway's credential.",
  },
  credential_required: {
    status: 401,
    rpc: -32011,
    fault: 'caller',
    title: 'This server needs an account or a key of your own. Connect it, and call again.',
  },
  credential_variables_required: {
    status: 412,
    rpc: -32011,
    fault: 'caller',
    title: 'This server needs values of your own that are not set. Set them, and call again.',
  },
  credential_owner_required: {
    status: 401,
    rpc: -32011,
    fault: 'caller',
    title: 'This server needs a credential of a user or a team, and the token belongs to none.',
  },
  credential_unavailable: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The credential for this server cannot be had at the moment. Nothing was sent to it.',
    isRetryable: true,
  },
  oauth_refused: {
    status: 400,
    rpc: -32602,
    fault: 'caller',
    title: 'The authorization was not completed.',
  },
  oauth_server_failed: {
    status: 502,
    rpc: -32010,
    fault: 'upstream',
    title: 'The authorization server says what cannot be used.',
  },
  upstream_rate_limited: {
    status: 503,
    rpc: -32010,
    fault: 'upstream',
    title: 'The server behind the gateway asks to be called less often.',
    isRetryable: true,
  },
  upstream_timeout: {
    status: 504,
    rpc: -32008,
    fault: 'upstream',
    title: 'The server behind the gateway did not answer in time.',
    isRetryable: true,
  },
  egress_forbidden: {
    status: 502,
    rpc: -32010,
    fault: 'gateway',
    title: 'The gateway may not connect to the address of this server.',
  },
  credential_missing: {
    status: 502,
    rpc: -32010,
    fault: 'gateway',
    title: 'No credential for this server is available.',
  },
  gateway_unreachable: {
    status: 502,
    rpc: -32010,
    fault: 'gateway',
    title: 'The gateway cannot be reached, or does not answer as one.',
    isRetryable: true,
  },
  vault_unavailable: {
    status: 503,
    rpc: -32010,
    fault: 'gateway',
    title: 'The service that holds the master key cannot be asked at the moment.',
    isRetryable: true,
  },
  sealing_key_replaced: {
    status: 503,
    rpc: -32010,
    fault: 'gateway',
    title: 'The key that secrets are sealed with was replaced at this moment. Nothing was stored.',
    isRetryable: true,
  },
  config_invalid: { status: 500, rpc: -32602, fault: 'gateway', title: 'The configuration is not valid.' },
  shutting_down: {
    status: 503,
    rpc: -32603,
    fault: 'gateway',
    title: 'The gateway is shutting down.',
    isRetryable: true,
  },
  internal: { status: 500, rpc: -32603, fault: 'gateway', title: 'Something went wrong inside the gateway.' },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof errorCatalogue

/** What every failure of the gateway is. `details` is safe for the wire, `cause` is for the log only. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  /** The catalogue's, unless the caller's protocol revision has another number for the same failure. */
  readonly rpcCode: number

  constructor(code: ErrorCode, options: { details?: Record<string, unknown>; cause?: unknown; rpcCode?: number } = {}) {
    super(errorCatalogue[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.rpcCode = options.rpcCode ?? errorCatalogue[code].rpc
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }

  get isRetryable(): boolean {
    return 'isRetryable' in errorCatalogue[this.code]
  }
}

/** A failure of ours stays what it is; anything else is a defect and becomes `internal`. */
export function toGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError('internal', { cause: error })
}
