import { sessionStoreContract } from '#test/contracts/session-store.ts'
import { createMemorySessionStore } from './session-store.ts'

sessionStoreContract(async () => createMemorySessionStore())
