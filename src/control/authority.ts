/**
 * What an actor may do with a resource that exists: its bindings, and for a person who has signed in what follows from whom the resource
 * belongs to. A team's admin manages its members and tokens; everybody sees itself, its teams, its organization and the policies that it
 * holds, and manages its own tokens.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Role } from '#contract/role-binding.ts'
import { can } from '#core/rbac/evaluate.ts'
import { isManagedKind, managedResourceOf } from '#core/rbac/managed-resource.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { heldPolicies, teamsManagedBy } from './grants.ts'

type Question = { role: Role; resource: Resource }

/** Whether bindings alone allow it. None is about what is the gateway's own. */
export function hasBinding(actor: Actor, { role, resource: { kind, id } }: Question): boolean {
  return isManagedKind(kind) && can(actor.bindings, role, { resource: managedResourceOf[kind], name: id })
}

export function isAllowed(index: ResourceIndex, actor: Actor, { role, resource }: Question): boolean {
  if (hasBinding(actor, { role, resource })) return true
  return actor.user !== null && rolesByBelonging(index, actor, resource).includes(role)
}

/**
 * @throws GatewayError `forbidden` to who may see the resource, `no_such_resource` to who may not: whether it exists is then not told
 */
export function authorize(index: ResourceIndex, actor: Actor, { role, resource }: Question): void {
  if (isAllowed(index, actor, { role, resource })) return
  const isVisible = role !== 'view' && isAllowed(index, actor, { role: 'view', resource })
  if (!isVisible || !isManagedKind(resource.kind)) throw new GatewayError('no_such_resource')
  throw new GatewayError('forbidden', { details: { role, resource: managedResourceOf[resource.kind] } })
}

function rolesByBelonging(index: ResourceIndex, actor: Actor, resource: Resource): readonly Role[] {
  const view: readonly Role[] = ['view']
  switch (resource.kind) {
    case 'user':
      return resource.id === actor.user?.id ? view : []
    case 'organization':
      return resource.id === actor.user?.spec.organization ? view : []
    case 'policy':
      return heldPolicies(index, actor).has(resource.id) ? view : []
    case 'team':
      return rolesInTeam(actor, resource)
    case 'token':
      return actsForOwner(index, actor, resource.spec.owner) ? ['view', 'edit', 'delete'] : []
    default:
      return []
  }
}

/** `edit` is of the members only: `team-rules.ts` holds it to that. */
function rolesInTeam({ user }: Actor, { spec }: Resource<'team'>): readonly Role[] {
  const member = spec.members.find((one) => one.user === user?.id)
  if (!member) return []
  return member.role === 'admin' ? ['view', 'edit'] : ['view']
}

/** Whether the actor is this user, or manages this team. */
export function actsForOwner(
  index: ResourceIndex,
  actor: Actor,
  { kind, ref }: Resource<'token'>['spec']['owner'],
): boolean {
  if (kind === 'user') return actor.user?.id === ref
  return teamsManagedBy(index, actor).some(({ id }) => id === ref)
}
