/** The queries of a ResourceStore that change nothing. */
import type { Kysely } from 'kysely'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ResourceKind } from '#contract/resource.ts'
import { checkPageLimit, isOfKind } from '#core/resources/resource-query.ts'
import type { ChangeNumber, Resource, ResourceChanges, ResourceQuery } from '#core/resources/resource-store.ts'
import { canBeStored, chunksOf } from './chunks.ts'
import { readCounter } from './resource-counter.ts'
import { toKind, toResource } from './resource-row.ts'
import type { Tables } from './tables.ts'

export async function findResource<Kind extends ResourceKind>(
  queries: Kysely<Tables>,
  kind: Kind,
  by: { id: string } | { name: string },
): Promise<Resource<Kind> | null> {
  if (!Object.values(by).every(canBeStored)) return null
  const row = await queries
    .selectFrom('resource')
    .selectAll()
    .where((is) => is.and({ kind, ...by }))
    .executeTakeFirst()
  if (!row) return null
  const resource = toResource(row)
  return isOfKind(kind, resource) ? resource : null
}

/** The page of these names, and of a part of them where only some may be told. */
export async function listResources<Kind extends ResourceKind>(
  queries: Kysely<Tables>,
  kind: Kind,
  query: ResourceQuery,
): Promise<Resource<Kind>[]> {
  checkPageLimit(query.limit)
  const { names, ...rest } = query
  if (!names) return (await listPage(queries, kind, rest)).filter((resource) => isOfKind(kind, resource))
  // In the order of their bytes, as the database orders them, so that the first parts give the first names.
  const ordered = [...names]
    .filter(canBeStored)
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
  const found: Resource[] = []
  for (const chunk of chunksOf(ordered)) {
    if (found.length >= query.limit) break
    found.push(...(await listPage(queries, kind, { ...rest, limit: query.limit - found.length, chunk })))
  }
  return found.filter((resource) => isOfKind(kind, resource))
}

type Page = Omit<ResourceQuery, 'names'> & { chunk?: readonly string[] }

async function listPage(queries: Kysely<Tables>, kind: ResourceKind, page: Page): Promise<Resource[]> {
  const { after, chunk, labels = {}, limit } = page
  if (![after ?? '', ...Object.entries(labels).flat()].every(canBeStored)) return []
  let query = queries.selectFrom('resource').selectAll().where('kind', '=', kind)
  if (after !== undefined) query = query.where('name', '>', after)
  if (chunk) query = query.where('name', 'in', chunk)
  for (const [key, value] of Object.entries(labels))
    query = query.where((is) =>
      is.exists(
        is
          .selectFrom('resource_label')
          .select('key')
          .whereRef('resource_id', '=', 'resource.id')
          .where((is) => is.and({ key, value })),
      ),
    )
  return (await query.orderBy('name').limit(limit).execute()).map(toResource)
}

export async function listReferrers(
  queries: Kysely<Tables>,
  { kind, id }: { kind: ResourceKind; id: string },
  limit: number,
): Promise<{ kind: ResourceKind; id: string; name: string }[]> {
  checkPageLimit(limit)
  if (!canBeStored(id)) return []
  const rows = await queries
    .selectFrom('resource_ref')
    .innerJoin('resource', 'resource.id', 'resource_ref.from_id')
    .select(['resource.kind', 'resource.id', 'resource.name'])
    .distinct()
    .where((is) => is.and({ to_kind: kind, to_id: id }))
    .orderBy('resource.kind')
    .orderBy('resource.name')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, kind: toKind(row.kind) }))
}

const loadPageRows = 2_000

/** Within one snapshot of the database. Between two pages everything else that waits gets its turn. */
export async function loadResources(snapshot: Kysely<Tables>): Promise<ResourceChanges> {
  const { last } = await readCounter(snapshot)
  const changed: Resource[] = []
  for (let after = ''; ;) {
    const query = snapshot.selectFrom('resource').selectAll().where('id', '>', after)
    const rows = await query.orderBy('id').limit(loadPageRows).execute()
    for (const row of rows) changed.push(toResource(row))
    const lastRow = rows.at(-1)
    if (!lastRow || rows.length < loadPageRows) return { changed, deleted: [], upTo: last }
    after = lastRow.id
    await nextTurn()
  }
}

/** Within one snapshot of the database. */
export async function readChangesSince(
  snapshot: Kysely<Tables>,
  number: ChangeNumber,
): Promise<ResourceChanges & { isWhole: boolean }> {
  const { last, forgotten } = await readCounter(snapshot)
  // A number to come is one of a database that was put back since.
  if (number < forgotten || number > last) return { ...(await loadResources(snapshot)), isWhole: true }
  const query = snapshot.selectFrom('resource_change').select(['kind', 'id']).distinct().where('number', '>', number)
  const gone = new Map((await query.execute()).map(({ kind, id }) => [id, { kind: toKind(kind), id }]))
  const changed: Resource[] = []
  for (const chunk of chunksOf([...gone.keys()])) {
    const rows = await snapshot.selectFrom('resource').selectAll().where('id', 'in', chunk).execute()
    for (const row of rows) {
      gone.delete(row.id)
      changed.push(toResource(row))
    }
  }
  return { changed, deleted: [...gone.values()], upTo: last, isWhole: false }
}
