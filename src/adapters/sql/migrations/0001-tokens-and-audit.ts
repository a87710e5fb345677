import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

export function tokensAndAudit({ text, integer, real, counted, end }: Flavour): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const token = db.schema
        .createTable('token')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('name', text, (column) => column.unique().notNull())
        .addColumn('hash', text, (column) => column.unique().notNull())
        .addColumn('policies', text, (column) => column.notNull())
        .addColumn('expires_at', integer)
        .addColumn('created_at', integer, (column) => column.notNull())
      await end(token).execute()
      const auditEvent = db.schema
        .createTable('audit_event')
        .addColumn('id', integer, counted)
        .addColumn('at', integer, (column) => column.notNull())
        .addColumn('kind', text, (column) => column.notNull())
        .addColumn('token_id', text, (column) => column.notNull())
        .addColumn('token_name', text, (column) => column.notNull())
        .addColumn('request_id', text, (column) => column.notNull())
        .addColumn('endpoint', text, (column) => column.notNull())
        .addColumn('method', text, (column) => column.notNull())
        .addColumn('server', text, (column) => column.notNull())
        .addColumn('target', text, (column) => column.notNull())
        .addColumn('effect', text, (column) => column.notNull())
        .addColumn('reason', text, (column) => column.notNull())
        .addColumn('outcome', text, (column) => column.notNull())
        .addColumn('duration_ms', real, (column) => column.notNull())
      await end(auditEvent).execute()
    },
  }
}
