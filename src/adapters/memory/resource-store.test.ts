import { resourceStoreContract } from '#test/contracts/resource-store.ts'
import { createMemoryResourceStore } from './resource-store.ts'

resourceStoreContract(async (options) => createMemoryResourceStore(options))
