/** Steps 3 and 4 of a call: what an address means, whether the caller may be there at all, and what it may there. */
import { GatewayError } from '#contract/errors.ts'
import type { Principal } from '#core/identity/principal.ts'
import { addressKey } from '#core/naming/address.ts'
import type { Address, Endpoint, Registry } from './endpoint.ts'
import type { Identities } from './identify.ts'

/** `principal`: with the access that it has at this address. */
export type Located = { principal: Principal; endpoint: Endpoint }

type Known = { identities: Pick<Identities, 'outside' | 'scope' | 'within'>; registry: Registry }

/**
 * Where a caller may not be, it does not learn whether anything is there.
 * @throws GatewayError `forbidden`, `server_not_found`
 */
export function locate(identified: Principal, address: Address, { identities, registry }: Known): Located {
  const { scope: kind, names, narrowing } = address
  const scope = kind === 'servers' ? undefined : identities.scope(kind, names)
  checkBinding(identified, address, scope?.id)
  const principal = address.isInternal ? identified : identities.outside(identified)
  if (kind === 'servers') return { principal, endpoint: narrow(registry, wholeOf(registry, names), narrowing) }
  const within = scope && identities.within(principal, scope)
  const endpoint = scope && registry.listed(scope.servers)
  // Nobody has a session with a project or toolset of which it may use nothing: it is as if it were not there.
  if (!within || !endpoint?.upstreams.some(({ name }) => within.access.mayReach(name)))
    throw new GatewayError('server_not_found')
  return { principal: within, endpoint: narrow(registry, endpoint, narrowing) }
}

/**
 * The same for who comes anew: a server that the caller may use nothing of is one that does not exist.
 * @throws GatewayError `forbidden`, `server_not_found`
 */
export function admit(principal: Principal, address: Address, known: Known): Located {
  const located = locate(principal, address, known)
  const { scope, names } = address
  const isHidden = scope === 'servers' && names !== null
  if (isHidden && !known.registry.isSeen(names, (server) => located.principal.access.mayReach(server)))
    throw new GatewayError('server_not_found')
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

function wholeOf(registry: Registry, names: string | null): Endpoint {
  return names === null ? registry.all() : registry.named(names)
}

function narrow(registry: Registry, endpoint: Endpoint, narrowing: string | null): Endpoint {
  return narrowing === null ? endpoint : registry.narrowed(endpoint, narrowing)
}
