/** The stores that other files here test in SQLite, in PostgreSQL. */
import { describe } from 'vitest'
import { auditLogContract } from '#test/contracts/audit-log.ts'
import { tokenStoreContract } from '#test/contracts/token-store.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { createSqlAuditLog } from './audit-log.ts'
import { createSqlTokenStore } from './token-store.ts'

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  auditLogContract(async () => createSqlAuditLog({ database: await emptied() }))
  tokenStoreContract(async () => createSqlTokenStore(await emptied()))
})
