/**
 * Seals under a key that is derived from the secret of the installation: what comes back soon, and, of what is stored, that which was stored
 * before there were data keys.
 */
import type { KeyObject } from 'node:crypto'
import type { Sealer } from '#core/credential/sealer.ts'
import { openBytes, sealBytes, toAesKey } from './aes-gcm.ts'
import { keyIdOf } from './derived-key.ts'

const form = /^sealed1:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/

type Key = { id: string; secret: KeyObject }

/**
 * Texts are `sealed1:`, the key's id, `:`, and base64url.
 * @param keys 32 random bytes each; sealed is with the current one, opened with either, so that a key can be replaced
 */
export function createSealer(keys: { current: Buffer; previous: Buffer | null }): Sealer {
  const current = toKey(keys.current)
  const known = [current, ...(keys.previous ? [toKey(keys.previous)] : [])]
  return {
    seal: (text, context) => `sealed1:${current.id}:${sealBytes(current.secret, Buffer.from(text), context)}`,
    open(sealed, context) {
      const [, id, payload] = form.exec(sealed) ?? []
      const key = known.find((one) => one.id === id)
      return key && payload !== undefined ? (openBytes(key.secret, payload, context)?.toString() ?? null) : null
    },
  }
}

function toKey(bytes: Buffer): Key {
  return { id: keyIdOf(bytes), secret: toAesKey(bytes) }
}
