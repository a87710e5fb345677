import { operatorEgress } from '#compose/egress.ts'
import { createOAuth } from '#compose/oauth.ts'
import { createGatewayCredentials, type ServerCredentials } from '#compose/server-credentials.ts'
import { fixedCredential } from '#core/credential/fixed-credential.ts'
import type { Lease, ServerCredential } from '#core/credential/lease.ts'

export function leaseOf(headers: readonly string[] = []): Lease {
  return { owner: '', headers }
}

export const noCredential: ServerCredential = fixedCredential([])

const oneLease = leaseOf()

/** What a test of the pool's needs no credential for. */
export const unleased = { lease: () => oneLease, renew: () => Promise.reject(new Error('nothing to renew')) }

export const nobodysHolder = { userId: null, teamId: null }

/** Those that a gateway has of its own. */
export function gatewayCredentials(): ServerCredentials {
  return createGatewayCredentials(createOAuth({ ofAddress: () => operatorEgress }))
}
