/** Who has a say in what a token may call beside the token itself: its owner, the owner's teams, and their organizations. */
import type { Token } from '#contract/token.ts'
import type { Scopes } from '#core/access/choose-grant.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { policyOf } from './policies.ts'

type Index = Pick<ResourceIndex, 'get' | 'teamsOf'>
type Organization = NonNullable<Scopes['organization']>

/** Of an owner that is gone: nobody. */
export function scopesOfOwner(index: Index, { kind, ref }: Token['owner']): Scopes {
  if (kind === 'team') {
    const team = index.get('team', ref)
    return team ? scopesOfTeam(index, team) : {}
  }
  const user = index.get('user', ref)
  return user ? scopesOfUser(index, user) : {}
}

function scopesOfTeam(index: Index, { name, spec }: Pick<Resource<'team'>, 'name' | 'spec'>): Scopes {
  return {
    teams: [{ name, policies: policiesOf(index, spec.policies) }],
    organization: organizationOf(index, spec.organization),
  }
}

function scopesOfUser(index: Index, { id, spec }: Pick<Resource<'user'>, 'id' | 'spec'>): Scopes {
  const teams = index.teamsOf(id)
  return {
    user: { policies: policiesOf(index, spec.policies) },
    teams: teams.map((team) => ({ name: team.name, policies: policiesOf(index, team.spec.policies) })),
    organization: organizationOf(index, spec.organization),
    teamOrganizations: teams.flatMap((team) => organizationOf(index, team.spec.organization) ?? []),
  }
}

/** One that is named and not there may have denied anything. */
export function organizationOf(index: Pick<ResourceIndex, 'get'>, id: string | undefined): Organization | undefined {
  if (id === undefined) return undefined
  const organization = index.get('organization', id)
  if (!organization) return { name: 'that is gone', policies: [undefined] }
  return { name: organization.name, policies: policiesOf(index, organization.spec.policies) }
}

export function policiesOf(index: Pick<ResourceIndex, 'get'>, ids: readonly string[]) {
  return ids.map((id) => policyOf(index, id))
}
