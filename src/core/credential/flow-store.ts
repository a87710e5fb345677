/**
 * Port: authorizations that somebody has begun in a browser, until the browser comes back. Types only.
 *
 * Each is taken once: an answer that comes a second time finds nothing, and for a while it is told that it was there before.
 */
import type { AuthorizationServer } from './oauth-client.ts'
import type { CredentialOwner } from './stored-credential.ts'

export type Flow = {
  /** SHA-256 of the state, lower-case hexadecimal: who reads the store can answer for nobody. */
  id: string
  /** The server's id. */
  server: string
  /** The host of its address when the flow began: what comes of it is for this one. */
  host: string | null
  owner: CredentialOwner
  /** The id of the user who began. */
  startedBy: string
  /** SHA-256 of what this user's browser has in its cookie. */
  browser: string
  /** As it said it is when the flow began: the answer is for this one and no other (RFC 9700 §4.4.2). */
  authorizationServer: AuthorizationServer
  clientId: string
  /** Sealed. */
  codeVerifier: string
  redirectUri: string
  resource: string | null
  scopes: readonly string[] | null
  /** Of the question (MCP, elicitation in URL mode) that led here; null: somebody came by themselves. */
  elicitationId: string | null
  /** Unix milliseconds. */
  createdAt: number
  expiresAt: number
}

/** - `unknown`: there was none, or so long ago that nobody remembers. */
export type TakenFlow = { state: 'taken'; flow: Flow } | { state: 'expired' | 'replayed' | 'unknown' }

export interface FlowStore {
  /** @param rememberUntil Unix milliseconds; until then it is known that it was there. Not before it expires */
  put(flow: Flow, rememberUntil: number): Promise<void>
  /** One of those who ask at the same time gets it. */
  take(id: string, now: number): Promise<TakenFlow>
  /** At most `limit` of those that nobody needs to remember. @returns how many */
  deleteForgotten(now: number, limit: number): Promise<number>
}
