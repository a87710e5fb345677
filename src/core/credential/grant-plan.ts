/** How one grant is renewed, and what is told where there is none. Types only. */
import type { GatewayError } from '#contract/errors.ts'
import type { CredentialPlace } from './credential-book.ts'
import type { TokenSource } from './oauth-client.ts'
import type { StateReason, StoredCredential, StoredGrant, StoredState } from './stored-credential.ts'

export type GrantPlan = CredentialPlace & {
  /** For errors. */
  serverName: string
  /** Whether the server's definition can use it: it is of its issuer, for its client and for its resource. */
  fits(grant: StoredGrant, stored: StoredCredential): boolean
  /** Where it is renewed, and as whom. Rejects as `OAuthClient` does. */
  source(grant: StoredGrant): Promise<TokenSource>
  /** `credential_required` */
  refusal(state: StoredState | 'missing', reason: StateReason | null): GatewayError
}

export type KeptGrant = {
  grant: StoredGrant
  /** Unix time in milliseconds until which it is used without asking again; Infinity: it is not known to end. */
  goodUntil: number
}
