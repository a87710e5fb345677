/**
 * Which policies an actor holds, and so may give: a grant is never widened by somebody who has less. Only who may manage everything is free
 * of this.
 *
 * The policies of a grant are taken together: its denies take away from all of it. So a set is held only where it is part of one grant and
 * has all of that grant's policies that deny anything.
 */
import type { Token } from '#contract/token.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'

/** Ids of policies that belong together. */
type Grant = readonly string[]

/** What a token of this owner may call where it names no policy itself: its owner's, else its teams', else its organization's. */
export function grantOfOwner(index: ResourceIndex, { kind, ref }: Token['owner']): Grant {
  if (kind === 'team') {
    const team = index.get('team', ref)
    return team ? grantOfTeam(index, team.spec) : []
  }
  const user = index.get('user', ref)
  return user ? grantOfUser(index, user.id, user.spec) : []
}

export function grantOfTeam(
  index: ResourceIndex,
  { policies, organization }: Pick<Resource<'team'>['spec'], 'policies' | 'organization'>,
): Grant {
  return firstGrant([policies, grantOfOrganization(index, organization)])
}

export function grantOfUser(
  index: ResourceIndex,
  id: string,
  { policies, organization }: Pick<Resource<'user'>['spec'], 'policies' | 'organization'>,
): Grant {
  const teams = index.teamsOf(id)
  return firstGrant([
    policies,
    teams.flatMap(({ spec }) => spec.policies),
    grantOfOrganization(index, organization),
    teams.flatMap(({ spec }) => grantOfOrganization(index, spec.organization)),
  ])
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

/** Its own; and of the teams that it manages, whose tokens it may make, theirs. */
function grantsOf(index: ResourceIndex, actor: Actor): Grant[] {
  const { user, token } = actor
  if (token) return [firstGrant([token.spec.policies, grantOfOwner(index, token.spec.owner)])]
  if (!user) return []
  const managed = teamsManagedBy(index, actor).map(({ spec }) => grantOfTeam(index, spec))
  return [grantOfUser(index, user.id, user.spec), ...managed]
}

function grantOfOrganization(index: ResourceIndex, id: string | undefined): Grant {
  return (id === undefined ? undefined : index.get('organization', id))?.spec.policies ?? []
}

function firstGrant(grants: readonly Grant[]): Grant {
  return grants.find(({ length }) => length > 0) ?? []
}

/** A policy that this replica does not know yet may deny. */
export function canDeny(index: ResourceIndex, id: string): boolean {
  const policy = index.get('policy', id)
  return !policy || policy.spec.rules.some(({ level }) => level === 'deny')
}
