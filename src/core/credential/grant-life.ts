/** For how long what is stored is used, and when it is renewed. Times are Unix milliseconds. */
import type { StateReason, StoredCredential, StoredGrant, StoredState } from './stored-credential.ts'

export type GrantCredential = StoredCredential & { secret: StoredGrant }

const bufferMsMax = 60_000
/** Of a lifetime: a short one is usable, too. */
const bufferShare = 0.1

/** From when on a token is renewed that was given at `givenAt`. Infinity: it is not known to end. */
export function renewAtOf(givenAt: number, expiresAt: number | null): number {
  if (expiresAt === null) return Infinity
  return expiresAt - Math.min(bufferMsMax, Math.max(0, expiresAt - givenAt) * bufferShare)
}

/**
 * Until when a stored grant is used as it is. Each grant is stored with a change of state, so that this is when it was given. One that cannot be
 * renewed is used to its end.
 */
export function goodUntil({ secret, stateAt }: GrantCredential): number {
  return secret.refreshToken === null ? endOf(secret) : renewAtOf(stateAt, secret.expiresAt)
}

/** Infinity: it is not known to end. */
export function endOf({ expiresAt }: StoredGrant): number {
  return expiresAt ?? Infinity
}

const usableStates = new Set<StoredState>(['connected', 'expiring'])

/** Whether it may go out. What lacks scopes for some calls is good for all others. */
export function isUsable({ state, reason }: { state: StoredState; reason: StateReason }): boolean {
  return usableStates.has(state) || (state === 'needs_attention' && reason === 'more_scopes_needed')
}

export function isGrant(credential: StoredCredential): credential is GrantCredential {
  return credential.secret?.kind === 'oauth'
}
