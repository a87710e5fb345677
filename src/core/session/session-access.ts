/** What a session may call: what its agent's policies grant, within what is attached, within what its token names. */
import type { Ceiling } from '#core/access/ceiling.ts'
import {
  attachmentsPolicy,
  missingPolicy,
  type AttachedPolicy,
  type Attachment,
  type Composition,
} from '#core/access/composition.ts'
import { policyOf } from '#core/identity/policies.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

type Index = Pick<ResourceIndex, 'get'>

/**
 * An agent without policies may call all that is attached; what its organization denies, it may not.
 * @param servers ids that the token names
 */
export function composeSession(index: Index, agent: Resource<'agent'>, servers: readonly string[]): Composition {
  const { policies, organization } = agent.spec
  const attachedTo: Attachment = { kind: 'agent', name: agent.name }
  return {
    grant:
      policies.length === 0
        ? [{ policy: attachmentsPolicy, attachedTo }]
        : policies.map((id) => ({ policy: policyOf(index, id) ?? missingPolicy, attachedTo })),
    bounds: organization === undefined ? [] : boundsOf(index, organization),
    ceilings: [...agentCeilings(index, agent), { name: 'the session’s token', servers: namesOf(index, servers) }],
  }
}

function boundsOf(index: Index, id: string): AttachedPolicy[] {
  const organization = index.get('organization', id)
  const attachedTo: Attachment = { kind: 'organization', name: organization?.name }
  if (!organization) return [{ policy: missingPolicy, attachedTo }]
  return organization.spec.policies.map((policy) => ({ policy: policyOf(index, policy) ?? missingPolicy, attachedTo }))
}

function agentCeilings(index: Index, { name, spec }: Resource<'agent'>): Ceiling[] {
  const whole = spec.servers.flatMap(({ server, tools }) => (tools ? [] : [server]))
  const pairs = spec.servers.flatMap(({ server, tools = [] }) => tools.map((tool) => ({ server, tool })))
  const attached = { name: `agent ${name}`, servers: namesOf(index, whole), tools: namedPairs(index, pairs) }
  if (spec.toolset === undefined) return [attached]
  const toolset = index.get('toolset', spec.toolset)
  const tools = namedPairs(index, toolset?.spec.tools ?? [])
  return [attached, { name: `toolset ${toolset?.name ?? 'that is gone'}`, tools }]
}

/** The store has ids, and calls have names. A server that is not there has no name to be called by. */
function namesOf(index: Index, ids: readonly string[]): string[] {
  return ids.flatMap((id) => index.get('server', id)?.name ?? [])
}

type Pair = { server: string; tool: string }

function namedPairs(index: Index, pairs: readonly Pair[]): Pair[] {
  return pairs.flatMap(({ server, tool }) => namesOf(index, [server]).map((name) => ({ server: name, tool })))
}
