import type { Kysely, Selectable } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { Resource, ResourceStore } from '#core/resources/resource-store.ts'
import { sealedKinds, sealedSpecContext, sealedTextOf, toSealedSpec } from '#core/resources/sealed-spec.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
import type { Resealed, SealedEntry, SealedPlace, SealedQuery } from '#core/vault/sealed-place.ts'
import type { Database } from './database.ts'
import { lockCounter } from './resource-counter.ts'
import { toKind } from './resource-row.ts'
import { createSqlResourceStore } from './resource-store.ts'
import { sealingKeysOf, toCounts, withSealingKeys } from './sealing-keys.ts'
import type { ResourceTable, Tables } from './tables.ts'

/** Whole specs of kinds that are secret. */
export function sealedResources(database: Pick<Database, 'queries' | 'readSnapshot'>): SealedPlace {
  const { queries } = database
  const store = createSqlResourceStore({ database })
  return {
    name: 'resources',
    list: (query) => list(queries, query),
    replace: (entries) => withSealingKeys(queries, sealingKeysOf(entries), () => replace(queries, entries)),
    forget: (id) => forget(queries, store, id),
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

async function list(queries: Kysely<Tables>, { notUnder, after, limit }: SealedQuery): Promise<SealedEntry[]> {
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
}

type SpecRow = Pick<Selectable<ResourceTable>, 'id' | 'kind' | 'spec'>

function toEntry(row: SpecRow): SealedEntry {
  const kind = toKind(row.kind)
  const text = sealedTextOf({ kind, spec: JSON.parse(row.spec) as unknown })
  return { id: row.id, context: sealedSpecContext(kind, row.id), text: text ?? row.spec, isSealed: text !== null }
}

function replace(queries: Kysely<Tables>, entries: readonly Resealed[]): Promise<number> {
  return queries.transaction().execute(async (transaction) => {
    // As every writer of resources does, so that two of them cannot each wait for the other.
    await lockCounter(transaction)
    const rows = await transaction
      .selectFrom('resource')
      .select(['id', 'kind', 'spec'])
      .where(
        'id',
        'in',
        entries.map(({ seen }) => seen.id),
      )
      .execute()
    const byId = new Map(rows.map((row) => [row.id, row]))
    let count = 0
    for (const { seen, sealed } of entries) {
      const row = byId.get(seen.id)
      if (!row || toEntry(row).text !== seen.text) continue
      const changed = { spec: JSON.stringify(resealedSpec(row, sealed)), sealed_by: sealingKeyOf(sealed) }
      await transaction.updateTable('resource').set(changed).where('id', '=', row.id).execute()
      count++
    }
    return count
  })
}

/** What stands beside the sealed text stays. */
function resealedSpec(row: SpecRow, sealed: string): object {
  const kind = toKind(row.kind)
  const spec: unknown = JSON.parse(row.spec)
  if (sealedTextOf({ kind, spec }) !== null && isJsonObject(spec)) return { ...spec, sealed }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was stored before such specs were sealed
  return toSealedSpec({ kind, spec } as Resource, sealed)
}

async function forget(queries: Kysely<Tables>, store: ResourceStore, id: string): Promise<boolean> {
  const row = await queries.selectFrom('resource').select('kind').where('id', '=', id).executeTakeFirst()
  if (!row) return true
  try {
    await store.write([{ do: 'delete', kind: toKind(row.kind), id, version: null, at: Date.now(), by: 'system' }])
    return true
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'still_referenced') return false
    throw error
  }
}
