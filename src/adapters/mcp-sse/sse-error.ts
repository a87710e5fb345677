import errors from 'undici/lib/core/errors.js'
import { GatewayError } from '#contract/errors.ts'
import { toTlsFailure } from '#core/upstream/tls-failure.ts'
import { UpstreamRefused, type Refused } from '#core/upstream/upstream-refused.ts'

/** An HTTP status that is no success, of the stream or of a POST. */
export function toStatusError(status: number, refused: Omit<Refused, 'status'>): GatewayError {
  const details = { status }
  if (status === 401 || status === 403) return new UpstreamRefused({ status, ...refused })
  if (status >= 300 && status < 400) return new GatewayError('upstream_redirected', { details })
  if (status === 429) return new GatewayError('upstream_rate_limited', { details })
  return new GatewayError('upstream_unreachable', { details })
}

/** Why the stream did not open. */
export function toConnectError(error: Error): GatewayError {
  return toKnownError(error) ?? new GatewayError('upstream_unreachable', { cause: error })
}

const brokenCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_DESTROYED', 'UND_ERR_ABORTED'])

/** Why a POST got no answer. */
export function toPostError(error: Error): GatewayError {
  const known = toKnownError(error)
  if (known !== null) return known
  const code = brokenCodes.has(codeOf(error)) ? 'upstream_closed' : 'upstream_unreachable'
  return new GatewayError(code, { cause: error })
}

/** An address or a header that cannot be sent is our fault, not the server's, and trying again does not help. */
export function toConfigError(cause?: unknown): GatewayError {
  return new GatewayError('config_invalid', { details: { reason: 'address_or_header' }, cause })
}

/** Who opens has given up waiting. */
export function toAbortError(signal: AbortSignal): GatewayError {
  return new GatewayError('upstream_timeout', { cause: signal.reason })
}

/** A flat list of names and values without the headers of these (lower-case) names. */
export function withoutHeaders(headers: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (!names.includes(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '')
  }
  return kept
}

function toKnownError(error: Error): GatewayError | null {
  if (error instanceof GatewayError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return toConfigError(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new GatewayError('upstream_timeout', { cause: error })
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return new GatewayError('upstream_protocol', { cause: error })
  // The parser's error carries the bytes that it could not read, and those may repeat our credential: no cause.
  if (error instanceof errors.HTTPParserError) return new GatewayError('upstream_protocol')
  return toTlsFailure(error)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function firstOf(value: string | string[] | undefined): string | null {
  return (typeof value === 'string' ? value : value?.[0]) ?? null
}
