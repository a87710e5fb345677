/** Vaults as a gateway has them, whose keys end with the test. */
import { aesDataKeys } from '#adapters/crypto/data-keys.ts'
import { createLocalWrapper } from '#adapters/crypto/local-wrapper.ts'
import { createMemoryKeyStore } from '#adapters/memory/key-store.ts'
import { formerSealerOf } from '#compose/derived-keys.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import { KeyRing, type KeyRingDeps } from '#core/vault/key-ring.ts'
import type { KeyStore } from '#core/vault/key-store.ts'
import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { createVault, type Vault } from '#core/vault/vault.ts'

export type TestVault = { vault: Vault; ring: KeyRing; store: KeyStore }

export type VaultSetting = {
  /** Each letter another master key. */
  letter?: string
  previous?: string
  store?: KeyStore
  wrapper?: KeyWrapper
  /** With a new key in the place of one that cannot be unwrapped. */
  isAnyhow?: boolean
}

export function secretOf(letter: string): Buffer {
  return Buffer.from(letter.repeat(32))
}

export async function openTestVault(setting: VaultSetting = {}): Promise<TestVault> {
  const { letter = 'a', previous, store = createMemoryKeyStore() } = setting
  const former = previous === undefined ? null : secretOf(previous)
  const deps: KeyRingDeps = {
    store,
    wrapper: setting.wrapper ?? createLocalWrapper(secretOf(letter)),
    formerWrappers: former ? [createLocalWrapper(former)] : [],
    keys: aesDataKeys,
    clock: { now: Date.now },
  }
  const ring = await (setting.isAnyhow === true ? KeyRing.openAnyhow(deps) : KeyRing.open(deps))
  return { vault: createVault(ring, formerSealer(letter, previous)), ring, store }
}

/** As secrets were sealed before there were data keys. */
export function formerSealer(letter: string, previous?: string): Sealer {
  return formerSealerOf({
    current: secretOf(letter),
    previous: previous === undefined ? null : secretOf(previous),
  })
}
