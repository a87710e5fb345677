/** What role bindings call each kind of resource: its plural, as in addresses. */
import { type ManagedKind, managedKinds, type ResourceKind } from '#contract/resource.ts'
import type { ManagedResource } from '#contract/role-binding.ts'

export const managedResourceOf = {
  organization: 'organizations',
  team: 'teams',
  user: 'users',
  policy: 'policies',
  server: 'servers',
  toolset: 'toolsets',
  project: 'projects',
  agent: 'agents',
  token: 'tokens',
  role_binding: 'role-bindings',
  secret: 'secrets',
} as const satisfies Record<ManagedKind, ManagedResource>

const kindOf: ReadonlyMap<ManagedResource, ManagedKind> = new Map(
  managedKinds.map((kind) => [managedResourceOf[kind], kind]),
)

/** `null` for what is no stored kind: `*`, and sessions. */
export function toManagedKind(resource: ManagedResource): ManagedKind | null {
  return kindOf.get(resource) ?? null
}

export function isManagedKind(kind: ResourceKind): kind is ManagedKind {
  return Object.hasOwn(managedResourceOf, kind)
}
