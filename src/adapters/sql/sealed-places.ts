/** Where this database holds sealed texts. A table that gets some more of them gets a place here, and a `sealed_by` that names `vault_key`. */
import { type Kysely, type Selectable, sql } from 'kysely'
import { sealedKinds, sealedSpecContext, sealedTextOf, toSealedSpec } from '#core/resources/sealed-spec.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { answerContext } from '#core/resources/sealed-answer.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
import type { SealedEntry, SealedPlace } from '#core/vault/sealed-place.ts'
import type { Database } from './database.ts'
import { lockCounter } from './resource-counter.ts'
import { toKind } from './resource-row.ts'
import { withSealingKeys } from './sealing-keys.ts'
import type { ResourceTable, Tables } from './tables.ts'

export function createSqlSealedPlaces({ queries }: Pick<Database, 'queries'>): SealedPlace[] {
  return [resourcePlace(queries), answerPlace(queries)]
}

function resourcePlace(queries: Kysely<Tables>): SealedPlace {
  return {
    name: 'resources',
    async list({ notUnder, after, limit }) {
      const rows = await queries
        .selectFrom('resource')
        .select(['id', 'kind', 'spec'])
        .where('kind', 'in', [...sealedKinds])
        .where((is) => is.or([is('sealed_by', 'is', null), is('sealed_by', '<>', notUnder)]))
        .where('id', '>', after ?? '')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(toEntry)
    },
    replace: (entries) =>
      withSealingKeys(queries, keysOf(entries), () =>
        queries.transaction().execute(async (transaction) => {
          // As every writer of resources does, so that two of them cannot each wait for the other.
          await lockCounter(transaction)
          let count = 0n
          for (const { seen, sealed } of entries) {
            const row = await transaction
              .selectFrom('resource')
              .select(['id', 'kind', 'spec'])
              .where('id', '=', seen.id)
              .executeTakeFirst()
            if (!row || toEntry(row).text !== seen.text) continue
            const { numUpdatedRows } = await transaction
              .updateTable('resource')
              .set({ spec: JSON.stringify(toSealedSpec(toSpecOfRow(row), sealed)), sealed_by: sealingKeyOf(sealed) })
              .where('id', '=', seen.id)
              .executeTakeFirstOrThrow()
            count += numUpdatedRows
          }
          return Number(count)
        }),
      ),
    async count() {
      const rows = await queries
        .selectFrom('resource')
        .select(({ fn }) => ['sealed_by', fn.countAll<number>().as('count')])
        .where('kind', 'in', [...sealedKinds])
        .groupBy('sealed_by')
        .execute()
      return toCounts(rows)
    },
  }
}

function toSpecOfRow(row: Pick<Selectable<ResourceTable>, 'kind' | 'spec'>): Pick<Resource, 'kind' | 'spec'> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sealed or not, it is of this kind
  return { kind: toKind(row.kind), spec: JSON.parse(row.spec) as Resource['spec'] }
}

function toEntry(row: Pick<Selectable<ResourceTable>, 'id' | 'kind' | 'spec'>): SealedEntry {
  const kind = toKind(row.kind)
  const text = sealedTextOf({ kind, spec: JSON.parse(row.spec) as unknown })
  return { id: row.id, context: sealedSpecContext(kind, row.id), text: text ?? row.spec, isSealed: text !== null }
}

/** Of requests that may be repeated. */
function answerPlace(queries: Kysely<Tables>): SealedPlace {
  return {
    name: 'answers',
    async list({ notUnder, after, limit }) {
      const from = after === null ? null : toAnswerKey(after)
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
    },
    replace: (entries) =>
      withSealingKeys(queries, keysOf(entries), () =>
        queries.transaction().execute(async (transaction) => {
          let count = 0n
          for (const { seen, sealed } of entries) {
            const { numUpdatedRows } = await transaction
              .updateTable('idempotency_key')
              .set({ body: sealed, sealed_by: sealingKeyOf(sealed) })
              .where((is) => is.and({ ...toAnswerKey(seen.id), body: seen.text }))
              .executeTakeFirstOrThrow()
            count += numUpdatedRows
          }
          return Number(count)
        }),
      ),
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

function toAnswerKey(id: string): { scope: string; key: string } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `list` makes these
  const [scope, key] = JSON.parse(id) as [string, string]
  return { scope, key }
}

function keysOf(entries: readonly { sealed: string }[]): string[] {
  return entries.flatMap(({ sealed }) => sealingKeyOf(sealed) ?? [])
}

function toCounts(rows: readonly { sealed_by: string | null; count: number }[]): Map<string, number> {
  return new Map(rows.map(({ sealed_by: keyId, count }) => [keyId ?? '', count]))
}
