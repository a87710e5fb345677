/** What people see of a resource: names instead of ids, no secret, and nothing that only the gateway needs. */
import { resourceBodies } from '#contract/resource-body.ts'
import type { ManagedKind } from '#contract/resource.ts'
import { secretMark } from '#contract/secret-places.ts'
import { tokenStatus } from '#core/identity/token-status.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { renderReferences } from './resolve-references.ts'
import { hideSecrets } from './server-secrets.ts'

/** Beside these the members of its kind's body, which a later update takes as they are. */
export type ResourceView = {
  kind: ManagedKind
  id: string
  name: string
  version: number
  createdAt: number
  updatedAt: number
  createdBy: string
  updatedBy: string
  /** Declared in the configuration: changed only there. */
  isReadOnly: boolean
} & Record<string, unknown>

/** The resources must be ones that the actor may see. */
export async function toViews(
  deps: ControlDeps,
  actor: Actor,
  resources: readonly Resource<ManagedKind>[],
): Promise<ResourceView[]> {
  const tokenIds = resources.filter(({ kind }) => kind === 'token').map(({ id }) => id)
  const lastUses = tokenIds.length > 0 ? await deps.store.lastUses(tokenIds) : new Map<string, number>()
  return Promise.all(
    resources.map(async (resource) => {
      const { kind, id, name, labels, version, createdAt, updatedAt, createdBy, updatedBy } = resource
      const spec = await renderReferences(deps, kind, toPublic(deps, actor, resource))
      return {
        kind,
        id,
        name,
        labels,
        ...spec,
        ...stateOf(resource, { now: deps.clock.now(), lastUsedAt: lastUses.get(id) ?? null }),
        version,
        createdAt,
        updatedAt,
        createdBy,
        updatedBy,
        isReadOnly: isDeclaredId(id),
      }
    }),
  )
}

export async function toView(deps: ControlDeps, actor: Actor, resource: Resource<ManagedKind>): Promise<ResourceView> {
  const [view] = await toViews(deps, actor, [resource])
  if (!view) throw new Error('one resource has one view')
  return view
}

/** Only what the body of its kind has: whatever else the store keeps is nobody's business until somebody says so here. */
function toPublic({ index }: ControlDeps, actor: Actor, resource: Resource<ManagedKind>): object {
  if (resource.kind === 'server') {
    return hideSecrets(resource.spec, { isEditor: isAllowed(index, actor, { role: 'edit', resource }) })
  }
  if (resource.kind === 'secret') return { ...resource.spec, value: secretMark }
  const members = new Set(Object.keys(resourceBodies[resource.kind].shape))
  return Object.fromEntries(Object.entries(resource.spec).filter(([member]) => members.has(member)))
}

function stateOf(resource: Resource, { now, lastUsedAt }: { now: number; lastUsedAt: number | null }): object {
  if (resource.kind === 'user') return { hasPassword: resource.spec.passwordSetAt !== undefined }
  if (resource.kind !== 'token') return {}
  const { prefix, revokedAt, replacedBy } = resource.spec
  return { prefix, status: tokenStatus(resource.spec, now), revokedAt, replacedBy, lastUsedAt }
}
