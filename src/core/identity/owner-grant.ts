/** What a token's owner lets it call at the moment of use: nobody hands out what it does not have, and what it loses its tokens lose. */
import type { Policy } from '#contract/policy.ts'
import { chooseGrant, type Scopes } from '#core/access/choose-grant.ts'
import type { AttachedPolicy } from '#core/access/composition.ts'
import { canManageEverything } from '#core/rbac/evaluate.ts'
import { bindingsOfOwner } from '#core/rbac/rights.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

type Index = Pick<ResourceIndex, 'get' | 'teamsOf' | 'roleBindingsOf'>

/**
 * The grant within which a token's own one is held. Undefined where that would take nothing from it: it is part of the owner's; or nobody
 * holds it, since the owner may manage everything and so give itself what it lacks, or the configuration declares the token.
 *
 * @param scopes the owner's, without the token
 */
export function ownerGrant(
  index: Index,
  { id, spec: { owner } }: Resource<'token'>,
  { grant, scopes }: { grant: readonly AttachedPolicy[]; scopes: Scopes },
): readonly AttachedPolicy[] | undefined {
  const owned = chooseGrant(scopes).grant
  const isOwned = new Set(owned.map(({ policy }) => policy))
  if (grant.every(({ policy }) => isOwned.has(policy) || onlyDenies(policy))) return undefined
  return isDeclaredId(id) || mayGiveAnything(index, owner) ? undefined : owned
}

/** Whether an owner is bound by no ceiling on what it gives to its tokens. */
export function mayGiveAnything(index: Index, owner: Resource<'token'>['spec']['owner']): boolean {
  return canManageEverything(bindingsOfOwner(index, owner))
}

function onlyDenies({ default: level, rules }: Policy): boolean {
  return level === 'deny' && rules.every((rule) => rule.level === 'deny')
}
