import { type Kysely, sql } from 'kysely'
import { answerContext } from '#core/resources/sealed-answer.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
import type { Resealed, SealedEntry, SealedPlace, SealedQuery } from '#core/vault/sealed-place.ts'
import type { Database } from './database.ts'
import { sealingKeysOf, toCounts, withSealingKeys } from './sealing-keys.ts'
import type { Tables } from './tables.ts'

/** Answers that are kept for requests that may be repeated. */
export function sealedAnswers({ queries }: Pick<Database, 'queries'>): SealedPlace {
  return {
    name: 'answers',
    list: (query) => list(queries, query),
    replace: (entries) => withSealingKeys(queries, sealingKeysOf(entries), () => replace(queries, entries)),
    async forget(id) {
      // That it was done stays known; what it answered is not, from now on.
      await queries.transaction().execute((transaction) =>
        transaction
          .updateTable('idempotency_key')
          .set({ status: null, body: null, unknown_from: 0, sealed_by: null })
          .where((is) => is.and(toKey(id)))
          .execute(),
      )
      return true
    },
    async count() {
      const rows = await queries
        .selectFrom('idempotency_key')
        .select(({ fn }) => ['sealed_by', fn.countAll<number>().as('count')])
        .where('body', 'is not', null)
        .groupBy('sealed_by')
        .execute()
      return toCounts(rows)
    },
  }
}

async function list(queries: Kysely<Tables>, { notUnder, after, limit }: SealedQuery): Promise<SealedEntry[]> {
  const from = after === null ? null : toKey(after)
  const rows = await queries
    .selectFrom('idempotency_key')
    .select(['scope', 'key', 'body'])
    .where('body', 'is not', null)
    .where((is) => is.or([is('sealed_by', 'is', null), is('sealed_by', '<>', notUnder)]))
    .$if(from !== null, (query) => query.where(sql<boolean>`(scope, key) > (${from?.scope}, ${from?.key})`))
    .orderBy('scope')
    .orderBy('key')
    .limit(limit)
    .execute()
  return rows.map(({ scope, key, body }) => ({
    id: JSON.stringify([scope, key]),
    context: answerContext({ scope, key }),
    text: body ?? '',
    isSealed: true,
  }))
}

function replace(queries: Kysely<Tables>, entries: readonly Resealed[]): Promise<number> {
  return queries.transaction().execute(async (transaction) => {
    let count = 0n
    for (const { seen, sealed } of entries) {
      const { numUpdatedRows } = await transaction
        .updateTable('idempotency_key')
        .set({ body: sealed, sealed_by: sealingKeyOf(sealed) })
        .where((is) => is.and({ ...toKey(seen.id), body: seen.text }))
        .executeTakeFirstOrThrow()
      count += numUpdatedRows
    }
    return Number(count)
  })
}

function toKey(id: string): { scope: string; key: string } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `list` makes these
  const [scope, key] = JSON.parse(id) as [string, string]
  return { scope, key }
}
