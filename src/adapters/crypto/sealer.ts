import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import type { Sealer } from '#core/credential/sealer.ts'
import { keyIdOf } from './derived-key.ts'

const cipherName = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const form = /^sealed1:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/

type Key = { id: string; secret: KeyObject }

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce, and `context` as associated data. Random nonces bound one key to 2^32 seals.
 * @param keys 32 random bytes each; sealed is with the current one, opened with either, so that a key can be replaced
 */
export function createSealer(keys: { current: Buffer; previous: Buffer | null }): Sealer {
  const current = toKey(keys.current)
  const known = [current, ...(keys.previous ? [toKey(keys.previous)] : [])]
  return {
    seal: (text, context) => `sealed1:${current.id}:${seal(current.secret, text, context)}`,
    open(sealed, context) {
      const [, id, payload] = form.exec(sealed) ?? []
      const key = known.find((one) => one.id === id)
      return key && payload !== undefined ? open(key.secret, payload, context) : null
    },
  }
}

function toKey(bytes: Buffer): Key {
  if (bytes.length !== keyBytes) throw new RangeError(`A sealing key has ${keyBytes} bytes.`)
  return { id: keyIdOf(bytes), secret: createSecretKey(bytes) }
}

function seal(key: KeyObject, text: string, context: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

function open(key: KeyObject, payload: string, context: string): string | null {
  const bytes = Buffer.from(payload, 'base64url')
  // Node skips what is not base64url; one sealed text has one spelling.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== payload) return null
  const decipher = createDecipheriv(cipherName, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8')
  try {
    return text + decipher.final('utf8')
  } catch {
    return null
  }
}
