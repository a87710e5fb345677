/** Which policies an actor holds, and so may give: a grant is never widened by somebody who has less. */
import type { Token } from '#contract/token.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import { mayGiveAnything } from '#core/identity/owner-grant.ts'
import { policyIdOf } from '#core/identity/policies.ts'
import { scopesOfOwner } from '#core/identity/scopes.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'

/** Ids of policies that belong together; empty for one that is gone, which nobody holds. */
export type Grant = readonly string[]

/** What somebody may call: by which policies, and by all of whose denies it is bound, those of the grant among them. */
export type Reach = { grant: Grant; binding: ReadonlySet<string> }

/** Of a user or a team, as a token of theirs has it that names no policy itself. */
export function reachOfOwner(index: ResourceIndex, owner: Token['owner']): Reach {
  const { grant, bounds } = chooseGrant(scopesOfOwner(index, owner))
  const ids = (list: typeof grant) => list.map(({ policy }) => policyIdOf(policy))
  return { grant: ids(grant), binding: new Set([...ids(grant), ...ids(bounds)]) }
}

/**
 * Whether the actor has at least what these policies grant. The policies of a grant are taken together, and denies take away from all of it:
 * so they must be part of one grant of the actor, and whatever is denied to the actor by it must be denied to who gets them. A policy that
 * only denies is anybody's to give.
 *
 * @param binding by whose denies the receiver is bound anyway
 */
export function holdsPolicies(
  index: ResourceIndex,
  actor: Actor,
  { policies, binding = new Set() }: { policies: Grant; binding?: ReadonlySet<string> },
): boolean {
  if (isPartOf(index, policies, [])) return true
  const bound = new Set(policies).union(binding)
  return reachesOf(index, actor).some(
    (reach) =>
      isPartOf(index, policies, reach.grant) &&
      [...reach.binding].every((policy) => bound.has(policy) || !canDeny(index, policy)),
  )
}

/** Whether a grant has all of these policies that grant anything. */
export function isPartOf(index: ResourceIndex, policies: Grant, grant: Grant): boolean {
  return policies.every((policy) => grant.includes(policy) || !canGrant(index, policy))
}

/** Every policy that binds the actor, or that it can give. */
export function heldPolicies(index: ResourceIndex, actor: Actor): ReadonlySet<string> {
  return new Set(reachesOf(index, actor).flatMap(({ binding }) => [...binding]))
}

/** The organization whose denies bind the actor. */
export function organizationOf(index: ResourceIndex, { user, token }: Actor): string | undefined {
  if (user) return user.spec.organization
  if (!token) return undefined
  const { kind, ref } = token.spec.owner
  return index.get(kind, ref)?.spec.organization
}

/** The teams whose members and tokens this person manages. A token manages none. */
export function teamsManagedBy(index: ResourceIndex, { user }: Actor): readonly Resource<'team'>[] {
  return user ? teamsManagedByUser(index, user.id) : []
}

function teamsManagedByUser(index: ResourceIndex, userId: string): readonly Resource<'team'>[] {
  return index
    .teamsOf(userId)
    .filter(({ spec }) => spec.members.some(({ user, role }) => user === userId && role === 'admin'))
}

/** A policy that this replica does not know may deny anything. */
export function canDeny(index: ResourceIndex, id: string): boolean {
  const policy = index.get('policy', id)
  return !policy || policy.spec.rules.some(({ level }) => level === 'deny')
}

/** And it may grant anything. */
function canGrant(index: ResourceIndex, id: string): boolean {
  const policy = index.get('policy', id)
  return !policy || policy.spec.default !== 'deny' || policy.spec.rules.some(({ level }) => level !== 'deny')
}

/** All that the actor can make one token of, each by itself. */
export function reachesOf(index: ResourceIndex, { user, token }: Actor): Reach[] {
  if (user) return reachesOfUser(index, user.id)
  // What it has within bounds it cannot give, for they are no part of a policy.
  if (!token || isBounded(token.spec)) return []
  const { policies, owner } = token.spec
  const reach = reachOfOwner(index, owner)
  if (policies.length === 0) return [reach]
  const isFree = mayGiveAnything(index, owner)
  const grant = policies.filter((policy) => isFree || isPartOf(index, [policy], reach.grant))
  return [{ grant, binding: reach.binding.union(new Set(policies)) }]
}

/** All that who signs in as this user can make tokens of: its own, and of the teams that it manages theirs. */
export function reachesOfUser(index: ResourceIndex, userId: string): Reach[] {
  const owners: Token['owner'][] = [
    { kind: 'user', ref: userId },
    ...teamsManagedByUser(index, userId).map(({ id }) => ({ kind: 'team' as const, ref: id })),
  ]
  return owners.map((owner) => reachOfOwner(index, owner))
}

function isBounded({ servers, accessGroups, toolsets, tools, project }: Token): boolean {
  return [servers, accessGroups, toolsets, tools, project].some((bound) => bound !== undefined)
}
