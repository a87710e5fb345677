import { afterEach, describe } from 'vitest'
import type { Resource } from '#core/resources/resource-store.ts'
import { keyStoreContract } from '#test/contracts/key-store.ts'
import { sealedPlacesContract, type SealedParts } from '#test/contracts/sealed-places.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { type Database, openDatabase } from './database.ts'
import { createSqlIdempotencyStore } from './idempotency-store.ts'
import { createSqlKeyStore } from './key-store.ts'
import { createSqlResourceStore } from './resource-store.ts'
import { createSqlSealedPlaces } from './sealed-places.ts'

const opened: Database[] = []

async function openMemory(): Promise<Database> {
  const database = await openDatabase({ path: ':memory:' })
  opened.push(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

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

describe('in SQLite', () => {
  keyStoreContract(async () => toUsed(await openMemory()))
  sealedPlacesContract(async () => toParts(await openMemory()))
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  keyStoreContract(async () => toUsed(await emptied()))
  sealedPlacesContract(async () => toParts(await emptied()))
})
