/** What the one secret of an installation is used for. Each use has a key of its own: who has one of them has none of the others. */
import { deriveKey } from '#adapters/crypto/derived-key.ts'
import { createSealer } from '#adapters/crypto/sealer.ts'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import type { SecretKey } from './secret-key.ts'

/** Opens what was sealed before there were data keys. */
export function formerSealerOf(secret: SecretKey): Sealer {
  return createSealer(derived(secret, 'sealing'))
}

/** Links and flows live for a day at most, so they need no data key that can be rotated. */
export function linkSealerOf(secret: SecretKey): Sealer {
  return createSealer(derived(secret, 'connect links'))
}

/** What signs the tokens of agents' sessions. */
export function sessionKeysOf(secret: SecretKey): SessionKeys {
  return createSessionKeys(derived(secret, 'signing'))
}

/** What signs the states that clients of this installation bring back, the newest first. */
export function stateSecretsOf(secret: SecretKey): string[] {
  const { current, previous } = derived(secret, 'request states')
  return [current, previous].flatMap((key) => (key ? [key.toString('base64')] : []))
}

function derived({ current, previous }: SecretKey, use: string): SecretKey {
  return { current: deriveKey(current, use), previous: previous && deriveKey(previous, use) }
}
