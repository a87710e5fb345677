import type { Transaction } from 'kysely'
import type { Flow, FlowStore, TakenFlow } from '#core/credential/flow-store.ts'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

export function createSqlFlowStore({ queries }: Pick<Database, 'queries'>): FlowStore {
  return {
    async put(flow, rememberUntil) {
      const { id, expiresAt } = flow
      const row = { id, expires_at: expiresAt, remember_until: rememberUntil, details: JSON.stringify(flow) }
      await queries.transaction().execute((all) => all.insertInto('connect_flow').values(row).execute())
    },
    take: (id, now) => queries.transaction().execute((all) => take(all, id, now)),
    deleteForgotten: (now, limit) => queries.transaction().execute((all) => deleteForgotten(all, now, limit)),
  }
}

/** What was taken stays as an empty row, which tells a second one from a stranger. */
async function take(all: Transaction<Tables>, id: string, now: number): Promise<TakenFlow> {
  const row = await all
    .selectFrom('connect_flow')
    .select(['details', 'expires_at'])
    .where('id', '=', id)
    .where('remember_until', '>', now)
    .executeTakeFirst()
  if (!row) return { state: 'unknown' }
  if (row.details === null) return { state: 'replayed' }
  if (row.expires_at <= now) return { state: 'expired' }
  // Who comes second waits here for the first one's end, and then changes nothing.
  const emptied = all.updateTable('connect_flow').set({ details: null }).where('id', '=', id)
  const { numUpdatedRows } = await emptied.where('details', 'is not', null).executeTakeFirstOrThrow()
  return numUpdatedRows === 1n ? { state: 'taken', flow: toFlow(row.details) } : { state: 'replayed' }
}

function toFlow(details: string): Flow {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `put` writes there, and a migration changes what is there
  return JSON.parse(details) as Flow
}

async function deleteForgotten(all: Transaction<Tables>, now: number, limit: number): Promise<number> {
  const forgotten = all.selectFrom('connect_flow').select('id').where('remember_until', '<=', now)
  const ids = (await forgotten.orderBy('remember_until').limit(limit).execute()).map(({ id }) => id)
  if (ids.length === 0) return 0
  await all.deleteFrom('connect_flow').where('id', 'in', ids).execute()
  return ids.length
}
