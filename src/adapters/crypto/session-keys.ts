import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto'
import { keyIdOf } from './derived-key.ts'
import type { SessionKeys, SigningKey } from '#core/session/session-keys.ts'

/** RFC 2104: a key shorter than the hash is weaker than the hash. */
const signingKeyBytesMin = 32

/** @param keys the secrets themselves, at least 32 bytes each; `previous` null where none is to be taken any more */
export function createSessionKeys({ current, previous }: { current: Buffer; previous: Buffer | null }): SessionKeys {
  return { current: createSigningKey(current), previous: previous && createSigningKey(previous) }
}

function createSigningKey(secret: Buffer): SigningKey {
  if (secret.length < signingKeyBytesMin) throw new RangeError('A signing key has at least 32 bytes.')
  const key = createSecretKey(secret)
  return {
    id: keyIdOf(secret),
    sign: (text) => mac(key, text, 'base64url'),
    verifies: (text, given) => isSame(mac(key, text, 'base64url'), given),
  }
}

function mac(key: KeyObject, text: string, encoding: 'hex' | 'base64url' = 'hex'): string {
  return createHmac('sha256', key).update(text).digest(encoding)
}

/** The texts are compared and not what they stand for: of one MAC there is one text. */
function isSame(right: string, given: string): boolean {
  const [one, other] = [Buffer.from(right), Buffer.from(given)]
  return one.length === other.length && timingSafeEqual(one, other)
}
