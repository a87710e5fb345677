/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce, and a context as associated data. Random nonces bound one key to 2^32 texts.
 * What comes out is base64url of nonce, ciphertext and tag.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'

const cipherName = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** @throws RangeError unless it has 32 bytes */
export function toAesKey(bytes: Uint8Array): KeyObject {
  if (bytes.length !== keyBytes) throw new RangeError(`A sealing key has ${keyBytes} bytes.`)
  return createSecretKey(bytes)
}

export function sealBytes(key: KeyObject, bytes: Uint8Array, context: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** Null where it was changed, or sealed under another key, or for another context. */
export function openBytes(key: KeyObject, payload: string, context: string): Buffer | null {
  const bytes = Buffer.from(payload, 'base64url')
  // Node skips what is not base64url; one sealed text has one spelling.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== payload) return null
  const decipher = createDecipheriv(cipherName, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const opened = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
  try {
    return Buffer.concat([opened, decipher.final()])
  } catch {
    return null
  }
}
