/** The databases on which a stored port has to keep its contract. */
import { afterEach, describe } from 'vitest'
import { type Database, openDatabase } from '#adapters/sql/database.ts'
import { emptiedPostgres, postgresStartMsMax } from './postgres/databases.ts'

/** @param suite runs once for each; `open` gives an empty one, which ends with its test */
export function onEachDatabase(suite: (open: () => Promise<Database>) => void): void {
  describe('in SQLite', () => {
    suite(memoryDatabases())
  })
  describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
    suite(emptiedPostgres())
  })
}

/** For the top of a `describe`: gives an empty SQLite, which ends with its test. */
export function memoryDatabases(): () => Promise<Database> {
  const opened: Database[] = []
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close()
  })
  return async () => {
    const database = await openDatabase({ path: ':memory:' })
    opened.push(database)
    return database
  }
}
