import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

const sealed = ['resource', 'idempotency_key'] as const

/** Data keys, and at whatever is sealed under one, which: a key that is in use cannot be deleted, and a deleted one not be used. */
export function vault({ text, integer, end }: Flavour): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const key = db.schema
        .createTable('vault_key')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('wrapped', text, (column) => column.notNull())
        .addColumn('wrapped_by', text, (column) => column.notNull())
        .addColumn('created_at', integer, (column) => column.notNull())
        .addColumn('retired_at', integer)
      await end(key).execute()
      await sql`create unique index vault_key_current on vault_key ((retired_at is null)) where retired_at is null`.execute(
        db,
      )
      for (const table of sealed) {
        await db.schema
          .alterTable(table)
          .addColumn('sealed_by', text, (column) => column.references('vault_key.id'))
          .execute()
        await db.schema.createIndex(`${table}_sealed_by`).on(table).columns(['sealed_by']).execute()
      }
    },
  }
}
