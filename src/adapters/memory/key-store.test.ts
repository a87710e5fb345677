import { keyStoreContract } from '#test/contracts/key-store.ts'
import { createMemoryKeyStore } from './key-store.ts'

keyStoreContract(() => {
  const used = new Set<string>()
  const use = (id: string): Promise<void> => Promise.resolve(void used.add(id))
  return Promise.resolve({ store: createMemoryKeyStore((id) => used.has(id)), use })
})
