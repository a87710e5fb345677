import { GatewayError } from '#contract/errors.ts'
import type { ManagedKind, ResourceKind } from '#contract/resource.ts'
import type { Role } from '#contract/role-binding.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor, Caller } from './actor.ts'
import { authorize } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { type ResourceView, toView } from './to-view.ts'

/** @throws GatewayError `no_such_resource`, be it that there is none or that the actor may not see it */
export async function getResource(
  deps: ControlDeps,
  { actor }: Caller,
  { kind, ref }: { kind: ManagedKind; ref: string },
): Promise<ResourceView> {
  return toView(deps, actor, await getFor(deps, actor, { kind, ref, role: 'view' }))
}

/**
 * The resource, where the actor may do this with it.
 * @throws GatewayError `no_such_resource`, `forbidden`
 */
export async function getFor<Kind extends ManagedKind>(
  deps: ControlDeps,
  actor: Actor,
  { kind, ref, role }: { kind: Kind; ref: string; role: Role },
): Promise<Resource<Kind> & Resource<ManagedKind>> {
  const resource = await findResource(deps, kind, ref)
  if (!resource || !isOfKind(kind, resource)) throw new GatewayError('no_such_resource')
  authorize(deps.index, actor, { role, resource })
  return resource
}

/** Always: the compiler does not see it while the kind is a parameter. */
function isOfKind<Kind extends ManagedKind>(
  kind: Kind,
  resource: { kind: ResourceKind },
): resource is Resource<Kind> & Resource<ManagedKind> {
  return resource.kind === kind
}
