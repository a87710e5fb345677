/** Port: the keys that sign session tokens. Types only. The keys themselves stay with the adapter. */

export type SigningKey = {
  /** Eight lower-case hexadecimal digits; it stands in each token and says nothing of the key. */
  id: string
  /** HMAC-SHA256 of the text's UTF-8 bytes, in base64url without padding. */
  sign(text: string): string
  /** Whether this is the text's MAC. Takes as long for a wrong one as for the right one. */
  verifies(text: string, mac: string): boolean
}

/** Tokens are signed with the current key, and taken of both: so a key can be replaced while tokens of the old one live. */
export type SessionKeys = { current: SigningKey; previous: SigningKey | null }
