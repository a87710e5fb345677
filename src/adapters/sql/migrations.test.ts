import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { sqliteFlavour } from './flavour.ts'
import { migrateToLatest, migrationsFor } from './migrations.ts'
import { NodeSqliteDialect } from './node-sqlite.ts'

const migrations = migrationsFor(sqliteFlavour)
const tables = [
  'audit_event',
  'audit_what',
  'audit_who',
  'connect_flow',
  'idempotency_key',
  'resource',
  'resource_change',
  'resource_counter',
  'resource_label',
  'resource_ref',
  'session',
  'session_counter',
  'session_event',
  'token_use',
  'user_secret',
  'vault_key',
]

function openEmpty(): Kysely<unknown> {
  return new Kysely<unknown>({ dialect: new NodeSqliteDialect(new DatabaseSync(':memory:')) })
}

async function tableNames(queries: Kysely<unknown>): Promise<string[]> {
  const tables = await queries.introspection.getTables()
  return tables
    .filter(({ isView }) => !isView)
    .map((table) => table.name)
    .toSorted()
}

describe('migrateToLatest', () => {
  it('creates the tables once and changes nothing the second time', async () => {
    await using queries = openEmpty()
    await migrateToLatest(queries, migrations)
    await migrateToLatest(queries, migrations)
    expect(await tableNames(queries)).toEqual(tables)
  })

  it('adds what a newer version brings', async () => {
    await using queries = openEmpty()
    await migrateToLatest(queries, migrations)
    const up = (db: Kysely<unknown>) => db.schema.createTable('later').addColumn('id', 'integer').execute()
    await migrateToLatest(queries, { ...migrations, '9999_later': { up } })
    expect(await tableNames(queries)).toEqual([...tables, 'later'].toSorted())
  })

  it('leaves nothing of a run in which one migration fails', async () => {
    await using queries = openEmpty()
    const up = async (db: Kysely<unknown>) => {
      await db.schema.createTable('half').addColumn('id', 'integer').execute()
      await sql`insert into missing values (1)`.execute(db)
    }
    await expect(migrateToLatest(queries, { ...migrations, '9999_fails': { up } })).rejects.toThrow(GatewayError)
    expect(await tableNames(queries)).toEqual([])
    await migrateToLatest(queries, migrations)
    expect(await tableNames(queries)).toEqual(tables)
  })

  it('refuses a database that a newer version has migrated, and names the migration', async () => {
    await using queries = openEmpty()
    const up = () => Promise.resolve()
    await migrateToLatest(queries, { ...migrations, '9999_later': { up } })
    await expect(migrateToLatest(queries, migrations)).rejects.toMatchObject({
      code: 'config_invalid',
      details: { migration: '9999_later', reason: expect.stringContaining('newer version') },
    })
  })
})
