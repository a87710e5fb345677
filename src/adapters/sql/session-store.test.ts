import { describe, expect, it } from 'vitest'
import { sessionStoreContract, storedSession } from '#test/contracts/session-store.ts'
import { memoryDatabases, onEachDatabase } from '#test/support/databases.ts'
import { createSqlSessionStore } from './session-store.ts'

onEachDatabase((open) => sessionStoreContract(async () => createSqlSessionStore(await open())))

describe('createSqlSessionStore', () => {
  const openMemory = memoryDatabases()

  it.each(['{}', '[]', 'null', '{"run":"1","details":{}}', '{"run":1,"details":{"a":1}}', '{"run":1}'])(
    'does not read a session that was stored as %s',
    async (details) => {
      const database = await openMemory()
      const store = createSqlSessionStore(database)
      await store.create(storedSession(1), [])
      await database.queries.updateTable('session').set({ details }).execute()
      await expect(store.get(storedSession(1).id)).rejects.toMatchObject({ code: 'internal' })
      await expect(store.changesSince(0)).rejects.toMatchObject({ code: 'internal' })
    },
  )

  it('does not read an event that is none', async () => {
    const database = await openMemory()
    const store = createSqlSessionStore(database)
    const { id } = storedSession(1)
    await store.create(storedSession(1), [{ at: 1, kind: 'created', by: 'usr_1' }])
    await database.queries.updateTable('session_event').set({ kind: 'other' }).execute()
    await expect(store.events(id, 1)).rejects.toMatchObject({ code: 'internal' })
  })
})
