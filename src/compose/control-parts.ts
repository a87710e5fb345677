/** The use cases' ports, as this process has them. */
import { createArgon2PasswordHasher } from '#adapters/crypto/password.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import { deriveKey } from '#adapters/crypto/derived-key.ts'
import { createSealer } from '#adapters/crypto/sealer.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import type { Principals } from '#core/identity/principals.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import type { RestDeps } from '#http/rest/handlers.ts'
import { createChangeLog } from './change-log.ts'
import type { SecretKey } from './secret-key.ts'
import type { State } from './state.ts'
import { systemClock } from './system-clock.ts'

export function createControlParts(state: State, principals: Principals, secret: SecretKey): RestDeps {
  const { store, snapshot, audit, feed } = state
  return {
    store,
    index: snapshot,
    clock: systemClock,
    newId: randomId,
    changes: createChangeLog(audit),
    announce: (upTo) => feed.reach(upTo),
    canReach: ({ token }, server) =>
      token !== null && (principals.byDigest(token.spec.digest)?.access.mayReach(server) ?? false),
    secrets: { mint: mintToken, hash: hashToken },
    passwords: createArgon2PasswordHasher(),
    counters: createMemoryCounters({ clock: systemClock }),
    keys: signingKeys(secret),
  }
}

/** What seals secrets at rest. */
export function sealerOf(secret: SecretKey): Sealer {
  return createSealer(each(secret, 'sealing'))
}

function signingKeys(secret: SecretKey): SessionKeys {
  return createSessionKeys(each(secret, 'signing'))
}

function each({ current, previous }: SecretKey, use: string): SecretKey {
  return { current: deriveKey(current, use), previous: previous && deriveKey(previous, use) }
}
