/** TLS that failed: whose certificate was not taken. Nothing of a certificate is kept, for its words are the other side's. */
import { GatewayError } from '#contract/errors.ts'

/** Alerts about a certificate (RFC 8446 §6.2), as OpenSSL names them. */
const refusingCode =
  /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3|SSL\/TLS)_ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA|ACCESS_DENIED)$/
/** The same by their numbers, which is all there is where the alert comes while something is written. */
const refusingAlert = /\balert number (?:4[2-689]|116)\b/

/** Codes of Node for a server's certificate that was not verified. */
const serverUnverified = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/**
 * Null: it is something else. `upstream_auth_failed`: the server took no certificate of ours, or asked for one that is not configured.
 * `upstream_unreachable`: nobody vouches for the server's. `details.reason` says which.
 */
export function toTlsFailure(error: unknown): GatewayError | null {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (refusingCode.test(code) || (code === 'EPROTO' && refusingAlert.test(messageOf(error))))
    return new GatewayError('upstream_auth_failed', { details: { reason: 'client_certificate' } })
  if (!serverUnverified.has(code)) return null
  return new GatewayError('upstream_unreachable', { details: { reason: 'server_certificate' } })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : ''
}
