import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

/** Of requests that were begun, and of which nobody says how they ended. What is under way at the start of a version has ended with the one before. */
export const unknownOutcomes = ({ integer }: Flavour): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('idempotency_key')
      .addColumn('unknown_from', integer, (column) => column.notNull().defaultTo(0))
      .execute()
  },
})
