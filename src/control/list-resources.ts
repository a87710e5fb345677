import type { ManagedKind, ResourceKind } from '#contract/resource.ts'
import { allowedScope } from '#core/rbac/evaluate.ts'
import { managedResourceOf } from '#core/rbac/managed-resource.ts'
import { referencesOf } from '#core/resources/references.ts'
import type { Resource, ResourceStore } from '#core/resources/resource-store.ts'
import type { Actor, Caller } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { heldPolicies, teamsManagedBy } from './grants.ts'
import { namingRight } from './resolve-references.ts'
import { type ResourceView, toViews } from './to-view.ts'

export type ListQuery = {
  kind: ManagedKind
  /** 1 to 500. */
  limit: number
  /** The name after which the page begins: the `next` of the page before. */
  after?: string | undefined
  /** Labels that must all be there with these values. */
  labels?: Readonly<Record<string, string>> | undefined
  /** Only those that name this resource, by name or id: a user's tokens, an organization's teams. */
  of?: { kind: ManagedKind; ref: string } | undefined
}

export type ListPage = { items: ResourceView[]; next: string | null }

/** In the order of names. What the actor may not see is as if it were not there, so nobody is forbidden to list. */
export async function listResources(deps: ControlDeps, { actor }: Caller, query: ListQuery): Promise<ListPage> {
  const found = await findPage(deps, actor, query)
  const items = await toViews(deps, actor, found.slice(0, query.limit))
  return { items, next: found.length > query.limit ? (items.at(-1)?.name ?? null) : null }
}

/** One more than asked for, where there are more. */
async function findPage(deps: ControlDeps, actor: Actor, query: ListQuery): Promise<Resource<ManagedKind>[]> {
  const { kind, limit, after, labels } = query
  const names = await namesToTell(deps, actor, query)
  if (names?.size === 0) return []
  const declared = deps.index
    .declared(kind)
    .filter(({ name }) => (after === undefined || name > after) && (names === null || names.has(name)))
    .filter((resource) => hasLabels(resource, labels ?? {}))
  const stored = await deps.store.list(kind, {
    limit: limit + 1,
    ...(after !== undefined && { after }),
    ...(names !== null && { names }),
    ...(labels !== undefined && { labels }),
  })
  return merge(declared, stored).slice(0, limit + 1)
}

/** What is declared hides what is stored under its name, as it does everywhere. */
function merge(
  declared: readonly Resource<ManagedKind>[],
  stored: readonly Resource<ManagedKind>[],
): Resource<ManagedKind>[] {
  const names = new Set(declared.map(({ name }) => name))
  return [...declared, ...stored.filter(({ name }) => !names.has(name))].toSorted((one, other) =>
    one.name < other.name ? -1 : 1,
  )
}

function hasLabels(resource: Resource, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => resource.labels[key] === value)
}

/** The names that may be told, or null: all of them. */
async function namesToTell(
  deps: ControlDeps,
  actor: Actor,
  { kind, of }: ListQuery,
): Promise<ReadonlySet<string> | null> {
  const visible = await visibleNames(deps, actor, kind)
  if (of === undefined) return visible
  const named = await findResource(deps, of.kind, of.ref)
  if (!named || !namingRight(deps, actor)(named)) return new Set()
  const naming = await namesOfReferrers(deps, kind, named)
  return visible === null ? naming : naming.intersection(visible)
}

async function visibleNames(deps: ControlDeps, actor: Actor, kind: ManagedKind): Promise<ReadonlySet<string> | null> {
  const scope = allowedScope(actor.bindings, 'view', managedResourceOf[kind])
  if (scope === 'all') return null
  const names = kind === 'token' ? await namesOfOwnTokens(deps, actor) : new Set<string>()
  for (const id of [...scope, ...idsByBelonging(deps, actor, kind)]) {
    const resource = deps.index.get(kind, id) ?? (await deps.store.get(kind, id))
    if (resource) names.add(resource.name)
  }
  return names
}

/** The lists of what `authority.ts` tells of a single resource. */
function idsByBelonging({ index }: ControlDeps, actor: Actor, kind: ManagedKind): Iterable<string> {
  const { user } = actor
  if (!user) return []
  switch (kind) {
    case 'user':
      return [user.id]
    case 'organization':
      return user.spec.organization === undefined ? [] : [user.spec.organization]
    case 'team':
      return index.teamsOf(user.id).map(({ id }) => id)
    case 'policy':
      return heldPolicies(index, actor)
    default:
      return []
  }
}

async function namesOfOwnTokens(deps: ControlDeps, actor: Actor): Promise<Set<string>> {
  const owners: Resource[] = actor.user ? [actor.user, ...teamsManagedBy(deps.index, actor)] : []
  const names = await Promise.all(owners.map((owner) => namesOfReferrers(deps, 'token', owner)))
  return new Set(names.flatMap((some) => [...some]))
}

const referrersMax = 1_000

/** The names of all of a kind that name this one. */
async function namesOfReferrers(
  { store }: ControlDeps,
  kind: ManagedKind,
  named: { kind: ResourceKind; id: string },
): Promise<Set<string>> {
  const referrers = await store.referrers(named.kind, named.id, referrersMax)
  if (referrers.length < referrersMax) {
    return new Set(referrers.filter((one) => one.kind === kind).map(({ name }) => name))
  }
  return namesOfMany(store, kind, named)
}

/** The store tells no more than so many referrers at once: where there are more, each of the kind is looked at. */
async function namesOfMany(
  store: ResourceStore,
  kind: ManagedKind,
  named: { kind: ResourceKind; id: string },
): Promise<Set<string>> {
  const names = new Set<string>()
  for (let after: string | undefined; ;) {
    const page: Resource[] = await store.list(kind, { limit: referrersMax, ...(after !== undefined && { after }) })
    for (const one of page) {
      if (referencesOf(one).some((other) => other.kind === named.kind && other.id === named.id)) names.add(one.name)
    }
    if (page.length < referrersMax) return names
    after = page.at(-1)?.name
  }
}
