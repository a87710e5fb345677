/**
 * Who may do what with agents' sessions. Whoever may run an agent starts its sessions, and has them in its hand; besides, there are
 * bindings for sessions as for everything else.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Binding, Role } from '#contract/role-binding.ts'
import { allowedScope, can } from '#core/rbac/evaluate.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { SessionQuery, StoredSession } from '#core/session/session-store.ts'
import type { Actor } from './actor.ts'

/** @throws GatewayError `forbidden` to who may see the agent, `no_such_resource` to who may not */
export function authorizeStart({ bindings }: Actor, agent: Resource<'agent'> | null): Resource<'agent'> {
  if (agent && mayStart(bindings, agent.id)) return agent
  if (agent && can(bindings, 'view', { resource: 'agents', name: agent.id }))
    throw new GatewayError('forbidden', { details: { role: 'run', resource: 'agents' } })
  throw new GatewayError('no_such_resource')
}

/** @param agentId undefined: whichever agent it is */
function mayStart(bindings: readonly Binding[], agentId: string | undefined): boolean {
  return canRunAgent(bindings, agentId) || can(bindings, 'create', { resource: 'sessions' })
}

/** Of which session something is asked. Undefined: of every one, and of those of every agent. */
export type SessionTarget = { id: string | undefined; agentId: string | undefined }

/** The bindings each of which allows it. A session is made of an agent and has no name before; nobody runs one. */
export function bindingsForSession(
  { bindings }: Actor,
  { role, id, agentId }: SessionTarget & { role: Role },
): Binding[] {
  return bindings.filter((binding) => {
    if (role === 'create') return mayStart([binding], agentId)
    return (
      (role !== 'run' && canRunAgent([binding], agentId)) || can([binding], role, { resource: 'sessions', name: id })
    )
  })
}

/** @throws GatewayError `forbidden` to who may see the session, `no_such_resource` to who may not */
export function authorizeSession(
  { bindings }: Actor,
  { role, session }: { role: Role; session: StoredSession | null },
): StoredSession {
  if (session && has(bindings, role, session)) return session
  if (session && has(bindings, 'view', session))
    throw new GatewayError('forbidden', { details: { role, resource: 'sessions' } })
  throw new GatewayError('no_such_resource')
}

function has(bindings: readonly Binding[], role: Role, { id, agentId }: StoredSession): boolean {
  return canRunAgent(bindings, agentId) || can(bindings, role, { resource: 'sessions', name: id })
}

function canRunAgent(bindings: readonly Binding[], agentId: string | undefined): boolean {
  return can(bindings, 'run', { resource: 'agents', name: agentId })
}

/** Which sessions a list may tell; undefined: all. */
export function visibleSessions({ bindings }: Actor): SessionQuery['within'] {
  const ids = allowedScope(bindings, 'view', 'sessions')
  const agentIds = allowedScope(bindings, 'run', 'agents')
  return ids === 'all' || agentIds === 'all' ? undefined : { ids, agentIds }
}
