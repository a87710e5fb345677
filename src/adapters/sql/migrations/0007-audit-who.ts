import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

const whoTexts = [
  'principal_kind',
  'principal_id',
  'principal_name',
  'token_id',
  'token_name',
  'token_hash',
  'session_id',
]
const eventColumns = [
  'id',
  'at',
  'kind',
  'changed_by',
  'request_id',
  'project',
  'toolset',
  'endpoint',
  'method',
  'server',
  'target',
  'target_id',
  'called_as',
  'effect',
  'reason',
  'outcome',
  'duration_ms',
  'upstream_ms',
  'arguments_digest',
  'arguments',
  'result',
]

/** Events name who did it from here on; those that were stored before say it themselves, and are not touched. `audit` reads both alike. */
export function auditWho({ text, integer, end }: Flavour): Migration {
  return {
    async up(db: Kysely<unknown>) {
      let who = db.schema
        .createTable('audit_who')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('seen_at', integer, (column) => column.notNull())
      for (const name of whoTexts) who = who.addColumn(name, text, (column) => column.notNull())
      await end(who).execute()
      await db.schema
        .alterTable('audit_event')
        .addColumn('who', text, (column) => column.notNull().defaultTo(''))
        .execute()
      const columns = [
        ...eventColumns.map((name) => `event.${name}`),
        ...whoTexts.map((name) => `coalesce(who.${name}, event.${name}) as ${name}`),
      ]
      const view = `create view audit as select ${columns.join(', ')} from audit_event event left join audit_who who on who.id = event.who`
      await sql.raw(view).execute(db)
    },
  }
}
