import { hash, randomBytes } from 'node:crypto'
import { tokenChecksum, tokenPrefix } from '#core/identity/token-form.ts'

/**
 * Lower-case hex SHA-256 of the whole token: what is stored and looked up. A fast hash is enough, because a token is 256
 * random bits and not a word that somebody thought of.
 */
export function hashToken(raw: string): string {
  return hash('sha256', raw, 'hex')
}

/** A new token in the minted form of `#core/identity/token-form.ts`. `raw` is shown once; only `hash` is kept. */
export function mintToken(): { raw: string; hash: string } {
  const body = tokenPrefix + randomBytes(32).toString('base64url')
  const raw = body + tokenChecksum(body)
  return { raw, hash: hashToken(raw) }
}
