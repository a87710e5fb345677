/** The keys that seal what is stored, as this installation has them. */
import { aesDataKeys } from '#adapters/crypto/data-keys.ts'
import { createLocalWrapper } from '#adapters/crypto/local-wrapper.ts'
import type { Database } from '#adapters/sql/database.ts'
import { createSqlKeyStore } from '#adapters/sql/key-store.ts'
import { createSqlSealedPlaces } from '#adapters/sql/sealed-places.ts'
import type { VaultConfig } from '#config/vault.ts'
import { KeyRing, type KeyRingDeps } from '#core/vault/key-ring.ts'
import type { KeyStore } from '#core/vault/key-store.ts'
import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { resealAll } from '#core/vault/reseal.ts'
import type { SealedPlace } from '#core/vault/sealed-place.ts'
import { createVault, type Vault } from '#core/vault/vault.ts'
import { formerSealerOf } from './derived-keys.ts'
import type { SecretKey } from './secret-key.ts'
import { systemClock } from './system-clock.ts'

export type VaultParts = {
  vault: Vault
  ring: KeyRing
  store: KeyStore
  places: readonly SealedPlace[]
}

export type VaultOptions = {
  secret: SecretKey
  config: VaultConfig
  env: Readonly<Record<string, string | undefined>>
}

/**
 * After a change of the master key everything hangs on the new one when this resolves: the one before is not needed any more.
 * @throws GatewayError `config_invalid` where the data keys are under another master key, `vault_unavailable`
 */
export async function openVault(database: Database, options: VaultOptions): Promise<VaultParts> {
  const deps = await ringDepsOf(database, options)
  return toParts(database, await KeyRing.open(deps), options)
}

/** With a new data key in the place of one that nobody can unwrap. @throws GatewayError `vault_unavailable` */
export async function openVaultAnyhow(database: Database, options: VaultOptions): Promise<VaultParts> {
  const deps = await ringDepsOf(database, options)
  return toParts(database, await KeyRing.openAnyhow(deps), options)
}

export async function ringDepsOf(database: Database, options: VaultOptions): Promise<KeyRingDeps> {
  const [wrapper, ...formerWrappers] = await wrappersOf(options)
  return { store: createSqlKeyStore(database), wrapper, formerWrappers, keys: aesDataKeys, clock: systemClock }
}

async function toParts(database: Database, ring: KeyRing, { secret }: VaultOptions): Promise<VaultParts> {
  const vault = createVault(ring, formerSealerOf(secret))
  const places = createSqlSealedPlaces(database)
  if (secret.previous !== null) await leaveFormerKey(vault, places)
  return { vault, ring, store: createSqlKeyStore(database), places }
}

async function wrappersOf({ secret, config, env }: VaultOptions): Promise<[KeyWrapper, ...KeyWrapper[]]> {
  const local = createLocalWrapper(secret.current)
  const before = secret.previous === null ? [] : [createLocalWrapper(secret.previous)]
  const transit = config.kind === 'transit' ? config : config.previous
  if (transit === undefined) return [local, ...before]
  const { createTransitWrapper } = await import('#adapters/vault/transit-wrapper.ts')
  const remote = createTransitWrapper(transit, env)
  return config.kind === 'transit' ? [remote, local, ...before] : [local, ...before, remote]
}

/** What was sealed before there were data keys is under keys that are derived from the master key itself. */
async function leaveFormerKey(vault: Vault, places: readonly SealedPlace[]): Promise<void> {
  for (const place of places) {
    const count = (await place.count()).get('') ?? 0
    if (count > 0) await resealAll(vault, [place], { afterEach: () => Promise.resolve() })
  }
}
