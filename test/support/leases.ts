import { fixedCredential } from '#core/credential/fixed-credential.ts'
import type { Lease, ServerCredential } from '#core/credential/lease.ts'

export function leaseOf(headers: readonly string[] = []): Lease {
  return { owner: '', headers }
}

export const noCredential: ServerCredential = fixedCredential([])

/** What a test of the pool's needs no credential for. */
export const unleased = { lease: () => leaseOf(), renew: () => Promise.reject(new Error('nothing to renew')) }

export const nobodysHolder = { userId: null, teamId: null }
