import { GatewayError } from '#contract/errors.ts'
import { parseResourceBody } from '#contract/resource-body.ts'
import type { ManagedKind } from '#contract/resource.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Caller } from './actor.ts'
import { checkName } from './check-name.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { getFor } from './get-resource.ts'
import { recorded } from './recorded.ts'
import { resolveReferences } from './resolve-references.ts'
import { checkRules } from './rules.ts'
import { afterUpdate, updatedResource } from './to-resource.ts'
import { toSpec } from './to-spec.ts'
import { type ResourceView, toView } from './to-view.ts'
import { changedMembers } from './transition.ts'

/**
 * Replaces the whole of it. A body without a change changes nothing, the version neither.
 *
 * @param version the one that was seen; null: whatever it is
 * @throws GatewayError `no_such_resource`, `forbidden`, `read_only`, `version_conflict`, `invalid_body`, `dangling_reference`,
 *   `exceeds_creator`, `last_admin`, `person_required`, `already_exists`, `storage_unavailable`
 */
export async function updateResource(
  deps: ControlDeps,
  caller: Caller,
  { kind, ref, version, body }: { kind: ManagedKind; ref: string; version: number | null; body: unknown },
): Promise<ResourceView> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'update', kind, name: ref }, async (note) => {
    const before = await getFor(deps, actor, { kind, ref, role: 'edit' })
    note.id = before.id
    note.name = before.name
    requireChangeable(before, version)
    const after = await toUpdated(deps, caller, { before, body })
    note.changed = changesOf(before, after)
    if (note.changed.length === 0) return toView(deps, actor, before)
    const others = await checkRules(deps, actor, { before, after })
    await commit(deps, [{ do: 'update', resource: after }, ...others])
    return toView(deps, actor, afterUpdate(after))
  })
}

/** @throws GatewayError `read_only`, `version_conflict` */
export function requireChangeable(resource: Resource, version: number | null): void {
  if (isDeclaredId(resource.id)) throw new GatewayError('read_only')
  if (version !== null && version !== resource.version) throw new GatewayError('version_conflict')
}

async function toUpdated(
  deps: ControlDeps,
  { actor }: Caller,
  { before, body }: { before: Resource<ManagedKind>; body: unknown },
): Promise<Resource<ManagedKind>> {
  const { kind } = before
  const parsed = parseResourceBody(kind, body)
  if (parsed.name !== before.name) checkName(deps, kind, parsed.name)
  const written = toSpec(kind, parsed, before)
  const spec = await resolveReferences(deps, actor, { kind, spec: written, before: before.spec })
  return updatedResource(before, { kind, body: parsed, spec }, { at: deps.clock.now(), by: actor.id })
}

function changesOf(before: Resource<ManagedKind>, after: Resource<ManagedKind>): string[] {
  const named = ({ name, labels }: Resource) => ({ name, labels })
  return [...changedMembers(named(before), named(after)), ...changedMembers(before.spec, after.spec)]
}
