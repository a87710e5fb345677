/** The log that another file here tests in SQLite, in PostgreSQL. */
import { describe } from 'vitest'
import { auditLogContract } from '#test/contracts/audit-log.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { createSqlAuditLog } from './audit-log.ts'

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  auditLogContract(async () => createSqlAuditLog({ database: await emptied() }))
})
