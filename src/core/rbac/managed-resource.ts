/** What role bindings call each kind of resource: its plural, as in addresses. */
import { type ResourceKind, resourceKinds } from '#contract/resource.ts'
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
} as const satisfies Record<ResourceKind, ManagedResource>

const kindOf: ReadonlyMap<ManagedResource, ResourceKind> = new Map(
  resourceKinds.map((kind) => [managedResourceOf[kind], kind]),
)

/** `null` for what is no stored kind: `*`, and sessions. */
export function toResourceKind(resource: ManagedResource): ResourceKind | null {
  return kindOf.get(resource) ?? null
}
