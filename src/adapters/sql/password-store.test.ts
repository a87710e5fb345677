import { afterEach, describe } from 'vitest'
import { passwordStoreContract } from '#test/contracts/password-store.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { type Database, openDatabase } from './database.ts'
import { createSqlPasswordStore } from './password-store.ts'
import { createSqlResourceStore } from './resource-store.ts'

const opened: Database[] = []

async function openMemory(): Promise<Database> {
  const database = await openDatabase({ path: ':memory:' })
  opened.push(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

const storesOf = (database: Database) => ({
  passwords: createSqlPasswordStore(database),
  resources: createSqlResourceStore({ database }),
})
describe('in SQLite', () => {
  passwordStoreContract(async () => storesOf(await openMemory()))
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  passwordStoreContract(async () => storesOf(await emptied()))
})
