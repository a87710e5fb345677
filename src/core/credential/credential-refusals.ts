/** Why there is no credential to go out with, in words of ours: no secret is ever near these. */
import { GatewayError } from '#contract/errors.ts'

/** @param reason a word of ours. What caused it is not kept: it may be somebody else's words. */
export function credentialUnavailable(server: string, reason: string): GatewayError {
  return new GatewayError('credential_unavailable', { details: { server, reason } })
}

/** The word of ours that a failure of OAuth's client carries. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof GatewayError)) return 'internal'
  const { reason } = error.details
  return typeof reason === 'string' ? reason : error.code
}
