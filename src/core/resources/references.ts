/** Which resources a resource names, and what becomes of it when one of them is deleted. `docs/reference/deletes.md` is made from this. */
import type { ResourceKind } from '#contract/resource.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { Resource } from './resource-store.ts'

export type Reference = {
  kind: ResourceKind
  id: string
  /** Where in the spec, for people. */
  path: string
}

/**
 * What a delete of the named one does to the one that names it.
 * - `refuse`: the delete is refused while it is named.
 * - `cascade`: the one that names it is deleted as well.
 * - `remove`: the name is taken out of its list.
 */
export type OnDelete = 'refuse' | 'cascade' | 'remove'

type Rule = { from: ResourceKind; path: string; to: ResourceKind; onDelete: OnDelete; why: string }

/** Every reference there is. A grant is never widened by a delete: what would be is refused. */
export const referenceRules: readonly Rule[] = [
  { from: 'organization', path: 'policies', to: 'policy', onDelete: 'refuse', why: 'its denies would vanish' },
  { from: 'team', path: 'organization', to: 'organization', onDelete: 'refuse', why: 'its ceiling would vanish' },
  { from: 'team', path: 'members.user', to: 'user', onDelete: 'remove', why: 'a member that is gone' },
  { from: 'team', path: 'policies', to: 'policy', onDelete: 'refuse', why: 'its denies would vanish' },
  { from: 'user', path: 'organization', to: 'organization', onDelete: 'refuse', why: 'its ceiling would vanish' },
  { from: 'user', path: 'policies', to: 'policy', onDelete: 'refuse', why: 'its denies would vanish' },
  { from: 'toolset', path: 'tools.server', to: 'server', onDelete: 'remove', why: 'its tools are gone with it' },
  { from: 'project', path: 'organization', to: 'organization', onDelete: 'refuse', why: 'its ceiling would vanish' },
  { from: 'project', path: 'servers', to: 'server', onDelete: 'remove', why: 'the server is gone' },
  { from: 'project', path: 'toolsets', to: 'toolset', onDelete: 'refuse', why: 'its endpoint would lose tools unseen' },
  { from: 'agent', path: 'organization', to: 'organization', onDelete: 'refuse', why: 'its ceiling would vanish' },
  { from: 'agent', path: 'servers.server', to: 'server', onDelete: 'remove', why: 'the server is gone' },
  { from: 'agent', path: 'toolset', to: 'toolset', onDelete: 'refuse', why: 'without it all tools would be offered' },
  {
    from: 'agent',
    path: 'policies',
    to: 'policy',
    onDelete: 'refuse',
    why: 'without them everything attached is allowed',
  },
  { from: 'token', path: 'owner', to: 'user', onDelete: 'cascade', why: 'it is its owner’s' },
  { from: 'token', path: 'owner', to: 'team', onDelete: 'cascade', why: 'it is its owner’s' },
  { from: 'token', path: 'project', to: 'project', onDelete: 'cascade', why: 'it reaches nothing else' },
  {
    from: 'token',
    path: 'policies',
    to: 'policy',
    onDelete: 'refuse',
    why: 'its owner’s wider grant would take their place',
  },
  { from: 'token', path: 'servers', to: 'server', onDelete: 'remove', why: 'the server is gone' },
  { from: 'token', path: 'toolsets', to: 'toolset', onDelete: 'refuse', why: 'its grant would shrink unseen' },
  { from: 'token', path: 'tools.server', to: 'server', onDelete: 'remove', why: 'the server is gone' },
  { from: 'role_binding', path: 'subjects', to: 'user', onDelete: 'remove', why: 'the subject is gone' },
  { from: 'role_binding', path: 'subjects', to: 'team', onDelete: 'remove', why: 'the subject is gone' },
  { from: 'role_binding', path: 'subjects', to: 'token', onDelete: 'remove', why: 'the subject is gone' },
  { from: 'server', path: 'transport', to: 'secret', onDelete: 'refuse', why: 'it could not be called any more' },
  { from: 'credential', path: 'server', to: 'server', onDelete: 'cascade', why: 'it is for that server alone' },
  { from: 'credential', path: 'owner', to: 'user', onDelete: 'cascade', why: 'it is its owner’s' },
  { from: 'credential', path: 'owner', to: 'team', onDelete: 'cascade', why: 'it is its owner’s' },
]

/** Every resource that this one names; of a sealed one, what was seen in it before (`sealed-spec.ts`). */
export function referencesOf({ kind, spec }: { kind: ResourceKind; spec: unknown }): Reference[] {
  if (isSealed(spec)) return [...(spec.references ?? [])]
  return referenceRules
    .filter(({ from }) => from === kind)
    .flatMap(({ path, to }) => [...new Set(idsAt(spec, path.split('.'), to))].map((id) => ({ kind: to, id, path })))
}

function isSealed(spec: unknown): spec is { sealed: string; references?: readonly Reference[] } {
  return isJsonObject(spec) && typeof spec['sealed'] === 'string'
}

/** What a delete of a resource does to one that names it there. A path that no rule knows any more refuses. */
export function onDeleteAt({ from, path, to }: Pick<Rule, 'from' | 'path' | 'to'>): OnDelete {
  const rule = referenceRules.find((rule) => rule.from === from && rule.path === path && rule.to === to)
  return rule?.onDelete ?? 'refuse'
}

/** The same resource without what names the deleted one at this path: the items of a list go, and an emptied list stays empty. */
export function withoutReference(resource: Resource, { kind, id, path }: Reference): Resource {
  const spec = withoutItems(resource.spec, path.split('.'), (item, rest) => idsAt(item, rest, kind).includes(id))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a list with fewer items is a list of the same type
  return { ...resource, spec } as Resource
}

type Names = (item: unknown, path: readonly string[]) => boolean

function withoutItems(value: unknown, path: readonly string[], names: Names): unknown {
  if (Array.isArray(value)) return value.filter((item) => !names(item, path))
  const [member, ...rest] = path
  if (member === undefined || !isJsonObject(value)) return value
  return { ...value, [member]: withoutItems(value[member], rest, names) }
}

/** A reference is an id, or `{kind, ref}` where it may be to several kinds. A secret may be named anywhere below the path. */
function idsAt(value: unknown, path: readonly string[], to: ResourceKind): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => idsAt(item, path, to))
  const [member, ...rest] = path
  if (isJsonObject(value)) {
    if (member !== undefined) return idsAt(value[member], rest, to)
    if (to === 'secret') return secretsIn(value)
    return value['kind'] === to && typeof value['ref'] === 'string' ? [value['ref']] : []
  }
  return typeof value === 'string' && member === undefined ? [value] : []
}

function secretsIn(value: unknown): string[] {
  const ids: string[] = []
  mapSecretRefs(value, (ref) => {
    ids.push(ref)
    return ref
  })
  return ids
}
