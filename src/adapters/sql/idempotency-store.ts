import type { ExpressionBuilder, Transaction, Updateable } from 'kysely'
import type {
  ClaimTimes,
  IdempotencyClaim,
  IdempotencyStore,
  IdempotentRequest,
} from '#core/resources/idempotency-store.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
import type { Database } from './database.ts'
import { withSealingKeys } from './sealing-keys.ts'
import type { IdempotencyKeyTable, Tables } from './tables.ts'

export function createSqlIdempotencyStore({ queries }: Pick<Database, 'queries'>): IdempotencyStore {
  async function change(request: IdempotentRequest, values: Updateable<IdempotencyKeyTable>): Promise<void> {
    await queries.transaction().execute((transaction) =>
      transaction
        .updateTable('idempotency_key')
        .set(values)
        .where((is) => isUnderWay(is, request))
        .execute(),
    )
  }
  return {
    claim: (request, times) => queries.transaction().execute((transaction) => claim(transaction, request, times)),
    settle(request, { status, body }, until) {
      const sealedBy = sealingKeyOf(body)
      return withSealingKeys(queries, sealedBy === null ? [] : [sealedBy], () =>
        change(request, { status, body, until, sealed_by: sealedBy }),
      )
    },
    abandon: (request) => change(request, { unknown_from: 0 }),
    async release(request) {
      await queries.transaction().execute((transaction) =>
        transaction
          .deleteFrom('idempotency_key')
          .where((is) => isUnderWay(is, request))
          .execute(),
      )
    },
    deleteExpired: (now, limit) =>
      queries.transaction().execute((transaction) => deleteExpired(transaction, now, limit)),
  }
}

async function claim(
  transaction: Transaction<Tables>,
  { scope, key, fingerprint }: IdempotentRequest,
  { now, unknownFrom, until }: ClaimTimes,
): Promise<IdempotencyClaim> {
  const ofKey = transaction.deleteFrom('idempotency_key').where((is) => is.and({ scope, key }))
  await ofKey.where('until', '<=', now).execute()
  // Who comes second waits here for the first one's end, and then inserts nothing.
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('idempotency_key')
    .values({ scope, key, fingerprint, status: null, body: null, unknown_from: unknownFrom, until })
    .onConflict((conflict) => conflict.columns(['scope', 'key']).doNothing())
    .executeTakeFirstOrThrow()
  if (numInsertedOrUpdatedRows === 1n) return { state: 'claimed' }
  const stored = transaction.selectFrom('idempotency_key').select(['fingerprint', 'status', 'body', 'unknown_from'])
  const row = await stored.where((is) => is.and({ scope, key })).executeTakeFirst()
  // Released in this very moment: whoever asks again gets it.
  return row ? toClaim(row, { fingerprint, now }) : { state: 'under_way' }
}

async function deleteExpired(transaction: Transaction<Tables>, now: number, limit: number): Promise<number> {
  const expired = transaction
    .selectFrom('idempotency_key')
    .select(['scope', 'key'])
    .where('until', '<=', now)
    .orderBy('until')
    .limit(limit)
  const rows = await expired.execute()
  let count = 0
  for (const { scope, key } of rows) {
    const row = transaction.deleteFrom('idempotency_key').where((is) => is.and({ scope, key }))
    count += Number((await row.where('until', '<=', now).executeTakeFirstOrThrow()).numDeletedRows)
  }
  return count
}

/** Or its end was not stored: there is no answer. */
function isUnderWay(is: ExpressionBuilder<Tables, 'idempotency_key'>, request: IdempotentRequest) {
  const { scope, key, fingerprint } = request
  return is.and([is.and({ scope, key, fingerprint }), is('status', 'is', null)])
}

type Row = Pick<IdempotencyKeyTable, 'fingerprint' | 'status' | 'body' | 'unknown_from'>

function toClaim(row: Row, { fingerprint, now }: { fingerprint: string; now: number }): IdempotencyClaim {
  const { status, body } = row
  if (row.fingerprint !== fingerprint) return { state: 'other_request' }
  if (status !== null) return { state: 'settled', answer: { status, body: body ?? '' } }
  return { state: row.unknown_from <= now ? 'unknown' : 'under_way' }
}
