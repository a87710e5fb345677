/**
 * Of what a caller's access is made, from the resources alone: `principals.ts` keeps the same for the path of a call; here it is made anew,
 * for people who ask why, and what would be if.
 */
import type { Token } from '#contract/token.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import type { Composition, ServerFacts } from '#core/access/composition.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { Ceilings } from './ceilings.ts'
import { organizationOf, policiesOf, scopesOfOwner } from './scopes.ts'

type Index = Pick<ResourceIndex, 'get' | 'find' | 'teamsOf'>

/** Of a user or a team, as a token of theirs would have it that names nothing itself. */
export function composeOwner(index: Index, owner: Token['owner']): Composition {
  return chooseGrant(scopesOfOwner(index, owner))
}

/** Of a token, wherever it may be used. Whether it is good is another question. */
export function composeToken(index: Index, { spec }: Resource<'token'>): Composition {
  const ceilings = new Ceilings(index)
  const own = { policies: policiesOf(index, spec.policies) }
  const { grant, bounds } = chooseGrant({ token: own, ...scopesOfOwner(index, spec.owner) })
  if (spec.project === undefined) return { grant, bounds, ceilings: ceilings.ofToken(spec) }
  const project = index.get('project', spec.project)
  if (!project) return { grant: [], bounds: [], ceilings: [] }
  const ofProject = chooseGrant({ organization: organizationOf(index, project.spec.organization) })
  return {
    grant,
    bounds: [...bounds, ...ofProject.grant],
    ceilings: [...ceilings.ofToken(spec), ceilings.ofProject(project)],
  }
}

export function serverFacts(index: Pick<ResourceIndex, 'find'>): ServerFacts {
  return {
    labelsOf: (server) => index.find('server', server)?.spec.labels ?? null,
    isForEveryone: (server) => index.find('server', server)?.spec.isForEveryone ?? false,
  }
}
