import { idempotencyStoreContract } from '#test/contracts/idempotency-store.ts'
import { createMemoryIdempotencyStore } from './memory-idempotency-store.ts'

idempotencyStoreContract(async () => createMemoryIdempotencyStore())
