import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** `strict` makes SQLite refuse a value of the wrong type instead of storing it. */
const strict = sql`strict`

export const tokensAndAudit: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('token')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('name', 'text', (column) => column.unique().notNull())
      .addColumn('hash', 'text', (column) => column.unique().notNull())
      .addColumn('policies', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'integer')
      .addColumn('created_at', 'integer', (column) => column.notNull())
      .modifyEnd(strict)
      .execute()
    await db.schema
      .createTable('audit_event')
      .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
      .addColumn('at', 'integer', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('token_id', 'text', (column) => column.notNull())
      .addColumn('token_name', 'text', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('endpoint', 'text', (column) => column.notNull())
      .addColumn('method', 'text', (column) => column.notNull())
      .addColumn('server', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('effect', 'text', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('duration_ms', 'real', (column) => column.notNull())
      .modifyEnd(strict)
      .execute()
  },
}
