import type { Policy } from '#contract/policy.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { changedIndex } from './changed-index.ts'

/** Whoever can have policies of its own. */
export type AttachedTo = Resource<'token' | 'user' | 'team' | 'organization'>

const newPolicyId = 'pol_proposed'

/**
 * The resources as they would be with another policy.
 * @param attachedTo who has it besides; null: nobody
 */
export function proposedIndex(
  index: ResourceIndex,
  { name, ...spec }: Policy,
  attachedTo: AttachedTo | null,
): ResourceIndex {
  const known = index.find('policy', name)
  const policy: Resource<'policy'> = known
    ? { ...known, spec }
    : { ...unstored, kind: 'policy', id: newPolicyId, name, spec }
  return changedIndex(index, attachedTo ? [policy, withPolicy(attachedTo, policy.id)] : [policy])
}

const unstored = {
  labels: {},
  version: 0,
  createdAt: 0,
  updatedAt: 0,
  createdBy: '',
  updatedBy: '',
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
