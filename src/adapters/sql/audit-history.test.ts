import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { auditEvent, auditRecord } from '#test/contracts/audit-log.ts'
import { auditHistoryContract } from '#test/contracts/audit-history.ts'
import { toAuditEvent, toAuditRecord } from '#core/audit/audit-record.ts'
import { emptiedPostgres, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { createSqlAuditHistory } from './audit-history.ts'
import { type Database, openDatabase } from './database.ts'
import { sqliteFlavour } from './flavour.ts'
import { migrateToLatest, migrationsFor } from './migrations.ts'
import { NodeSqliteDialect } from './node-sqlite.ts'
import type { Tables } from './tables.ts'

/** As it was stored before events said more. */
const oldRow = sql`insert into audit_event (at, kind, token_id, token_name, request_id, endpoint, method, server, target, effect, reason, outcome,
  duration_ms) values (5, 'call', 'tok_1', 'ci', 'req_1', '/mcp', 'tools/call', 'files', 'read', 'allow', 'rule 0 of policy p', 'ok', 2.5)`

async function expectOldRow(database: Pick<Database, 'queries'>): Promise<void> {
  const { events } = await createSqlAuditHistory(database).read({ limit: 10, filter: { tokenId: 'tok_1' } })
  expect(events).toEqual([
    {
      ...auditEvent(1),
      id: events[0]?.id,
      at: 5,
      tokenName: 'ci',
      endpoint: '/mcp',
      server: 'files',
      target: 'read',
      reason: 'rule 0 of policy p',
      durationMs: 2.5,
      principalKind: '',
      principalId: '',
      principalName: '',
      tokenHash: '',
      project: '',
      calledAs: '',
      credential: '',
      upstreamMs: null,
      argumentsDigest: '',
    },
  ])
}

const dayMs = 86_400_000

async function expectForgotten(database: Database): Promise<void> {
  const now = 100 * dayMs
  const done = (name: string, at: number) =>
    auditRecord(1, { at, principalId: name, principalName: name, server: 'forgotten', target: name })
  const before = ['gone', 'gone', 'kept', 'kept'].map((name) => done(name, now - 10 * dayMs))
  await database.insertAuditEvents(before)
  await database.insertAuditEvents([done('kept', now)])
  const history = createSqlAuditHistory(database)
  expect(await history.deleteBefore(now - dayMs, 100)).toBe(4)
  const { queries } = database
  const names = ['gone', 'kept']
  const named = await queries
    .selectFrom('audit_who')
    .select('principal_id')
    .where('principal_id', 'in', names)
    .execute()
  expect(named).toEqual([{ principal_id: 'kept' }])
  const said = await queries.selectFrom('audit_what').select('target').where('server', '=', 'forgotten').execute()
  expect(said).toEqual([{ target: 'kept' }])
  const { events } = await history.read({ limit: 10 })
  expect(events).toMatchObject([{ principalName: 'kept', target: 'kept' }])
}

describe('in SQLite', () => {
  const open: Database[] = []
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close()
  })
  auditHistoryContract(async (events) => {
    const database = await openDatabase({ path: ':memory:' })
    open.push(database)
    await database.insertAuditEvents(events.map(toAuditRecord))
    return createSqlAuditHistory(database, { rowsPerPage: 50 })
  })

  it('forgets who did what is gone, and what that was, and nothing else', async () => {
    const database = await openDatabase({ path: ':memory:' })
    open.push(database)
    await expectForgotten(database)
  })

  it('stores what is said again once, and reads it as what is said whole', async () => {
    const database = await openDatabase({ path: ':memory:' })
    open.push(database)
    const records = [1, 2, 3, 4].map((index) => auditRecord(index, { arguments: index === 4 ? '{"a":1}' : '' }))
    await database.insertAuditEvents(records)
    const stored = await database.queries.selectFrom('audit_event').select(['what', 'target', 'endpoint']).execute()
    expect(stored.map(({ what, target }) => [what === '', target])).toEqual([
      [true, 'echo'],
      [false, ''],
      [false, ''],
      [false, ''],
    ])
    const { events } = await createSqlAuditHistory(database).read({ limit: 10 })
    expect(events.map(({ id: _id, ...event }) => event)).toEqual(records.toReversed().map(toAuditEvent))
  })

  it('reads rows that were stored before a column was added', async () => {
    const handle = new DatabaseSync(':memory:')
    const queries = new Kysely<Tables>({ dialect: new NodeSqliteDialect(handle) })
    const all = Object.entries(migrationsFor(sqliteFlavour))
    await migrateToLatest(queries, Object.fromEntries(all.filter(([name]) => name < '0006')))
    await oldRow.execute(queries)
    await migrateToLatest(queries, migrationsFor(sqliteFlavour))
    await expectOldRow({ queries })
    await queries.destroy()
  })
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const emptied = emptiedPostgres()
  it('forgets who did what is gone, and what that was, and nothing else', async () => {
    await expectForgotten(await emptied())
  })

  it('reads rows of before', async () => {
    const database = await emptied()
    await oldRow.execute(database.queries)
    await expectOldRow(database)
  })
  auditHistoryContract(async (events) => {
    const database = await emptied()
    await database.insertAuditEvents(events.map(toAuditRecord))
    return createSqlAuditHistory(database, { rowsPerPage: 50 })
  })
})
