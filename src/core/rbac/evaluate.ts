/**
 * Who may manage what. Bindings add up, there is no deny, and their order means nothing.
 *
 * `edit` is view and update; no other role implies another. A binding's `name` is the id of the one resource that it is for, as the
 * store keeps it; of `create` it is the name that the new resource must have, since there is no id yet.
 */
import { type Binding, type ManagedResource, type Role, RunAction } from '#contract/role-binding.ts'

type ResourceBinding = Extract<Binding, { resource: ManagedResource }>

/** What is asked for. `name`: the id of one resource, or for `create` its name; without it all of them are meant. */
export type Target = { resource: ManagedResource; name?: string | undefined }

export function can(bindings: readonly Binding[], role: Role, target: Target): boolean {
  return bindings.some((binding) => 'resource' in binding && covers(binding, { role, ...target }))
}

export function canRun(bindings: readonly Binding[], action: RunAction): boolean {
  return bindings.some((binding) => 'action' in binding && binding.action === action)
}

/** Which resources of a kind a list may tell: all of them, or those with these ids. */
export type Scope = 'all' | ReadonlySet<string>

export function allowedScope(bindings: readonly Binding[], role: Role, resource: ManagedResource): Scope {
  const names = new Set<string>()
  for (const binding of bindings) {
    if (!('resource' in binding) || !hasRole(binding.role, role) || !hasResource(binding.resource, resource)) continue
    if (binding.name === undefined) return 'all'
    names.add(binding.name)
  }
  return names
}

/**
 * Whether a grant allows all that is requested. A request for `*` needs a grant for `*`, and a request without a name one without a
 * name: several narrower grants never add up to a wide one.
 */
export function satisfies(granted: readonly Binding[], requested: Binding): boolean {
  if ('action' in requested) return canRun(granted, requested.action)
  return granted.some((binding) => 'resource' in binding && covers(binding, requested))
}

/** What of the requested bindings the creator does not have itself, and so cannot give. */
export function findExceeding(creator: readonly Binding[], requested: readonly Binding[]): Binding[] {
  return requested.filter((binding) => !satisfies(creator, binding))
}

/** Exactly what both allow: a token's bindings, of what its owner may at this moment. */
export function intersect(one: readonly Binding[], other: readonly Binding[]): Binding[] {
  const both = new Map<string, Binding>()
  for (const left of one) {
    for (const right of other) {
      const meeting = meet(left, right)
      if (meeting) both.set(bindingKey(meeting), meeting)
    }
  }
  return [...both.values()]
}

/** Equal for bindings that say the same. */
export function bindingKey(binding: Binding): string {
  return 'action' in binding ? `run ${binding.action}` : `${binding.role} ${binding.resource} ${binding.name ?? ''}`
}

const everyRole: readonly Role[] = ['create', 'edit', 'delete', 'run']

/** What a user of the role `admin` may. */
export const everything: readonly Binding[] = [
  ...everyRole.map((role): Binding => ({ role, resource: '*' })),
  ...RunAction.options.map((action): Binding => ({ role: 'run', action })),
]

/** What a user of the role `viewer` may. */
export const viewOfEverything: readonly Binding[] = [{ role: 'view', resource: '*' }]

/** Whether these may change every resource there is; only whoever may is free of the ceilings on what it gives to others. */
export function canManageEverything(bindings: readonly Binding[]): boolean {
  return everyRole.every((role) => can(bindings, role, { resource: '*' }))
}

function covers(granted: ResourceBinding, requested: Target & { role: Role }): boolean {
  return (
    hasRole(granted.role, requested.role) &&
    hasResource(granted.resource, requested.resource) &&
    (granted.name === undefined || granted.name === requested.name)
  )
}

function hasRole(granted: Role, requested: Role): boolean {
  return granted === requested || (granted === 'edit' && requested === 'view')
}

function hasResource(granted: ManagedResource, requested: ManagedResource): boolean {
  return granted === '*' || granted === requested
}

function meet(one: Binding, other: Binding): Binding | null {
  if ('action' in one || 'action' in other) {
    return 'action' in one && 'action' in other && one.action === other.action ? one : null
  }
  const role = narrower(one.role, other.role, hasRole)
  const resource = narrower(one.resource, other.resource, hasResource)
  const name = one.name ?? other.name
  if (role === null || resource === null || (other.name ?? name) !== name) return null
  return name === undefined ? { role, resource } : { role, resource, name }
}

function narrower<Word>(one: Word, other: Word, has: (granted: Word, requested: Word) => boolean): Word | null {
  if (has(one, other)) return other
  return has(other, one) ? one : null
}
