import type { Insertable, Transaction } from 'kysely'
import type { Referrer, ResourceTarget, ResourceTransaction } from '#core/resources/apply-changes.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { chunksOf } from './chunks.ts'
import { toKind, toLabelRows, toRefRows, toResource, toResourceRow } from './resource-row.ts'
import type { ResourceRefTable, Tables } from './tables.ts'

/** The store within one transaction of the database, whose counter is locked: nobody else writes resources meanwhile. */
export function createResourceTransaction(transaction: Transaction<Tables>): ResourceTransaction {
  return {
    async get(id) {
      const query = transaction.selectFrom('resource').selectAll().where('id', '=', id)
      const row = await query.executeTakeFirst()
      return row ? toResource(row) : null
    },
    async findHolders({ id, kind, name, digest }) {
      const query = transaction
        .selectFrom('resource')
        .select(['id', 'kind', 'name'])
        .where((is) =>
          is.or([
            is('id', '=', id),
            is.and([is('kind', '=', kind), is('name', '=', name)]),
            ...(digest === null ? [] : [is('digest', '=', digest)]),
          ]),
        )
      return (await query.execute()).map((row) => ({ ...row, kind: toKind(row.kind) }))
    },
    async findKinds(ids) {
      const kinds = new Map<string, Resource['kind']>()
      for (const chunk of chunksOf(ids)) {
        const rows = await transaction.selectFrom('resource').select(['id', 'kind']).where('id', 'in', chunk).execute()
        for (const row of rows) kinds.set(row.id, toKind(row.kind))
      }
      return kinds
    },
    findReferrers: (targets) => findReferrers(transaction, targets),
    async insert(resource) {
      await transaction.insertInto('resource').values(toResourceRow(resource)).execute()
      await insertRefs(transaction, toRefRows(resource))
      await insertLabels(transaction, resource)
    },
    async replace(resource) {
      const row = toResourceRow(resource)
      await transaction.updateTable('resource').set(row).where('id', '=', resource.id).execute()
      await replaceRefs(transaction, resource)
      await transaction.deleteFrom('resource_label').where('resource_id', '=', resource.id).execute()
      await insertLabels(transaction, resource)
    },
    async remove(targets) {
      const tokens = targets.filter(({ kind }) => kind === 'token')
      for (const chunk of chunksOf(tokens.map(({ id }) => id)))
        await transaction.deleteFrom('token_use').where('token_id', 'in', chunk).execute()
      for (const chunk of chunksOf(targets.map(({ id }) => id)))
        await transaction.deleteFrom('resource').where('id', 'in', chunk).execute()
    },
    async putPassword(userId, { phc, setAt }) {
      await transaction
        .insertInto('user_secret')
        .values({ user_id: userId, phc, set_at: setAt })
        .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ phc, set_at: setAt }))
        .execute()
    },
  }
}

async function findReferrers(
  transaction: Transaction<Tables>,
  targets: readonly ResourceTarget[],
): Promise<Referrer[]> {
  const wanted = new Map(targets.map((target) => [`${target.kind} ${target.id}`, target]))
  const referrers: Referrer[] = []
  for (const chunk of chunksOf(targets.map(({ id }) => id))) {
    const rows = await transaction
      .selectFrom('resource_ref')
      .innerJoin('resource', 'resource.id', 'resource_ref.from_id')
      .select(['resource.kind', 'resource.id', 'path', 'to_kind', 'to_id'])
      .where('to_id', 'in', chunk)
      .orderBy('resource.id')
      .orderBy('path')
      .execute()
    for (const { kind, id, path, to_kind: toKindName, to_id: toId } of rows) {
      const to = wanted.get(`${toKindName} ${toId}`)
      if (to) referrers.push({ kind: toKind(kind), id, path, to })
    }
  }
  return referrers
}

type RefRow = Insertable<ResourceRefTable>

/** Long lists change little: only the difference is written. */
async function replaceRefs(transaction: Transaction<Tables>, resource: Resource): Promise<void> {
  const keyOf = ({ path, to_kind: kind, to_id: id }: RefRow) => `${path} ${kind} ${id}`
  const stored = await transaction.selectFrom('resource_ref').selectAll().where('from_id', '=', resource.id).execute()
  const wanted = new Map(toRefRows(resource).map((row) => [keyOf(row), row]))
  for (const row of stored) {
    if (wanted.delete(keyOf(row))) continue
    await transaction
      .deleteFrom('resource_ref')
      .where((is) => is.and({ from_id: row.from_id, path: row.path, to_kind: row.to_kind, to_id: row.to_id }))
      .execute()
  }
  await insertRefs(transaction, [...wanted.values()])
}

async function insertRefs(transaction: Transaction<Tables>, rows: readonly RefRow[]): Promise<void> {
  for (const chunk of chunksOf(rows, 4)) await transaction.insertInto('resource_ref').values(chunk).execute()
}

async function insertLabels(transaction: Transaction<Tables>, resource: Resource): Promise<void> {
  for (const chunk of chunksOf(toLabelRows(resource), 3))
    await transaction.insertInto('resource_label').values(chunk).execute()
}
