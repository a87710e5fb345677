import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** Gives text to somebody who may neither read nor change it, and takes it back. */
export type Sealer = {
  /**
   * Base64url of: version (1 byte), nonce (12), ciphertext, tag (16). `context` says what the text is for and whose it is; it
   * is not in the result, and whoever opens must name the same.
   */
  seal(text: string, context: string): string
  /** Null where the text was changed, was sealed with another key or for another context, or is not ours at all. */
  open(sealed: string, context: string): string | null
}

const cipherName = 'aes-256-gcm'
const version = 1
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const envelopeBytes = 1 + nonceBytes + tagBytes

/** What `open` looks at. The text arrives from a caller. */
const sealedCharsMax = 1_048_576

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce and `context` as associated data. `key` is 32 random bytes. Random
 * nonces bound one key to 2^32 seals: use a key of this process, or renew it long before.
 */
export function createSealer(key: Uint8Array): Sealer {
  if (key.length !== keyBytes) throw new RangeError(`A sealing key has ${keyBytes} bytes.`)
  const secret = createSecretKey(key)
  return {
    seal: (text, context) => seal(secret, text, context),
    open: (sealed, context) => open(secret, sealed, context),
  }
}

function seal(key: KeyObject, text: string, context: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(context))
  const parts = [Buffer.of(version), nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(parts).toString('base64url')
}

function open(key: KeyObject, sealed: string, context: string): string | null {
  if (sealed.length > sealedCharsMax) return null
  const bytes = Buffer.from(sealed, 'base64url')
  // Node skips what is not base64url; one sealed text has one spelling.
  if (bytes.length < envelopeBytes || bytes[0] !== version || bytes.toString('base64url') !== sealed) return null
  const nonce = bytes.subarray(1, 1 + nonceBytes)
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const text = decipher.update(bytes.subarray(1 + nonceBytes, -tagBytes), undefined, 'utf8')
  try {
    return text + decipher.final('utf8')
  } catch {
    return null
  }
}
