/** Stored policies as decisions read them: one object for each, so that what was made of it is found again by it. */
import type { Policy } from '#contract/policy.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

const policies = new WeakMap<Resource<'policy'>, Policy>()
const ids = new WeakMap<Policy, string>()

/** Undefined: a policy that is named and not there. */
export function policyOf(index: Pick<ResourceIndex, 'get'>, id: string): Policy | undefined {
  const resource = index.get('policy', id)
  if (!resource) return undefined
  let policy = policies.get(resource)
  if (!policy) {
    policy = { ...resource.spec, name: resource.name }
    policies.set(resource, policy)
    ids.set(policy, resource.id)
  }
  return policy
}

/** Of a policy that `policyOf` gave; of another one the empty text, which is nobody's id. */
export function policyIdOf(policy: Policy): string {
  return ids.get(policy) ?? ''
}
