/**
 * Which policies an actor holds, and so may give: a grant is never widened by somebody who has less. Only who may manage everything is free
 * of this.
 *
 * The policies of a grant are taken together: its denies take away from all of it. So a set is held only where it is part of one grant and
 * has all of that grant's policies that deny anything.
 */
import type { Token } from '#contract/token.ts'
import { chooseGrant, type Scopes } from '#core/access/choose-grant.ts'
import { policyIdOf } from '#core/identity/policies.ts'
import { scopesOfOwner, scopesOfTeam, scopesOfUser } from '#core/identity/scopes.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'

/** Ids of policies that belong together; empty for one that is gone, which nobody holds. */
type Grant = readonly string[]

/** What a token of this owner may call where it names no policy itself. */
export function grantOfOwner(index: ResourceIndex, owner: Token['owner']): Grant {
  return toGrant(scopesOfOwner(index, owner))
}

export function grantOfTeam(index: ResourceIndex, team: Pick<Resource<'team'>, 'name' | 'spec'>): Grant {
  return toGrant(scopesOfTeam(index, team))
}

export function grantOfUser(index: ResourceIndex, user: Pick<Resource<'user'>, 'id' | 'spec'>): Grant {
  return toGrant(scopesOfUser(index, user))
}

/** Whether the actor has at least what these policies grant. None of them: they grant nothing. */
export function holdsPolicies(index: ResourceIndex, actor: Actor, policies: Grant): boolean {
  const asked = new Set(policies)
  if (asked.size === 0) return true
  return grantsOf(index, actor).some(
    (grant) =>
      asked.isSubsetOf(new Set(grant)) && grant.every((policy) => asked.has(policy) || !canDeny(index, policy)),
  )
}

/** Every policy that is in a grant of the actor. */
export function heldPolicies(index: ResourceIndex, actor: Actor): ReadonlySet<string> {
  return new Set(grantsOf(index, actor).flat())
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
  if (!user) return []
  return index
    .teamsOf(user.id)
    .filter(({ spec }) => spec.members.some((member) => member.user === user.id && member.role === 'admin'))
}

/** A policy that this replica does not know may deny. */
export function canDeny(index: ResourceIndex, id: string): boolean {
  const policy = index.get('policy', id)
  return !policy || policy.spec.rules.some(({ level }) => level === 'deny')
}

/** Its own; and of the teams that it manages, whose tokens it may make, theirs. */
function grantsOf(index: ResourceIndex, actor: Actor): Grant[] {
  const { user, token } = actor
  if (token) {
    const { policies, owner } = token.spec
    return [policies.length > 0 ? policies : grantOfOwner(index, owner)]
  }
  if (!user) return []
  return [grantOfUser(index, user), ...teamsManagedBy(index, actor).map((team) => grantOfTeam(index, team))]
}

function toGrant(scopes: Scopes): Grant {
  return chooseGrant(scopes).grant.map(({ policy }) => policyIdOf(policy))
}
