/** What is told where there is no credential to go out with. No secret is ever near these. */
import { GatewayError } from '#contract/errors.ts'
import type { StateReason, StoredState } from './stored-credential.ts'

/** What an owner must look at. */
export type Wanting = {
  /** The server's name. */
  server: string
  state: StoredState | 'missing'
  reason: StateReason | null
  connectUrl: string
}

export function credentialRequired({ server, state, reason, connectUrl }: Wanting): GatewayError {
  return new GatewayError('credential_required', {
    details: { server, state, ...(reason !== null && { reason }), connectUrl },
  })
}

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
