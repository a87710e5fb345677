/** How a stored credential goes from one state to the next. Each step gives what is to be stored, and stores nothing. */
import type { GrantCredential } from './grant-life.ts'
import type { TokenSet } from './oauth-client.ts'
import type { StateReason, StoredCredential, StoredGrant } from './stored-credential.ts'

/** Times are Unix milliseconds. */
export function toClaimed(credential: StoredCredential, until: number): StoredCredential {
  return { ...credential, renewingUntil: until }
}

export function toUnclaimed(credential: StoredCredential): StoredCredential {
  return { ...credential, renewingUntil: null }
}

/** What waits for more scopes goes on waiting: a renewal brings none. */
export function toRenewed(credential: StoredCredential, grant: StoredGrant, at: number): GrantCredential {
  const isWaiting = credential.state === 'needs_attention' && credential.reason === 'more_scopes_needed'
  const state = isWaiting ? {} : { state: 'connected' as const, reason: 'renewed' as const }
  return { ...credential, ...state, stateAt: at, secret: grant, renewingUntil: null }
}

/** RFC 6749 §6: what an answer does not say stays as it was. */
export function renewedGrant(grant: StoredGrant, tokens: TokenSet): StoredGrant {
  return {
    ...grant,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? grant.refreshToken,
    idToken: tokens.idToken ?? grant.idToken,
    expiresAt: tokens.expiresAt,
    scopes: tokens.scopes ?? grant.scopes,
  }
}

/** Its owner must do something. What is stored is kept, and is not used any more. */
export function toAttention(credential: StoredCredential, reason: StateReason, at: number): StoredCredential {
  return { ...credential, state: 'needs_attention', reason, stateAt: at, renewingUntil: null }
}

/** Its calls go on with what was granted; who asks for more is told. */
export function toMoreScopes(credential: StoredCredential, scopes: readonly string[], at: number): StoredCredential {
  const known = credential.scopesWanted ?? []
  const scopesWanted = [...new Set([...known, ...scopes])]
  const { renewingUntil } = credential
  return { ...toAttention(credential, 'more_scopes_needed', at), scopesWanted, renewingUntil }
}

export function toExpiring(credential: StoredCredential, at: number): StoredCredential {
  return { ...credential, state: 'expiring', reason: 'ends_soon', stateAt: at }
}
