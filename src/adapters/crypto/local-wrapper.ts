import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { openBytes, sealBytes, toAesKey } from './aes-gcm.ts'
import { deriveKey, keyIdOf } from './derived-key.ts'

/** Wraps under a key that is derived from the secret of the installation. */
export function createLocalWrapper(secret: Buffer): KeyWrapper {
  const bytes = deriveKey(secret, 'wrapping')
  const key = toAesKey(bytes)
  return {
    id: `local:${keyIdOf(bytes)}`,
    wrap: (dataKey, context) => Promise.resolve(sealBytes(key, dataKey, context)),
    unwrap: (text, context) => Promise.resolve(openBytes(key, text, context)),
  }
}
