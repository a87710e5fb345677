import { idempotencyStoreContract } from '#test/contracts/idempotency-store.ts'
import { onEachDatabase } from '#test/support/databases.ts'
import { createSqlIdempotencyStore } from './idempotency-store.ts'

onEachDatabase((open) => idempotencyStoreContract(async () => createSqlIdempotencyStore(await open())))
