/** Port: stored tokens. Types only. A token itself is never stored, only its SHA-256. */

export type StoredToken = {
  id: string
  name: string
  /** Lower-case hex SHA-256 of the whole token. */
  hash: string
  policies: readonly string[]
  /** Unix time in milliseconds, or null: never. */
  expiresAt: number | null
  createdAt: number
}

export interface TokenStore {
  listTokens(): Promise<StoredToken[]>
  /** Adds, or replaces the token of the same name in one step. */
  putToken(token: StoredToken): Promise<void>
  deleteToken(id: string): Promise<void>
}
