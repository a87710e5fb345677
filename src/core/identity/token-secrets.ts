/** Port: the secrets of tokens. Types only. */

export interface TokenSecrets {
  /** A new bearer, to be shown once, and its digest. */
  mint(): { raw: string; hash: string }
  /** Lower-case hex SHA-256 of the whole bearer. */
  hash(raw: string): string
}
