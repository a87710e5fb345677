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
const whatTexts = [
  'kind',
  'endpoint',
  'method',
  'server',
  'target',
  'effect',
  'reason',
  'called_as',
  'changed_by',
  'project',
  'toolset',
  'target_id',
]
/** In the order in which `audit` has had them: PostgreSQL lets what stands behind them be added, and nothing be moved. */
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

/** Events name what was done as they name who did it; those that were stored before say it themselves, and are not touched. */
export function auditWhat({ text, integer, end, replaceView }: Flavour): Migration {
  return {
    async up(db: Kysely<unknown>) {
      let what = db.schema
        .createTable('audit_what')
        .addColumn('id', text, (column) => column.primaryKey().notNull())
        .addColumn('seen_at', integer, (column) => column.notNull())
      for (const name of whatTexts) what = what.addColumn(name, text, (column) => column.notNull())
      await end(what).execute()
      for (const [table, name] of [
        ['audit_event', 'what'],
        ['audit_who', 'credential'],
      ] as const) {
        await db.schema
          .alterTable(table)
          .addColumn(name, text, (column) => column.notNull().defaultTo(''))
          .execute()
      }
      const columns = [
        ...eventColumns.map((name) => (whatTexts.includes(name) ? either('what', name) : `event.${name}`)),
        ...whoTexts.map((name) => either('who', name)),
        `coalesce(who.credential, '') as credential`,
      ]
      const select = `select ${columns.join(', ')} from audit_event event
        left join audit_who who on who.id = event.who left join audit_what what on what.id = event.what`
      for (const statement of replaceView('audit', select)) await sql.raw(statement).execute(db)
    },
  }
}

function either(part: string, name: string): string {
  return `coalesce(${part}.${name}, event.${name}) as ${name}`
}
