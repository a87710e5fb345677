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
  /** The oldest first; tokens of one moment by id. */
  listTokens(): Promise<StoredToken[]>
  /**
   * Adds, or replaces the token of the same name or id in one step. A hash that another token has is refused: one secret
   * would speak for two.
   */
  putToken(token: StoredToken): Promise<void>
  /** Deleting an unknown id does nothing. */
  deleteToken(id: string): Promise<void>
}
