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
import { policiesOf, scopesOfOwner, scopesOfTeam, scopesOfUser } from '#core/identity/scopes.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'

/** Ids of policies that belong together. */
type Grant = readonly string[]

/** What a token of this owner may call where it names no policy itself: its owner's, else its teams', else its organization's. */
export function grantOfOwner(index: ResourceIndex, owner: Token['owner']): Grant {
  return idsOf(scopesOfOwner(index, owner))
}

export function grantOfTeam(index: ResourceIndex, spec: Resource<'team'>['spec']): Grant {
  return idsOf(scopesOfTeam(index, { name: '', spec }))
}

export function grantOfUser(index: ResourceIndex, id: string, spec: Resource<'user'>['spec']): Grant {
  return idsOf(scopesOfUser(index, { id, spec }))
}

/** A policy that is not there has no id of its own, and may deny (see `canDeny`). */
function idsOf(scopes: Scopes): Grant {
  return chooseGrant(scopes).grant.map(({ policy }) => policyIdOf(policy))
}

/** Whether the actor has at least what these policies grant. None of them: they grant nothing. */
export function holdsPolicies(index: ResourceIndex, actor: Actor, policies: Grant): boolean {
  return grantsOf(index, actor).some((grant) => isWithin(index, policies, grant)) || policies.length === 0
}

/** Whether these policies are part of one grant, with all of it that denies anything. */
export function isWithin(index: ResourceIndex, policies: Grant, grant: Grant): boolean {
  const asked = new Set(policies)
  if (asked.size === 0) return true
  return asked.isSubsetOf(new Set(grant)) && grant.every((policy) => asked.has(policy) || !canDeny(index, policy))
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

/** Its own; and of the teams that it manages, whose tokens it may make, theirs. */
function grantsOf(index: ResourceIndex, actor: Actor): Grant[] {
  const { user, token } = actor
  if (token) {
    const { policies, owner } = token.spec
    return [idsOf({ token: { policies: policiesOf(index, policies) }, ...scopesOfOwner(index, owner) })]
  }
  if (!user) return []
  const managed = teamsManagedBy(index, actor).map(({ spec }) => grantOfTeam(index, spec))
  return [grantOfUser(index, user.id, user.spec), ...managed]
}

/** A policy that this replica does not know yet may deny. */
export function canDeny(index: ResourceIndex, id: string): boolean {
  const policy = index.get('policy', id)
  return !policy || policy.spec.rules.some(({ level }) => level === 'deny')
}
