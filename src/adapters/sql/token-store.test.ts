import { afterEach, describe, expect, it } from 'vitest'
// oxlint-disable-next-line no-restricted-imports -- contract suites live outside src
import { storedToken, tokenStoreContract } from '../../../test/contracts/token-store.ts'
import { type Database, openDatabase } from './database.ts'
import { createSqlTokenStore } from './token-store.ts'

const open: Database[] = []

async function openMemory(): Promise<Database> {
  const database = await openDatabase({ path: ':memory:' })
  open.push(database)
  return database
}

afterEach(async () => {
  for (const database of open.splice(0)) await database.close()
})

tokenStoreContract(async () => createSqlTokenStore(await openMemory()))

describe('createSqlTokenStore', () => {
  it.each(['{"admin":true}', '[1]', 'null'])('does not read policies that were stored as %s', async (policies) => {
    const database = await openMemory()
    const store = createSqlTokenStore(database)
    await store.putToken(storedToken(1))
    await database.queries.updateTable('token').set({ policies }).execute()
    await expect(store.listTokens()).rejects.toMatchObject({ code: 'internal' })
  })
})
