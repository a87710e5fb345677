import { afterEach, describe } from 'vitest'
import { flowStoreContract } from '#test/contracts/flow-store.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { type Database, openDatabase } from './database.ts'
import { createSqlFlowStore } from './flow-store.ts'

const opened: Database[] = []

async function openMemory(): Promise<Database> {
  const database = await openDatabase({ path: ':memory:' })
  opened.push(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

describe('in SQLite', () => {
  flowStoreContract(async () => createSqlFlowStore(await openMemory()))
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  flowStoreContract(async () => createSqlFlowStore(await emptied()))
})
