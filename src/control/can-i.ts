import type { CanI } from '#contract/operations.ts'
import { invalidBody } from '#contract/parse-body.ts'
import type { ManagedResource, Role } from '#contract/role-binding.ts'
import type { Decision } from '#core/access/access.ts'
import { allowsExecute, allowsRead } from '#core/access/decide.ts'
import { formatBinding } from '#core/rbac/binding-syntax.ts'
import { can, canRun, satisfies } from '#core/rbac/evaluate.ts'
import { toManagedKind } from '#core/rbac/managed-resource.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { accessOf } from './access-of.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { factsOfNoServer, findKnownServer } from './known-server.ts'
import { bindingsForSession, type SessionTarget } from './session-authority.ts'
import type { SessionsControl } from './sessions.ts'

export type CanIAnswer = {
  allowed: boolean
  /** Of managing: the bindings that allow it, as they are written. Allowed without any: it is the actor's own, or of a team that it manages. */
  bindings?: string[]
  /** Of a tool: whether it is listed, whether that depends on arguments, and why. */
  listed?: boolean
  isConditional?: boolean
  decision?: Decision
}

export type CanIDeps = ControlDeps & { agentSessions: Pick<SessionsControl, 'agentIdOf'> }

/**
 * Whether the actor may do something: manage a resource, run an operation, or call a tool.
 * @throws GatewayError `invalid_body` where it is not one of these questions
 */
export async function canI(deps: CanIDeps, actor: Actor, question: CanI): Promise<CanIAnswer> {
  const { role, resource, name, action, server, tool, args } = question
  const asked = [role ?? resource ?? name, action, server ?? tool ?? args].filter((part) => part !== undefined)
  if (asked.length !== 1) throw incomplete('asks one thing: role and resource; or action; or server and tool')
  if (action !== undefined) {
    const allowed = canRun(actor.bindings, action)
    return { allowed, bindings: allowed ? [formatBinding({ role: 'run', action })] : [] }
  }
  if (role !== undefined && resource !== undefined) return canManage(deps, actor, { role, resource, name })
  if (server !== undefined && tool !== undefined) return canCall(deps, actor, { server, tool, args })
  throw incomplete('is incomplete: role and resource; or action; or server and tool')
}

function incomplete(problem: string) {
  return invalidBody([{ path: '', problem }])
}

type ManageQuestion = { role: Role; resource: ManagedResource; name: string | undefined }

async function canManage(deps: CanIDeps, actor: Actor, { role, resource, name }: ManageQuestion): Promise<CanIAnswer> {
  if (resource === 'sessions') return canHandleSession(deps, actor, { role, name })
  const kind = toManagedKind(resource)
  const isOne = name !== undefined && kind !== null && role !== 'create'
  const found: Resource | null = isOne ? await findResource(deps, kind, name) : null
  const target = { resource, name: found?.id ?? name }
  const allowed = found ? isAllowed(deps.index, actor, { role, resource: found }) : can(actor.bindings, role, target)
  const asked = { role, resource, ...(target.name !== undefined && { name: target.name }) }
  const bindings = actor.bindings.filter((binding) => satisfies([binding], asked))
  return { allowed, bindings: bindings.map(formatBinding) }
}

/** `name` is the id of a session; for `create` it is the agent of which it would be. */
async function canHandleSession(
  deps: CanIDeps,
  actor: Actor,
  { role, name }: Pick<ManageQuestion, 'role' | 'name'>,
): Promise<CanIAnswer> {
  const target = name === undefined ? { id: undefined, agentId: undefined } : await findTarget(deps, role, name)
  const bindings = bindingsForSession(actor, { role, ...target })
  return { allowed: bindings.length > 0, bindings: bindings.map(formatBinding) }
}

async function findTarget(deps: CanIDeps, role: Role, name: string): Promise<SessionTarget> {
  if (role !== 'create') return { id: name, agentId: (await deps.agentSessions.agentIdOf(name)) ?? nothing }
  const agent = await findResource(deps, 'agent', name)
  return { id: undefined, agentId: agent?.id ?? nothing }
}

/** No agent has it for an id: what is not there is answered for by what is meant for every one. */
const nothing = ''

/** Policies know real names alone, so whoever asks by another word is answered for the server that it means. */
async function canCall(
  deps: ControlDeps,
  actor: Actor,
  { server: word, tool, args }: { server: string; tool: string; args: CanI['args'] },
): Promise<CanIAnswer> {
  const server = await findKnownServer(deps, actor, word)
  const isThere = server?.spec.isEnabled === true
  const access = accessOf(deps.index, actor, server ? undefined : factsOfNoServer)
  const name = server?.name ?? word
  const listed = access.tool(name, tool)
  const decision = args === undefined ? listed : access.call(name, tool, args)
  return {
    allowed: isThere && allowsExecute(decision.level),
    listed: isThere && allowsRead(listed.level),
    isConditional: decision.isConditional === true,
    decision,
  }
}
