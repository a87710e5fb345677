/** A server's one credential, which is in its definition: the gateway's own, and the same for every caller. */
import { GatewayError } from '#contract/errors.ts'
import type { Lease, ServerCredential } from './lease.ts'

/**
 * @param headers credential and static headers, flat and lower case
 * @param path see Lease
 */
export function fixedCredential(headers: readonly string[], path?: string): ServerCredential {
  const lease: Lease = { owner: '', headers, ...(path !== undefined && { path }) }
  return {
    ownerOf: () => '',
    lease: () => lease,
    rejected: (_lease, { status }) => Promise.reject(new GatewayError('upstream_auth_failed', { details: { status } })),
  }
}
