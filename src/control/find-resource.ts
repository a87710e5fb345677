/** Resources by name or id, declared ones included. What is declared is found first by its name, and an id before any name. */
import { Ref, type ResourceKind } from '#contract/resource.ts'
import { canBeId, isDeclaredId } from '#core/resources/resource-ids.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { theServerCalled } from '#core/resources/server-names.ts'
import type { ControlDeps } from './control-deps.ts'

type FindDeps = Pick<ControlDeps, 'store' | 'index'>

export async function findResource<Kind extends ResourceKind>(
  deps: FindDeps,
  kind: Kind,
  ref: string,
): Promise<Resource<Kind> | null> {
  if (!Ref.safeParse(ref).success) return null
  const byId = canBeId(ref) ? await findById(deps, kind, ref) : null
  return byId ?? findDeclared(deps, kind, ref) ?? (await deps.store.find(kind, ref))
}

/** By an alias as well. One that several servers have means none of them. */
export async function findServerCalled(deps: FindDeps, word: string): Promise<Resource<'server'> | null> {
  return (await findResource(deps, 'server', word)) ?? theServerCalled(deps.index, word) ?? null
}

/** By what each was looked for; those that there are not are missing. */
export async function findResources<Kind extends ResourceKind>(
  deps: FindDeps,
  kind: Kind,
  refs: ReadonlySet<string>,
): Promise<Map<string, Resource<Kind>>> {
  const found = new Map<string, Resource<Kind>>()
  const names: string[] = []
  for (const ref of refs) {
    // An id that is not there may still be a name that begins like one. Those are few.
    const resource = canBeId(ref) ? await findResource(deps, kind, ref) : findDeclared(deps, kind, ref)
    if (resource) found.set(ref, resource)
    else if (!canBeId(ref)) names.push(ref)
  }
  for (let from = 0; from < names.length; from += namesPerQueryMax) {
    const some = new Set(names.slice(from, from + namesPerQueryMax))
    for (const resource of await deps.store.list(kind, { limit: some.size, names: some })) {
      found.set(resource.name, resource)
    }
  }
  return found
}

const namesPerQueryMax = 1_000

async function findById<Kind extends ResourceKind>(
  { store, index }: FindDeps,
  kind: Kind,
  id: string,
): Promise<Resource<Kind> | null> {
  return isDeclaredId(id) ? (index.get(kind, id) ?? null) : store.get(kind, id)
}

function findDeclared<Kind extends ResourceKind>({ index }: FindDeps, kind: Kind, name: string): Resource<Kind> | null {
  const resource = index.find(kind, name)
  return resource && isDeclaredId(resource.id) ? resource : null
}
