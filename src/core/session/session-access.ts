/** What a session may call: what its agent's policies grant, within what is attached, within what its token names. */
import type { Ceiling } from '#core/access/ceiling.ts'
import { chooseGrant } from '#core/access/choose-grant.ts'
import type { Composition } from '#core/access/composition.ts'
import { Ceilings } from '#core/identity/ceilings.ts'
import { organizationOf, policiesOf } from '#core/identity/scopes.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

type Index = Pick<ResourceIndex, 'get' | 'find'>

/**
 * An agent without policies may call all that is attached; what its organization denies, it may not.
 * @param servers ids that the token names
 */
export function composeSession(index: Index, agent: Resource<'agent'>, servers: readonly string[]): Composition {
  const { name, spec } = agent
  const made = new Ceilings(index)
  const composition = chooseGrant({
    agent: { name, policies: policiesOf(index, spec.policies), attachments: made.ofAgent(agent) },
    organization: organizationOf(index, spec.organization),
  })
  const toolset = spec.toolset === undefined ? [] : [toolsetCeiling(index, made, spec.toolset)]
  const ceilings = [...composition.ceilings, ...toolset, made.ofServers('the session’s token', servers)]
  return { ...composition, ceilings }
}

function toolsetCeiling(index: Index, made: Ceilings, id: string): Ceiling {
  const toolset = index.get('toolset', id)
  return toolset ? made.ofToolset(toolset) : { name: 'toolset that is gone' }
}
