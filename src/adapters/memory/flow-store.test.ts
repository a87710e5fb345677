import { flowStoreContract } from '#test/contracts/flow-store.ts'
import { createMemoryFlowStore } from './flow-store.ts'

flowStoreContract(async () => createMemoryFlowStore())
