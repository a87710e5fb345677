import { passwordStoreContract } from '#test/contracts/password-store.ts'
import { createMemoryPasswordStore } from './memory-password-store.ts'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'

passwordStoreContract(async () => {
  const resources = createMemoryResourceStore()
  return { resources, passwords: createMemoryPasswordStore(resources) }
})
