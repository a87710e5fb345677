/** Names to ids when something is written, ids to names when it is read. */
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { Access } from '#core/access/access.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { accessOf } from './access-of.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResources } from './find-resource.ts'
import { teamsManagedBy } from './grants.ts'
import { listReferences, mapReferences, type NamedReference } from './references-of-spec.ts'

const pathsMax = 20

/**
 * The spec with ids in place of names. What an actor may not see does not exist for it, unless the spec named it before.
 *
 * @throws GatewayError `dangling_reference` with the `paths` of what there is not, at most 20
 */
export async function resolveReferences<Spec extends object>(
  deps: ControlDeps,
  actor: Actor,
  { kind, spec, before }: { kind: ResourceKind; spec: Spec; before: object | null },
): Promise<Spec> {
  const references = listReferences(kind, spec)
  const known = new Set(before === null ? [] : listReferences(kind, before).map(keyOf))
  const mayName = namingRight(deps, actor)
  const ids = await resolveAll(deps, references, (resource) => {
    return known.has(keyOf({ kind: resource.kind, ref: resource.id })) || mayName(resource)
  })
  const idOf = (reference: NamedReference): string | undefined =>
    // A binding may name what is gone by now: it gives nothing, and may stay.
    ids.get(keyOf(reference)) ?? (known.has(keyOf(reference)) ? reference.ref : undefined)

  const dangling = references.filter((reference) => idOf(reference) === undefined)
  if (dangling.length > 0) {
    const paths = dangling.slice(0, pathsMax).map(({ path }) => path)
    throw new GatewayError('dangling_reference', { details: { paths } })
  }
  return mapReferences(kind, spec, (reference) => idOf(reference) ?? reference.ref)
}

/** The spec with names in place of ids; of what is gone meanwhile the id. */
export async function renderReferences<Spec extends object>(
  deps: ControlDeps,
  kind: ResourceKind,
  spec: Spec,
): Promise<Spec> {
  const names = new Map<string, string>()
  for (const reference of listReferences(kind, spec)) {
    const key = keyOf(reference)
    if (names.has(key)) continue
    const known = deps.index.get(reference.kind, reference.ref) ?? (await deps.store.get(reference.kind, reference.ref))
    if (known) names.set(key, known.name)
  }
  return mapReferences(kind, spec, (reference) => names.get(keyOf(reference)) ?? reference.ref)
}

/**
 * Whether the actor may name a resource in another: whoever sees or uses it may; a server whose tools it can list is no secret to it; and who
 * manages a team may make anybody of its organization a member. To be asked many times: what it takes to know is found out once.
 */
export function namingRight({ index }: Pick<ControlDeps, 'index'>, actor: Actor): (resource: Resource) => boolean {
  let access: Access | undefined
  let organizations: ReadonlySet<string | undefined> | undefined
  return (resource) => {
    if (isAllowed(index, actor, { role: 'view', resource }) || isAllowed(index, actor, { role: 'run', resource })) {
      return true
    }
    if (resource.kind === 'server') return (access ??= accessOf(index, actor)).mayReach(resource.name)
    if (resource.kind !== 'user') return false
    organizations ??= new Set(teamsManagedBy(index, actor).map(({ spec }) => spec.organization))
    return organizations.has(resource.spec.organization)
  }
}

async function resolveAll(
  deps: ControlDeps,
  references: readonly NamedReference[],
  isOpen: (resource: Resource) => boolean,
): Promise<Map<string, string>> {
  const ids = new Map<string, string>()
  for (const [kind, ofKind] of Map.groupBy(references, (reference) => reference.kind)) {
    const found = await findResources(deps, kind, new Set(ofKind.map(({ ref }) => ref)))
    for (const [ref, resource] of found) if (isOpen(resource)) ids.set(keyOf({ kind, ref }), resource.id)
  }
  return ids
}

function keyOf({ kind, ref }: Pick<NamedReference, 'kind' | 'ref'>): string {
  return `${kind} ${ref}`
}
