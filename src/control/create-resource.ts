import { GatewayError } from '#contract/errors.ts'
import { parseResourceBody } from '#contract/resource-body.ts'
import { can } from '#core/rbac/evaluate.ts'
import { managedResourceOf } from '#core/rbac/managed-resource.ts'
import type { Actor, Caller } from './actor.ts'
import { checkName } from './check-name.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { organizationOf } from './grants.ts'
import { recorded } from './recorded.ts'
import { resolveReferences } from './resolve-references.ts'
import { checkRules } from './rules.ts'
import { newResource } from './to-resource.ts'
import { type CreatableKind, toSpec } from './to-spec.ts'
import { type ResourceView, toView } from './to-view.ts'
import { isFree } from './transition.ts'

/**
 * @param body see `resourceBodies`
 * @throws GatewayError `forbidden`, `invalid_body`, `dangling_reference`, `exceeds_creator`, `already_exists`, `storage_unavailable`
 */
export async function createResource(
  deps: ControlDeps,
  caller: Caller,
  { kind, body }: { kind: CreatableKind; body: unknown },
): Promise<ResourceView> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'create', kind, name: '' }, async (note) => {
    const parsed = parseResourceBody(kind, body)
    note.name = parsed.name
    requireCreate(actor, kind, parsed.name)
    checkName(deps, kind, parsed.name)
    const named = await resolveReferences(deps, actor, { kind, spec: toSpec(kind, parsed, null), before: null })
    const spec = withOrganization(kind, named, isFree(actor) ? undefined : organizationOf(deps.index, actor))
    const resource = newResource(deps, actor, { kind, body: parsed, spec })
    const others = await checkRules(deps, actor, { before: null, after: resource })
    await commit(deps, [{ do: 'create', resource }, ...others])
    note.id = resource.id
    return toView(deps, actor, resource)
  })
}

function requireCreate(actor: Actor, kind: CreatableKind, name: string): void {
  const resource = managedResourceOf[kind]
  if (can(actor.bindings, 'create', { resource, name })) return
  throw new GatewayError('forbidden', { details: { role: 'create', resource } })
}

const kindsInOrganizations = new Set<CreatableKind>(['team', 'user', 'project', 'agent'])

/** What somebody makes within an organization belongs to it. */
function withOrganization<Spec extends object>(
  kind: CreatableKind,
  spec: Spec,
  organization: string | undefined,
): Spec {
  if (organization === undefined || 'organization' in spec || !kindsInOrganizations.has(kind)) return spec
  return { ...spec, organization }
}
