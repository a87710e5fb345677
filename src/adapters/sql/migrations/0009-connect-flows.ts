import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

/** Authorizations that somebody has begun in a browser. */
export function connectFlows({ text, integer, end }: Flavour): Migration {
  return {
    async up({ schema }: Kysely<unknown>) {
      const flow = schema
        .createTable('connect_flow')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('expires_at', integer, (column) => column.notNull())
        .addColumn('remember_until', integer, (column) => column.notNull())
        .addColumn('details', text)
      await end(flow).execute()
      await schema.createIndex('connect_flow_remembered').on('connect_flow').columns(['remember_until']).execute()
    },
  }
}
