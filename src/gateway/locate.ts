/** Steps 3 and 4 of a call: what an address means, whether the caller may be there at all, and what it may there. */
import { GatewayError } from '#contract/errors.ts'
import type { Principal, Scope } from '#core/identity/principal.ts'
import { addressKey } from '#core/naming/address.ts'
import type { Address, Endpoint, Registry } from './endpoint.ts'
import type { Identities } from './identify.ts'

/** `principal`: with the access that it has at this address. */
export type Located = { principal: Principal; endpoint: Endpoint }

type Known = { identities: Pick<Identities, 'outside' | 'scope' | 'within' | 'among'>; registry: Registry }

/**
 * Where a caller may not be, it does not learn whether anything is there.
 * @throws GatewayError `forbidden`, `server_not_found`
 */
export function locate(identified: Principal, address: Address, known: Known): Located {
  const { scope: kind, names, narrowing } = address
  const { identities, registry } = known
  const scope = kind === 'servers' ? undefined : identities.scope(kind, names)
  checkBinding(identified, address, scope?.id)
  const principal = address.isInternal ? identified : identities.outside(identified)
  const located =
    kind === 'servers' ? locateNames(principal, names, known) : locateScope(principal, requireScope(scope), known)
  return narrowing === null
    ? located
    : { principal: located.principal, endpoint: registry.narrowed(located.endpoint, narrowing) }
}

/**
 * The same for who comes anew: a server that the caller may use nothing of is one that does not exist.
 * @throws GatewayError `forbidden`, `server_not_found`
 */
export function admit(principal: Principal, address: Address, known: Known): Located {
  const located = locate(principal, address, known)
  const { scope, names } = address
  if (scope === 'servers' && names !== null && !isSeen(located, names, known)) {
    throw new GatewayError('server_not_found')
  }
  return located
}

/** @throws GatewayError `forbidden`, the same for what is there and what is not */
function checkBinding({ token }: Principal, address: Address, scopeId: string | undefined): void {
  if (!token) return
  const { projectId, endpoints } = token
  const isElsewhere = projectId !== null && (address.scope !== 'project' || scopeId !== projectId)
  if (isElsewhere || (endpoints !== null && !endpoints.has(addressKey(address))))
    throw new GatewayError('forbidden', { details: { reason: 'this token is bound to another address' } })
}

/** Nobody has a session with a project or toolset of which it may use nothing: it is as if it were not there. */
function locateScope(principal: Principal, scope: Scope, { identities, registry }: Known): Located {
  const within = identities.within(principal, scope)
  const endpoint = registry.listed(scope.servers)
  if (!endpoint.upstreams.some(({ name }) => within.access.mayReach(name))) throw new GatewayError('server_not_found')
  return { principal: within, endpoint }
}

/**
 * A name is a server's or its alias, else a label, else a toolset's; it means the same for everybody. A toolset is here what it is at its own
 * address; beside others it adds its tools to theirs.
 */
function locateNames(principal: Principal, names: string | null, known: Known): Located {
  const { identities, registry } = known
  if (names === null) return { principal, endpoint: registry.all() }
  const meanings = registry.meanings(names)
  const others = meanings.filter(({ servers }) => servers.length === 0)
  if (others.length === 0) return { principal, endpoint: registry.named(names) }
  const toolsets = others.map(({ part }) => requireScope(identities.scope('toolset', part)))
  const [first] = toolsets.map((toolset) => locateScope(principal, toolset, known))
  if (first && meanings.length === 1) return first
  const servers = meanings.flatMap((meaning) => meaning.servers)
  const serversOf = new Map(toolsets.map((toolset) => [toolset.name, toolset.servers]))
  const offered = meanings.flatMap((meaning) => serversOf.get(meaning.part) ?? meaning.servers)
  return { principal: identities.among(principal, { servers, toolsets }), endpoint: registry.listed(offered) }
}

/** @throws GatewayError `server_not_found` */
function requireScope(scope: Scope | undefined): Scope {
  if (!scope) throw new GatewayError('server_not_found')
  return scope
}

/** Whether the caller may see something of each name: all else is as if it were not there. Of toolsets that is known by then. */
function isSeen({ principal }: Located, names: string, { registry }: Known): boolean {
  const meanings = registry.meanings(names).filter(({ servers }) => servers.length > 0)
  return meanings.every(({ servers }) => servers.some((server) => principal.access.mayReach(server)))
}
