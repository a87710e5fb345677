import type { ExpressionBuilder } from 'kysely'
import type { IdempotencyClaim, IdempotencyStore, IdempotentRequest } from '#core/resources/idempotency-store.ts'
import type { Database } from './database.ts'
import type { IdempotencyKeyTable, Tables } from './tables.ts'

export function createSqlIdempotencyStore({ queries }: Pick<Database, 'queries'>): IdempotencyStore {
  return {
    claim: ({ scope, key, fingerprint }, { now, until }) =>
      queries.transaction().execute(async (transaction) => {
        const ofKey = transaction.deleteFrom('idempotency_key').where((is) => is.and({ scope, key }))
        await ofKey.where('until', '<=', now).execute()
        // Who comes second waits here for the first one's end, and then inserts nothing.
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto('idempotency_key')
          .values({ scope, key, fingerprint, status: null, body: null, until })
          .onConflict((conflict) => conflict.columns(['scope', 'key']).doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows === 1n) return { state: 'claimed' }
        const stored = transaction.selectFrom('idempotency_key').select(['fingerprint', 'status', 'body'])
        const row = await stored.where((is) => is.and({ scope, key })).executeTakeFirst()
        // Released in this very moment: whoever asks again gets it.
        return row ? toClaim(row, fingerprint) : { state: 'under_way' }
      }),
    async settle(request, { status, body }, until) {
      await queries.transaction().execute((transaction) =>
        transaction
          .updateTable('idempotency_key')
          .set({ status, body, until })
          .where((is) => isUnderWay(is, request))
          .execute(),
      )
    },
    async release(request) {
      await queries.transaction().execute((transaction) =>
        transaction
          .deleteFrom('idempotency_key')
          .where((is) => isUnderWay(is, request))
          .execute(),
      )
    },
    async deleteExpired(now, limit) {
      return queries.transaction().execute(async (transaction) => {
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
      })
    },
  }
}

function isUnderWay(is: ExpressionBuilder<Tables, 'idempotency_key'>, request: IdempotentRequest) {
  const { scope, key, fingerprint } = request
  return is.and([is.and({ scope, key, fingerprint }), is('status', 'is', null)])
}

type Row = Pick<IdempotencyKeyTable, 'fingerprint' | 'status' | 'body'>

function toClaim({ fingerprint, status, body }: Row, asked: string): IdempotencyClaim {
  if (fingerprint !== asked) return { state: 'other_request' }
  return status === null ? { state: 'under_way' } : { state: 'settled', answer: { status, body: body ?? '' } }
}
