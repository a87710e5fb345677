import { passwordStoreContract } from '#test/contracts/password-store.ts'
import { onEachDatabase } from '#test/support/databases.ts'
import { createSqlPasswordStore } from './password-store.ts'
import { createSqlResourceStore } from './resource-store.ts'

onEachDatabase((open) =>
  passwordStoreContract(async () => {
    const database = await open()
    return { passwords: createSqlPasswordStore(database), resources: createSqlResourceStore({ database }) }
  }),
)
