import { afterEach, describe } from 'vitest'
import { auditHistoryContract } from '#test/contracts/audit-history.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { createSqlAuditHistory } from './audit-history.ts'
import { type Database, openDatabase } from './database.ts'

describe('in SQLite', () => {
  const open: Database[] = []
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close()
  })
  auditHistoryContract(async (events) => {
    const database = await openDatabase({ path: ':memory:' })
    open.push(database)
    await database.insertAuditEvents(events)
    return createSqlAuditHistory(database, { rowsPerPage: 50 })
  })
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  auditHistoryContract(async (events) => {
    const database = await emptied()
    await database.insertAuditEvents(events)
    return createSqlAuditHistory(database, { rowsPerPage: 50 })
  })
})
