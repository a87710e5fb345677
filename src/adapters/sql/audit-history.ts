import type { ExpressionBuilder } from 'kysely'
import { auditFilterKeys, type AuditFilter, type AuditHistory } from '#core/audit/audit-history.ts'
import { forgottenAfterMs, whatColumnOf, whoColumnOf } from './audit-parts.ts'
import { ownColumnOf, toAuditEvent } from './audit-row.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

const readColumnOf = { ...ownColumnOf, ...whoColumnOf, ...whatColumnOf }

/**
 * An index for each filter would cost every call. So one page looks at so many rows at most, and says where to go on.
 * @param options.rowsPerPage 20,000 where it is not given
 */
export function createSqlAuditHistory(
  { queries }: Pick<Database, 'queries'>,
  { rowsPerPage = 20_000 }: { rowsPerPage?: number } = {},
): AuditHistory {
  return {
    async read({ limit, before, filter = {} }) {
      const top = before ?? (await newestId(queries)) + 1
      const bottom = Math.max(0, top - rowsPerPage)
      const rows = await queries
        .selectFrom('audit')
        .selectAll()
        .where('id', '<', top)
        .where('id', '>=', bottom)
        .where((is) => is.and(conditions(is, filter)))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      const last = rows.at(-1)
      const next = rows.length === limit && last ? last.id : bottom
      return {
        events: rows.map((row) => ({ id: row.id, ...toAuditEvent(row) })),
        next: next > (await oldestId(queries)) ? next : null,
      }
    },
    async deleteBefore(time, limit) {
      return queries.transaction().execute(async (transaction) => {
        const oldest = await transaction
          .selectFrom('audit_event')
          .select(['id', 'at'])
          .orderBy('id')
          .limit(limit)
          .execute()
        // In the order of storing times may be a moment out of order: what stands behind a newer one goes the next time.
        const end = oldest.findIndex(({ at }) => at >= time)
        const old = end === -1 ? oldest : oldest.slice(0, end)
        const last = old.at(-1)
        if (last) await transaction.deleteFrom('audit_event').where('id', '<=', last.id).execute()
        if (old.length < limit) await forgetParts(transaction, time)
        return old.length
      })
    },
  }
}

/** Nobody, and nothing, of whom or which an event is kept. */
async function forgetParts(transaction: Database['queries'], time: number): Promise<void> {
  for (const table of ['audit_who', 'audit_what'] as const) {
    await transaction
      .deleteFrom(table)
      .where('seen_at', '<', time - forgottenAfterMs)
      .execute()
  }
}

async function newestId(queries: Database['queries']): Promise<number> {
  const row = await queries.selectFrom('audit_event').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row?.id ?? 0
}

async function oldestId(queries: Database['queries']): Promise<number> {
  const row = await queries.selectFrom('audit_event').select('id').orderBy('id').limit(1).executeTakeFirst()
  return row?.id ?? 0
}

function conditions(is: ExpressionBuilder<Tables, 'audit'>, filter: AuditFilter) {
  const { since, until } = filter
  return [
    ...auditFilterKeys.flatMap((key) => {
      const value = filter[key]
      return value === undefined ? [] : [is(readColumnOf[key], '=', value)]
    }),
    ...(since === undefined ? [] : [is('at', '>=', since)]),
    ...(until === undefined ? [] : [is('at', '<', until)]),
  ]
}
