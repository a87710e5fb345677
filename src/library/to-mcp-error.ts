/** The engine's failures as the library's classes. */
import { GatewayError, type ErrorCode } from '#contract/errors.ts'
import {
  AuthenticationError,
  AuthorizationError,
  ConfigurationError,
  ConnectionError,
  McpError,
  ProtocolError,
  RateLimitExceededError,
  ServerAlreadyExistsError,
  ServerNotFoundError,
  TimeoutError,
  ToolNotFoundError,
  ValidationError,
} from './errors.ts'

export type ErrorPlace = { server: string; tool?: string | undefined }

/** A library error stays what it is; a failure of the engine becomes its class; anything else is a defect: `internal_error`. */
export function toMcpError(error: unknown, where: ErrorPlace): McpError {
  if (error instanceof McpError) return error
  if (error instanceof GatewayError) return builders[error.code](error, where)
  return new McpError('internal_error', 'Something went wrong inside the gateway.', { cause: error })
}

type Build = (error: GatewayError, where: ErrorPlace) => McpError

const protocol: Build = (cause) => new ProtocolError({ message: cause.message, httpStatus: cause.status, cause })
const authentication: Build = (cause, { server }) => new AuthenticationError({ server, message: cause.message, cause })
const upstreamAuthentication: Build = (cause, { server }) =>
  new AuthenticationError({ server, isUpstream: true, message: cause.message, cause })
/** What its owner has not given, or not finished giving: the caller's to mend, unlike a refusal. */
const ownersAuthentication: Build = (cause, { server }) =>
  new AuthenticationError({ server, isUpstream: true, message: cause.message, httpStatus: cause.status, cause })
const authorization: Build = (cause, where) => new AuthorizationError({ ...where, cause })
const connection: Build = (cause, { server }) => new ConnectionError({ server, message: cause.message, cause })
const rateLimit: Build = (cause, { server }) =>
  new RateLimitExceededError({ server, retryAfterMs: numberOf(cause, 'retryAfterMs'), message: cause.message, cause })

/** Every code of the catalogue is here: a new one does not compile until somebody has said what it is to a program. */
const builders: Readonly<Record<ErrorCode, Build>> = {
  unauthorized: authentication,
  forbidden: authorization,
  origin_forbidden: authorization,
  host_forbidden: authorization,
  not_found: protocol,
  method_not_allowed: protocol,
  not_acceptable: protocol,
  unsupported_media_type: protocol,
  body_too_large: protocol,
  body_timeout: protocol,
  body_too_deep: protocol,
  parse_error: protocol,
  invalid_request: protocol,
  batch_not_allowed: protocol,
  method_not_found: protocol,
  invalid_params: (cause, where) => new ValidationError({ ...where, errors: [reasonOf(cause)], cause }),
  header_mismatch: protocol,
  invalid_body: protocol,
  no_such_resource: protocol,
  already_exists: protocol,
  invalid_header: protocol,
  version_conflict: protocol,
  still_referenced: protocol,
  dangling_reference: protocol,
  idempotency_conflict: protocol,
  outcome_unknown: (cause) => new McpError('internal_error', cause.message, { cause }),
  invalid_binding: protocol,
  read_only: protocol,
  exceeds_creator: authorization,
  token_inactive: protocol,
  too_many_tokens: protocol,
  last_admin: protocol,
  person_required: authorization,
  storage_unavailable: connection,
  vault_unavailable: connection,
  sealing_key_replaced: connection,
  missing_client_capability: protocol,
  unsupported_protocol_version: protocol,
  session_required: protocol,
  session_not_found: protocol,
  event_unknown: protocol,
  session_over: authorization,
  wrong_status: protocol,
  server_not_attached: authorization,
  too_many_sessions: rateLimit,
  rate_limited: rateLimit,
  server_not_found: (cause, { server }) => new ServerNotFoundError({ server, cause }),
  server_exists: (cause, { server }) => new ServerAlreadyExistsError({ server, cause }),
  tool_not_found: (cause, { server, tool = '' }) => new ToolNotFoundError({ server, tool, cause }),
  prompt_not_found: protocol,
  resource_not_found: protocol,
  request_state_invalid: protocol,
  request_cancelled: (cause) => new McpError('request_cancelled', cause.message, { cause }),
  question_unroutable: protocol,
  replica_lost: connection,
  carried_too_large: protocol,
  upstream_unreachable: connection,
  upstream_closed: connection,
  upstream_protocol: protocol,
  upstream_redirected: protocol,
  upstream_too_large: protocol,
  upstream_auth_failed: upstreamAuthentication,
  upstream_rate_limited: rateLimit,
  upstream_timeout: (cause, { server }) => new TimeoutError({ server, timeoutMs: numberOf(cause, 'timeoutMs'), cause }),
  egress_forbidden: connection,
  credential_missing: upstreamAuthentication,
  credential_required: ownersAuthentication,
  credential_variables_required: ownersAuthentication,
  credential_owner_required: ownersAuthentication,
  credential_unavailable: upstreamAuthentication,
  oauth_refused: ownersAuthentication,
  oauth_server_failed: upstreamAuthentication,
  config_invalid: (cause) => new ConfigurationError({ errors: [reasonOf(cause)], cause }),
  gateway_unreachable: connection,
  shutting_down: (cause) => new McpError('shutting_down', cause.message, { cause }),
  internal: (cause) => new McpError('internal_error', cause.message, { cause }),
}

function numberOf(error: GatewayError, detail: string): number | undefined {
  const value = error.details[detail]
  return typeof value === 'number' ? value : undefined
}

function reasonOf(error: GatewayError): string {
  const { reason, path, header = path } = error.details
  if (typeof reason !== 'string') return error.message
  return typeof header === 'string' ? `${header}: ${reason}` : reason
}
