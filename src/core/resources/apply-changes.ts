/** What a store does for a list of changes: the same in every store, because each of them runs this inside a transaction. */
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { StoredPassword } from '#core/identity/password-store.ts'
import { onDeleteAt, referencesOf, type Reference, withoutReference } from './references.ts'
import { isDeclaredId } from './resource-ids.ts'
import type { Change, Resource } from './resource-store.ts'

export type ResourceTarget = { kind: ResourceKind; id: string }

/** A store within a transaction in which nobody else writes. What one step did, the next one sees. */
export type ResourceTransaction = {
  get(id: string): Promise<Resource | null>
  /** Whoever has this id, or this name in this kind, or this digest. */
  findHolders(wanted: { id: string; kind: ResourceKind; name: string; digest: string | null }): Promise<Holder[]>
  /** The kinds of those that there are. */
  findKinds(ids: readonly string[]): Promise<ReadonlyMap<string, ResourceKind>>
  /** Whoever names one of these. `path` is where, `to` is whom. */
  findReferrers(targets: readonly ResourceTarget[]): Promise<Referrer[]>
  insert(resource: Resource): Promise<void>
  /** The one of the same id. */
  replace(resource: Resource): Promise<void>
  remove(targets: readonly ResourceTarget[]): Promise<void>
  /** Of a user that is there; it goes with the user. */
  putPassword(userId: string, password: StoredPassword): Promise<void>
}

type Holder = { id: string; kind: ResourceKind; name: string }
export type Referrer = ResourceTarget & { path: string; to: ResourceTarget }
type Delete = Extract<Change, { do: 'delete' }>

/**
 * @returns what was changed or deleted, in its order: each is to get a number
 * @throws GatewayError as `ResourceStore.write` says; the transaction is to be given up then
 */
export async function applyChanges(
  changes: readonly Change[],
  transaction: ResourceTransaction,
): Promise<ResourceTarget[]> {
  const done: ResourceTarget[] = []
  for (const change of changes) {
    if (change.do === 'delete') {
      done.push(...(await applyDelete(change, transaction)))
      continue
    }
    const { resource, password } = change
    await (change.do === 'create' ? applyCreate(resource, transaction) : applyUpdate(resource, transaction))
    if (password && resource.kind === 'user') await transaction.putPassword(resource.id, password)
    done.push({ kind: resource.kind, id: resource.id })
  }
  return done
}

export function digestOf(resource: Resource): string | null {
  return resource.kind === 'token' ? resource.spec.digest : null
}

async function applyCreate(resource: Resource, transaction: ResourceTransaction): Promise<void> {
  checkUnique(resource, await transaction.findHolders({ ...resource, digest: digestOf(resource) }))
  await checkReferences(resource, transaction)
  await transaction.insert({ ...resource, version: 1 })
}

async function applyUpdate(resource: Resource, transaction: ResourceTransaction): Promise<void> {
  const { version, createdAt, createdBy } = checkVersion(await transaction.get(resource.id), resource)
  const holders = await transaction.findHolders({ ...resource, digest: digestOf(resource) })
  checkUnique(
    resource,
    holders.filter(({ id }) => id !== resource.id),
  )
  await checkReferences(resource, transaction)
  await transaction.replace({ ...resource, version: version + 1, createdAt, createdBy })
}

async function applyDelete(change: Delete, transaction: ResourceTransaction): Promise<ResourceTarget[]> {
  checkVersion(await transaction.get(change.id), change)
  const { doomed, edited } = await followDelete(change, transaction)
  const changed: ResourceTarget[] = []
  for (const [id, references] of edited) {
    const stored = await transaction.get(id)
    if (!stored) continue
    const rest = references.reduce(withoutReference, stored)
    await transaction.replace({ ...rest, version: stored.version + 1, updatedAt: change.at, updatedBy: change.by })
    changed.push({ kind: stored.kind, id })
  }
  await transaction.remove(doomed)
  return [...changed, ...doomed]
}

/** Everything that goes with it, the target last, and what is to be taken out of those that stay. */
async function followDelete({ kind, id }: ResourceTarget, transaction: ResourceTransaction) {
  const doomed = new Map<string, ResourceTarget>([[id, { kind, id }]])
  const others: Referrer[] = []
  for (let generation = [...doomed.values()]; generation.length > 0;) {
    const next = new Map<string, ResourceTarget>()
    for (const referrer of await transaction.findReferrers(generation)) {
      const isCascade = onDeleteAt({ from: referrer.kind, path: referrer.path, to: referrer.to.kind }) === 'cascade'
      if (!isCascade) others.push(referrer)
      else if (!doomed.has(referrer.id)) next.set(referrer.id, { kind: referrer.kind, id: referrer.id })
    }
    for (const [key, target] of next) doomed.set(key, target)
    generation = [...next.values()]
  }
  const staying = others.filter((referrer) => !doomed.has(referrer.id))
  checkRefusals(staying)
  const edited = new Map<string, Reference[]>()
  for (const { id, path, to } of staying) edited.set(id, [...(edited.get(id) ?? []), { ...to, path }])
  return { doomed: [...doomed.values()].toReversed(), edited }
}

const refusalsToldMax = 10

function checkRefusals(referrers: readonly Referrer[]): void {
  const refusing = referrers.filter(({ kind, path, to }) => onDeleteAt({ from: kind, path, to: to.kind }) === 'refuse')
  if (refusing.length === 0) return
  const told = refusing.slice(0, refusalsToldMax).map(({ kind, id, path }) => ({ kind, id, path }))
  throw new GatewayError('still_referenced', { details: { referrers: told, count: refusing.length } })
}

function checkUnique(resource: Resource, holders: readonly Holder[]): void {
  const [holder] = holders
  if (!holder) return
  const isNamesake = holder.kind === resource.kind && holder.name === resource.name
  const field = holder.id === resource.id ? 'id' : isNamesake ? 'name' : 'digest'
  throw new GatewayError('already_exists', { details: { kind: resource.kind, field } })
}

function checkVersion(stored: Resource | null, seen: ResourceTarget & { version: number | null }): Resource {
  const { kind, id, version } = seen
  if (stored?.kind === kind && (version === null || version === stored.version)) return stored
  const there = stored?.kind === kind ? stored.version : null
  throw new GatewayError('version_conflict', { details: { kind, id, version: there } })
}

/** The configuration is no part of the store: what it declares may be named, and the use case has looked whether it is there. */
async function checkReferences(resource: Resource, transaction: ResourceTransaction): Promise<void> {
  const references = referencesOf(resource).filter(({ id }) => !isDeclaredId(id))
  if (references.length === 0) return
  const kinds = await transaction.findKinds([...new Set(references.map(({ id }) => id))])
  const missing = references.find(({ kind, id }) => kinds.get(id) !== kind)
  if (missing) throw new GatewayError('dangling_reference', { details: { ...missing } })
}
