/** The resources as they would be with another policy. */
import type { Policy } from '#contract/policy.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import { isOfKind } from '#core/resources/resource-query.ts'
import type { Resource } from '#core/resources/resource-store.ts'

/** Whoever can have policies of its own. */
export type AttachedTo = Resource<'token' | 'user' | 'team' | 'organization'>

const newPolicyId = 'pol_proposed'

/** @param attachedTo who has it besides; null: nobody */
export function proposedIndex(
  index: ResourceIndex,
  { name, ...spec }: Policy,
  attachedTo: AttachedTo | null,
): ResourceIndex {
  const known = index.find('policy', name)
  const policy: Resource<'policy'> = known
    ? { ...known, spec }
    : { ...unstored, kind: 'policy', id: newPolicyId, name, spec }
  const holder = attachedTo && withPolicy(attachedTo, policy.id)
  const changed = new Map<string, Resource>([policy, ...(holder ? [holder] : [])].map((one) => [one.id, one]))
  return {
    ...bound(index),
    get: (kind, id) => ofKind(kind, changed.get(id)) ?? index.get(kind, id),
    find: (kind, wanted) => {
      const found = index.find(kind, wanted)
      return found && (ofKind(kind, changed.get(found.id)) ?? found)
    },
    teamsOf: (userId) => index.teamsOf(userId).map((team) => ofKind('team', changed.get(team.id)) ?? team),
  }
}

const unstored = {
  labels: {},
  version: 0,
  createdAt: 0,
  updatedAt: 0,
  createdBy: '',
  updatedBy: '',
}

/** An index may be an object of a class, whose methods no spread copies. */
function bound(index: ResourceIndex): Pick<ResourceIndex, 'tokenByDigest' | 'declared' | 'roleBindingsOf'> {
  return {
    tokenByDigest: (digest) => index.tokenByDigest(digest),
    declared: (kind) => index.declared(kind),
    roleBindingsOf: (kind, id) => index.roleBindingsOf(kind, id),
  }
}

function withPolicy(holder: AttachedTo, id: string): AttachedTo {
  const policies = [...new Set([...holder.spec.policies, id])]
  switch (holder.kind) {
    case 'token':
      return { ...holder, spec: { ...holder.spec, policies } }
    case 'user':
      return { ...holder, spec: { ...holder.spec, policies } }
    case 'team':
      return { ...holder, spec: { ...holder.spec, policies } }
    case 'organization':
      return { ...holder, spec: { ...holder.spec, policies } }
  }
  return holder satisfies never
}

function ofKind<Kind extends ResourceKind>(kind: Kind, resource: Resource | undefined): Resource<Kind> | undefined {
  return resource && isOfKind(kind, resource) ? resource : undefined
}
