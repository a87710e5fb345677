import type { Kysely, Transaction } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import type { SessionEvent } from '#contract/session.ts'
import type { SessionQuery, SessionStore, StoredSession } from '#core/session/session-store.ts'
import type { Database } from './database.ts'
import { toEventRow, toSessionEvent, toSessionRow, toStoredSession, type SessionRow } from './session-row.ts'
import type { Tables } from './tables.ts'

export function createSqlSessionStore({ queries }: Pick<Database, 'queries'>): SessionStore {
  return {
    create: (session, events) => queries.transaction().execute((all) => insertSession(all, session, events)),
    update: (session, events) => queries.transaction().execute((all) => updateSession(all, session, events)),
    async get(id) {
      const row = await queries.selectFrom('session').select(columns).where('id', '=', id).executeTakeFirst()
      return row ? toStoredSession(row) : null
    },
    list: (query) => listSessions(queries, query),
    async events(id, limit) {
      const newestFirst = queries
        .selectFrom('session_event')
        .selectAll()
        .where('session_id', '=', id)
        .orderBy('id', 'desc')
      return (await newestFirst.limit(limit).execute()).map(toSessionEvent).toReversed()
    },
    async changesSince(number) {
      const changed = queries
        .selectFrom('session')
        .select([...columns, 'change_number'])
        .orderBy('change_number')
      const rows = await changed.where('change_number', '>', number).execute()
      return { changed: rows.map(toStoredSession), upTo: rows.at(-1)?.change_number ?? number }
    },
    async overdue({ startedUntil, now }, limit) {
      const rows = await queries
        .selectFrom('session')
        .select(columns)
        .where((is) =>
          is.or([
            is.and([is('status', '=', 'creating'), is('updated_at', '<=', startedUntil)]),
            is.and([is('status', 'in', ['creating', 'ready']), is('expires_at', '<=', now)]),
          ]),
        )
        .limit(limit)
        .execute()
      return rows.map(toStoredSession)
    },
    deleteEnded: (before, limit) => queries.transaction().execute((all) => deleteEnded(all, before, limit)),
  }
}

const columns = [
  'id',
  'agent_id',
  'status',
  'created_at',
  'created_by',
  'updated_at',
  'expires_at',
  'ended_at',
  'details',
  'version',
] as const satisfies readonly (keyof SessionRow)[]

async function insertSession(
  all: Transaction<Tables>,
  session: StoredSession,
  events: readonly SessionEvent[],
): Promise<void> {
  const row = { ...toSessionRow(session), change_number: await nextChange(all) }
  const stored = await all
    .insertInto('session')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  if (Number(stored.numInsertedOrUpdatedRows ?? 0) === 0) throw new GatewayError('already_exists')
  await insertEvents(all, session.id, events)
}

async function updateSession(
  all: Transaction<Tables>,
  session: StoredSession,
  events: readonly SessionEvent[],
): Promise<void> {
  const { id, version } = session
  const row = { ...toSessionRow(session), version: version + 1, change_number: await nextChange(all) }
  const stored = all.updateTable('session').set(row).where('id', '=', id).where('version', '=', version)
  const { numUpdatedRows } = await stored.executeTakeFirstOrThrow()
  if (Number(numUpdatedRows) === 0) throw new GatewayError('version_conflict')
  await insertEvents(all, id, events)
}

/** The row stays locked until the transaction ends, so that numbers rise in the order of the commits, and none is read before a lower one. */
async function nextChange(all: Transaction<Tables>): Promise<number> {
  const counted = all.updateTable('session_counter').set((row) => ({ last: row('last', '+', 1) }))
  const { last } = await counted.where('id', '=', 1).returning('last').executeTakeFirstOrThrow()
  return last
}

async function insertEvents(all: Transaction<Tables>, id: string, events: readonly SessionEvent[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => toEventRow(id, event))
  await all.insertInto('session_event').values(rows).execute()
}

async function listSessions(
  queries: Kysely<Tables>,
  { agentId, status, within, limit, after }: SessionQuery,
): Promise<StoredSession[]> {
  let query = queries.selectFrom('session').select(columns)
  if (agentId !== undefined) query = query.where('agent_id', '=', agentId)
  if (status !== undefined) query = query.where('status', '=', status)
  if (within) {
    const [ids, agentIds] = [[...within.ids], [...within.agentIds]]
    // An empty list is no SQL, so nothing stands for it.
    query = query.where((is) =>
      is.or([
        ...(ids.length > 0 ? [is('id', 'in', ids)] : []),
        ...(agentIds.length > 0 ? [is('agent_id', 'in', agentIds)] : []),
      ]),
    )
  }
  if (after !== undefined) {
    const last = await queries
      .selectFrom('session')
      .select(['created_at', 'id'])
      .where('id', '=', after)
      .executeTakeFirst()
    if (!last) return []
    query = query.where((is) =>
      is.or([
        is('created_at', '<', last.created_at),
        is.and([is('created_at', '=', last.created_at), is('id', '<', last.id)]),
      ]),
    )
  }
  const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map(toStoredSession)
}

/** Their events go with them. */
async function deleteEnded(all: Transaction<Tables>, before: number, limit: number): Promise<number> {
  const ended = await all.selectFrom('session').select('id').where('ended_at', '<', before).limit(limit).execute()
  if (ended.length === 0) return 0
  const ids = ended.map(({ id }) => id)
  await all.deleteFrom('session').where('id', 'in', ids).execute()
  return ids.length
}
