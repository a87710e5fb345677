import { flowStoreContract } from '#test/contracts/flow-store.ts'
import { onEachDatabase } from '#test/support/databases.ts'
import { createSqlFlowStore } from './flow-store.ts'

onEachDatabase((open) => flowStoreContract(async () => createSqlFlowStore(await open())))
