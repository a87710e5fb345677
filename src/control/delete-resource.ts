import { GatewayError } from '#contract/errors.ts'
import type { ManagedKind, ResourceKind } from '#contract/resource.ts'
import { referenceRules } from '#core/resources/references.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { Actor, Caller } from './actor.ts'
import { isAllowed } from './authority.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { getFor } from './get-resource.ts'
import { keepAnAdmin } from './last-admin.ts'
import { findGoodPredecessors, tellRevoked, toRevoked } from './predecessors.ts'
import { recorded } from './recorded.ts'
import { checkTeamDelete } from './team-rules.ts'
import { requireChangeable } from './update-resource.ts'
import { checkNotOutranked } from './user-rules.ts'

/**
 * With all that must go with it, by `docs/reference/deletes.md`. With a token those end that a rotation has left good before it.
 *
 * @param version the one that was seen; null: whatever it is
 * @throws GatewayError `no_such_resource`, `forbidden`, `read_only`, `version_conflict`, `still_referenced` (`by`: which ones, of those that
 *   the actor may see, at most 20), `exceeds_creator`, `last_admin`, `storage_unavailable`
 */
export async function deleteResource(
  deps: ControlDeps,
  caller: Caller,
  { kind, ref, version }: { kind: ManagedKind; ref: string; version: number | null },
): Promise<void> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'delete', kind, name: ref }, async (note) => {
    const resource = await getFor(deps, actor, { kind, ref, role: 'delete' })
    note.id = resource.id
    note.name = resource.name
    requireChangeable(resource, version)
    const kept = await checkPeople(deps, actor, resource)
    const older = resource.kind === 'token' ? await findGoodPredecessors(deps, resource) : []
    const revoked = older.map((one): Change => ({ do: 'update', resource: toRevoked(deps, caller, one) }))
    const change: Change = { do: 'delete', kind, id: resource.id, version, at: deps.clock.now(), by: actor.id }
    try {
      await commit(deps, [...kept, ...revoked, change])
    } catch (error) {
      throw await withReasons(deps, actor, { resource, error })
    }
    tellRevoked(deps, caller, older)
  })
}

/** Who goes with it, or is let loose by it. */
async function checkPeople(deps: ControlDeps, actor: Actor, resource: Resource): Promise<Change[]> {
  if (resource.kind === 'team') checkTeamDelete(deps, actor, resource)
  if (resource.kind !== 'user') return []
  checkNotOutranked(deps, actor, resource)
  return keepAnAdmin(deps.store, resource, null)
}

const toldMax = 20

/** A store knows nothing of who may see what. */
async function withReasons(
  deps: ControlDeps,
  actor: Actor,
  { resource, error }: { resource: Resource; error: unknown },
): Promise<unknown> {
  if (!(error instanceof GatewayError) || error.code !== 'still_referenced') return error
  const refusing = new Set(
    referenceRules.filter(({ to, onDelete }) => to === resource.kind && onDelete === 'refuse').map(({ from }) => from),
  )
  const by: { kind: ResourceKind; name: string }[] = []
  for (const { kind, id, name } of await deps.store.referrers(resource.kind, resource.id, 1_000)) {
    const referrer: Resource | null = refusing.has(kind) && by.length < toldMax ? await deps.store.get(kind, id) : null
    if (referrer && isAllowed(deps.index, actor, { role: 'view', resource: referrer })) by.push({ kind, name })
  }
  return new GatewayError('still_referenced', { details: { by }, cause: error })
}
