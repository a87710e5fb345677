import type { Resource } from '#core/resources/resource-store.ts'
import { keyStoreContract } from '#test/contracts/key-store.ts'
import { sealedPlacesContract, type SealedParts } from '#test/contracts/sealed-places.ts'
import { onEachDatabase } from '#test/support/databases.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import type { Database } from './database.ts'
import { createSqlIdempotencyStore } from './idempotency-store.ts'
import { createSqlKeyStore } from './key-store.ts'
import { createSqlResourceStore } from './resource-store.ts'
import { createSqlSealedPlaces } from './sealed-places.ts'

function toUsed(database: Database) {
  const store = createSqlKeyStore(database)
  const resources = createSqlResourceStore({ database })
  const use = async (id: string): Promise<void> => {
    const sealed = { ...resource('server', 'one'), spec: { sealed: `sealed2:${id}:AAAA` } } as unknown as Resource
    await resources.write([create(sealed)])
  }
  return { store, use }
}

function toParts(database: Database): SealedParts {
  return {
    keys: createSqlKeyStore(database),
    resources: createSqlResourceStore({ database }),
    idempotency: createSqlIdempotencyStore(database),
    places: createSqlSealedPlaces(database),
  }
}

onEachDatabase((open) => {
  keyStoreContract(async () => toUsed(await open()))
  sealedPlacesContract(async () => toParts(await open()))
})
