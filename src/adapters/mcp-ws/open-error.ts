import { GatewayError } from '#contract/errors.ts'
import { toTlsFailure } from '#core/upstream/tls-failure.ts'
import { UpstreamRefused, type Refused } from '#core/upstream/upstream-refused.ts'

/** The HTTP status that a server gave instead of the upgrade. */
export function toStatusError(status: number, refused: Omit<Refused, 'status'>): GatewayError {
  const details = { status }
  if (status === 401 || status === 403) return new UpstreamRefused({ status, ...refused })
  if (status >= 300 && status < 400) return new GatewayError('upstream_redirected', { details })
  return new GatewayError('upstream_unreachable', { details })
}

/** @param context.isAnswered the server has agreed to the upgrade, and what is wrong is in its answer */
export function toOpenError(error: Error, context: { isAnswered: boolean }): GatewayError {
  if (error instanceof GatewayError) return error
  if (context.isAnswered) return new GatewayError('upstream_protocol', { cause: error })
  // The parser's error carries the bytes that it could not read, and those may repeat our credential: no cause.
  if (isHttpParserError(error)) return new GatewayError('upstream_protocol')
  return toTlsFailure(error) ?? new GatewayError('upstream_unreachable', { cause: error })
}

/** An address or a header that cannot be sent is our fault, not the server's, and trying again does not help. */
export function toConfigError(cause?: unknown): GatewayError {
  return new GatewayError('config_invalid', { details: { reason: 'address_or_header' }, cause })
}

/** Who opens has given up waiting. */
export function toAbortError(signal: AbortSignal): GatewayError {
  return new GatewayError('upstream_timeout', { cause: signal.reason })
}

function isHttpParserError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('HPE_')
}
