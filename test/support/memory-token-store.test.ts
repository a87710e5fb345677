import { tokenStoreContract } from '../contracts/token-store.ts'
import { createMemoryTokenStore } from './memory-token-store.ts'

tokenStoreContract(async () => createMemoryTokenStore())
