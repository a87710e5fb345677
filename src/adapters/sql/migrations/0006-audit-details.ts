import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

const texts = [
  'principal_kind',
  'principal_id',
  'principal_name',
  'token_hash',
  'session_id',
  'changed_by',
  'project',
  'toolset',
  'target_id',
  'called_as',
  'arguments_digest',
  'arguments',
  'result',
]

/** Adds columns and touches no row, so that it takes no longer with millions of them: what was stored before has nothing to say there. */
export function auditDetails({ text, real }: Flavour): Migration {
  return {
    async up({ schema }: Kysely<unknown>) {
      for (const name of texts)
        await schema
          .alterTable('audit_event')
          .addColumn(name, text, (column) => column.notNull().defaultTo(''))
          .execute()
      await schema.alterTable('audit_event').addColumn('upstream_ms', real).execute()
    },
  }
}
