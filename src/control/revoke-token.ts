import { GatewayError } from '#contract/errors.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor, Caller } from './actor.ts'
import { authorize, isAllowed } from './authority.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { findGoodPredecessors, tellRevoked, toRevoked } from './predecessors.ts'
import { recorded } from './recorded.ts'
import { afterUpdate } from './to-resource.ts'
import { type ResourceView, toView } from './to-view.ts'
import { requireChangeable } from './update-resource.ts'

/**
 * Ends a token at once and for ever, with those before it that a rotation has left good; they stay as rows, so that what they did can
 * still be read. Who may edit or delete it may do that, and the token itself. A token that has been revoked stays as it is.
 *
 * @throws GatewayError `no_such_resource`, `forbidden`, `read_only`, `version_conflict`, `storage_unavailable`
 */
export async function revokeToken(
  deps: ControlDeps,
  caller: Caller,
  { ref, version }: { ref: string; version: number | null },
): Promise<ResourceView> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'revoke', kind: 'token', name: ref }, async (note) => {
    const token = await getRevocable(deps, actor, ref)
    note.id = token.id
    note.name = token.name
    requireChangeable(token, version)
    const older = await findGoodPredecessors(deps, token)
    const ending = token.spec.revokedAt === null ? [token, ...older] : older
    const revoked = ending.map((one) => toRevoked(deps, caller, one))
    if (revoked.length > 0)
      await commit(
        deps,
        revoked.map((resource) => ({ do: 'update', resource })),
      )
    tellRevoked(deps, caller, older)
    const own = revoked.find(({ id }) => id === token.id)
    return toView(deps, actor, own ? afterUpdate(own) : token)
  })
}

async function getRevocable(deps: ControlDeps, actor: Actor, ref: string): Promise<Resource<'token'>> {
  const resource = await findResource(deps, 'token', ref)
  if (!resource) throw new GatewayError('no_such_resource')
  // Who finds a token can do nothing better with it than to end it.
  if (actor.token?.id === resource.id) return resource
  const role = isAllowed(deps.index, actor, { role: 'delete', resource }) ? 'delete' : 'edit'
  authorize(deps.index, actor, { role, resource })
  return resource
}
