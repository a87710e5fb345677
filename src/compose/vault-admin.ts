/** The vault of an installation without its gateway, which may run on the same database at the same time. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '#adapters/sql/database.ts'
import { createSqlKeyStore } from '#adapters/sql/key-store.ts'
import { createSqlSealedPlaces } from '#adapters/sql/sealed-places.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { GatewayError } from '#contract/errors.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import { beginRotation, finishRotation, type RotationDeps, type RotationEnd } from '#core/vault/rotate-keys.ts'
import { forgetUnreadable, type Forgotten } from '#core/vault/forget-lost.ts'
import { findLostKeys } from '#core/vault/key-ring.ts'
import type { SealedPlace } from '#core/vault/sealed-place.ts'
import type { RotationWatch, SealedCount, VaultAdmin } from '#core/vault/vault-admin.ts'
import { recordKeyRotation } from '#gateway/record.ts'
import { readSecretKey, secretFolder } from './secret-key.ts'
import { databasePath, openStorage } from './state.ts'
import { systemClock } from './system-clock.ts'
import { openVault, openVaultAnyhow, ringDepsOf, type VaultOptions, type VaultParts } from './vault.ts'

export type AdminPlace = {
  config: LoadedConfig
  /** Of the command line. */
  dataPath: string | undefined
  env: Readonly<Record<string, string | undefined>>
}

/** Longer than a gateway with a file waits between two tries to write: it gets its turn. */
const pauseMs = 25

/** @throws GatewayError `config_invalid` where there is no database yet, or it cannot be opened, `storage_unavailable` */
export async function openVaultAdmin({ config, env, ...place }: AdminPlace): Promise<VaultAdmin> {
  const dataPath = place.dataPath ?? config.storage.path
  const { postgres } = config.storage
  if (postgres === undefined && !existsSync(databasePath(dataPath))) throw noDatabase(dataPath)
  const database = await openStorage(dataPath, postgres)
  const store = createSqlKeyStore(database)
  const places = createSqlSealedPlaces(database)
  /** The keys are read where they are needed: to look at what is there asks for none. */
  const options = (): VaultOptions => ({
    secret: readSecretKey(env, secretFolder(config.storage, dataPath)),
    config: config.vault,
    env,
  })
  return {
    status: async () => ({ now: systemClock.now(), keys: await store.list(), counts: await countAll(places) }),
    rotate: async (watch) => rotate(database, await openVault(database, options()), watch),
    lostKeys: async () => findLostKeys(await ringDepsOf(database, options())),
    forget: async () => forget(database, await openVaultAnyhow(database, options())),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

async function rotate(
  database: Database,
  parts: RotationDeps,
  { onBegin, onProgress }: RotationWatch,
): Promise<RotationEnd> {
  const rotation = await beginRotation(parts)
  const { keyId, isResumed } = rotation
  await record(database, keyId, isResumed ? 'went on' : 'began')
  onBegin(rotation, await countOthers(parts, keyId))
  let done = 0
  const end = await finishRotation(parts, {
    afterEach: async (count) => {
      onProgress((done += count))
      await delay(pauseMs)
    },
  })
  const kept = end.kept.length === 0 ? '' : `; kept ${end.kept.join(', ')}`
  await record(database, keyId, `sealed ${end.resealed} anew; deleted ${end.deleted.join(', ') || 'none'}${kept}`)
  return end
}

async function forget(database: Database, parts: VaultParts): Promise<Forgotten> {
  const forgotten = await forgetUnreadable(parts)
  const names = forgotten.deleted.map(({ id }) => id).join(', ') || 'nothing'
  await record(database, parts.vault.keyId, `lost keys ${forgotten.keys.join(', ') || 'none'}; forgot ${names}`)
  return forgotten
}

async function record(database: Database, keyId: string, reason: string): Promise<void> {
  const records: AuditRecord[] = []
  const audit = { take: (record: AuditRecord) => void records.push(record) }
  recordKeyRotation(audit, { at: systemClock.now(), keyId, reason })
  await database.insertAuditEvents(records)
}

async function countAll(places: readonly SealedPlace[]): Promise<SealedCount[]> {
  const counts = await Promise.all(
    places.map(async (place) =>
      [...(await place.count())].map(([keyId, count]) => ({ place: place.name, keyId: keyId || null, count })),
    ),
  )
  return counts.flat()
}

async function countOthers({ places }: Pick<RotationDeps, 'places'>, keyId: string): Promise<number> {
  const others = (await countAll(places)).filter((one) => one.keyId !== keyId)
  return others.reduce((sum, { count }) => sum + count, 0)
}

function noDatabase(dataPath: string): GatewayError {
  const reason = `There is no database in ${dataPath}: a gateway makes it at its first start. Choose another folder with --data-dir.`
  return new GatewayError('config_invalid', { details: { reason } })
}
