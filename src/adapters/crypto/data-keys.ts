import { randomBytes } from 'node:crypto'
import type { DataKeys } from '#core/vault/data-keys.ts'
import { openBytes, sealBytes, toAesKey } from './aes-gcm.ts'
import { keyIdOf } from './derived-key.ts'

/** Keys of AES-256-GCM. */
export const aesDataKeys: DataKeys = {
  make: () => randomBytes(32),
  idOf: (key) => keyIdOf(Buffer.from(key)),
  toCipher(bytes) {
    const key = toAesKey(bytes)
    return {
      seal: (text, context) => sealBytes(key, Buffer.from(text), context),
      open: (payload, context) => openBytes(key, payload, context)?.toString() ?? null,
    }
  },
}
