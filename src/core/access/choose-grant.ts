/**
 * Whose policies say what a caller may do, and whose can only deny. The first who has any policy gives the grant: the token, else the agent
 * whose session it is, else the user, else the user's teams together, else the organization, else the teams' organizations together. The
 * policies of all others still deny.
 *
 * Having a policy is what counts, not what it allows: a grant that is emptied must not let a wider one take its place.
 */
import type { Policy } from '#contract/policy.ts'
import type { Ceiling } from './ceiling.ts'
import {
  attachmentsPolicy,
  missingPolicy,
  type AttachedPolicy,
  type Attachment,
  type Composition,
} from './composition.ts'

/** Undefined: a policy that is named and not there. It denies everything, since nobody knows what it denied. */
type Policies = readonly (Policy | undefined)[]

export type Scopes = {
  token?: { policies: Policies } | undefined
  /** Of an agent's session. Without policies it may call all that is attached to it, which is why that must be given. */
  agent?: { name: string; policies: Policies; attachments: Ceiling } | undefined
  user?: { policies: Policies } | undefined
  teams?: readonly Named[] | undefined
  organization?: Named | undefined
  teamOrganizations?: readonly Named[] | undefined
}
type Named = { name: string; policies: Policies }

/** Its ceilings are what is attached to the agent, if there is one: others come on top. */
export function chooseGrant(scopes: Scopes): Composition {
  const { token, agent, user, teams = [], organization, teamOrganizations = [] } = scopes
  const levels = [
    token ? attach({ kind: 'token' }, token.policies) : [],
    agent
      ? attach({ kind: 'agent', name: agent.name }, agent.policies.length > 0 ? agent.policies : [attachmentsPolicy])
      : [],
    user ? attach({ kind: 'user' }, user.policies) : [],
    teams.flatMap(({ name, policies }) => attach({ kind: 'team', name }, policies)),
    ...[organization ? [organization] : [], teamOrganizations].map((organizations) =>
      organizations.flatMap(({ name, policies }) => attach({ kind: 'organization', name }, policies)),
    ),
  ]
  const grant = levels.find(({ length }) => length > 0) ?? []
  const bounds = levels.filter((level) => level !== grant).flat()
  return { grant, bounds, ceilings: agent ? [agent.attachments] : [] }
}

function attach(attachedTo: Attachment, policies: Policies): AttachedPolicy[] {
  return policies.map((policy = missingPolicy) => ({ policy, attachedTo }))
}
