/**
 * Tasks, relayed where both ends speak the same form: the core tasks of 2025-11-25 between legacy ends, the tasks extension between
 * modern ends, on a server's own endpoint. A task belongs to the principal who made it.
 */
import { GatewayError } from '#contract/errors.ts'
import { forward } from '#gateway/relay/forward.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Run } from './method-context.ts'
import { requireText } from './route.ts'

/** `tasks/get`, `tasks/result`, `tasks/cancel` (2025-11-25) and `tasks/get`, `tasks/update`, `tasks/cancel` (the extension). */
export async function relayTask(run: Run): Promise<Answer> {
  const { call, facts, context } = run
  const [upstream] = call.endpoint.upstreams
  if (call.endpoint.kind !== 'single' || !upstream) throw new GatewayError('method_not_found')
  const taskId = requireText(call.message.params, 'taskId')
  facts.server = upstream.name
  facts.target = taskId
  const isOwn = context.tasks.owns(call, taskId)
  if (!isOwn) throw new GatewayError('invalid_params', { details: { reason: 'no such task' } })
  await requireSameEra(run)
  const { method, params } = call.message
  return forward(call, { upstream, method, params: params ?? {}, paramHeaders: [], toExposed: null }, context.forward)
}

async function requireSameEra({ call }: Run): Promise<void> {
  const [upstream] = call.endpoint.upstreams
  const user = {
    principalId: call.principal.id,
    sessionId: call.session?.id ?? null,
    capabilities: call.facts.capabilities,
  }
  const session = await upstream?.place(user).acquire()
  if (session?.facts.era !== call.era) throw new GatewayError('method_not_found')
}
