import { passwordStoreContract } from '#test/contracts/password-store.ts'
import { resourceStoreContract } from '#test/contracts/resource-store.ts'
import { createMemoryResourceStore } from './resource-store.ts'

resourceStoreContract(async (options) => createMemoryResourceStore(options))

passwordStoreContract(async () => {
  const resources = createMemoryResourceStore()
  return { resources, passwords: resources.passwords }
})
