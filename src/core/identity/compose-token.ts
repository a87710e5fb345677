/** Of what a caller's access is made: for the path of a call, and for people who ask why, and what would be if. */
import type { Token } from '#contract/token.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import type { Ceiling } from '#core/access/ceiling.ts'
import { closed, type AttachedPolicy, type Composition, type ServerFacts } from '#core/access/composition.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { Ceilings } from './ceilings.ts'
import { ownerGrant } from './owner-grant.ts'
import { organizationOf, policiesOf, scopesOfOwner } from './scopes.ts'

type Index = Pick<ResourceIndex, 'get' | 'find' | 'teamsOf' | 'roleBindingsOf'>

/** Of a user or a team, as a token of theirs would have it that names nothing itself. */
export function composeOwner(index: Index, owner: Token['owner']): Composition {
  return chooseGrant(scopesOfOwner(index, owner))
}

/** What an address, or what a token is bound to, takes from everybody who uses it. */
export type Bounds = { ceiling: Ceiling; bounds: readonly AttachedPolicy[] }

/**
 * Of a token, wherever it may be used. Whether it is good is another question.
 * @param ceilings those of this index, where the caller has them
 */
export function composeToken(index: Index, token: Resource<'token'>, ceilings = new Ceilings(index)): Composition {
  const { spec } = token
  const own = { policies: policiesOf(index, spec.policies) }
  const scopes = scopesOfOwner(index, spec.owner)
  const { grant, bounds } = chooseGrant({ token: own, ...scopes })
  const within = spec.policies.length > 0 ? ownerGrant(index, token, { grant, scopes }) : undefined
  const composition = { grant, bounds, within, ceilings: ceilings.ofToken(spec) }
  if (spec.project === undefined) return composition
  const project = index.get('project', spec.project)
  return addBounds(composition, project ? boundsOfProject(index, project, ceilings) : null)
}

export function boundsOfProject(index: Index, project: Resource<'project'>, ceilings: Ceilings): Bounds {
  const organization = organizationOf(index, project.spec.organization)
  return { ceiling: ceilings.ofProject(project), bounds: chooseGrant({ organization }).grant }
}

/** @param bounded null: of something that is gone, which lets nothing through */
export function addBounds(composition: Composition, bounded: Bounds | null): Composition {
  if (!bounded) return closed
  const { bounds, ceilings } = composition
  return { ...composition, bounds: [...bounds, ...bounded.bounds], ceilings: [...ceilings, bounded.ceiling] }
}

export function serverFacts(index: Pick<ResourceIndex, 'find'>): ServerFacts {
  return {
    labelsOf: (server) => index.find('server', server)?.spec.labels ?? null,
    isForEveryone: (server) => index.find('server', server)?.spec.isForEveryone ?? false,
  }
}
