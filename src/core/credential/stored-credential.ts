/** What an owner has given for one server, as it is stored. Types only. */

import type { ConnectionState } from '#contract/connection.ts'
import type { ClientAuth } from './oauth-client.ts'

/** Ids. The gateway itself has none. */
export type CredentialOwner = { kind: 'user' | 'team'; ref: string } | { kind: 'gateway'; ref: '' }

export type StoredState = Exclude<ConnectionState, 'missing'>

export type StateReason =
  | 'connected'
  | 'renewed'
  | 'began'
  | 'abandoned'
  | 'declined'
  | 'refused_by_server'
  | 'more_scopes_needed'
  | 'grant_ended'
  | 'cannot_be_renewed'
  | 'ends_soon'
  | 'revoked'

export type StoredGrant = {
  kind: 'oauth'
  accessToken: string
  refreshToken: string | null
  idToken: string | null
  /** Unix time in milliseconds; null: not known. */
  expiresAt: number | null
  scopes: readonly string[] | null
  /** Who issued it, and to which client: it is used with these and no others. */
  issuer: string
  clientId: string
  resource: string | null
  /** When its owner connected it, in Unix milliseconds: a renewal leaves that as it is. */
  givenAt?: number
}

/** The value of a static credential that each owner gives, by the names of its parts: `token`, or `username` and `password`. */
export type StoredKey = { kind: 'key'; parts: Readonly<Record<string, string>> }

/** What the gateway is to an authorization server that took its registration (RFC 7591), for one server; asked for anew when the issuer changes. */
export type StoredClient = {
  kind: 'client'
  issuer: string
  redirectUri: string
  clientId: string
  auth: ClientAuth
  /** Unix time in milliseconds; null: never. */
  expiresAt: number | null
}

export type StoredCredential = {
  /** The server's id. */
  server: string
  /** Where the server was when it was given, see `given-for.ts`; missing in what nobody has given. */
  origin?: string
  owner: CredentialOwner
  state: StoredState
  reason: StateReason
  /** Unix time in milliseconds of the last change of state. */
  stateAt: number
  /** Null where nothing is there, or nothing any more. */
  secret: StoredGrant | StoredKey | StoredClient | null
  /** Scopes that the server asked for and that were not granted: the next authorization asks for these as well. */
  scopesWanted?: readonly string[]
  /** The owner's own values of the server's variables. */
  variables: Readonly<Record<string, string>>
  /** Somebody renews it, and has until then. Unix time in milliseconds. */
  renewingUntil: number | null
}
