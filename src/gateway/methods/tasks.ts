/**
 * Tasks, relayed where both ends speak the same form: the core tasks of 2025-11-25 between legacy ends, the tasks extension between
 * modern ends. A task belongs to the principal who made it, and at an aggregate its id says its server.
 */
import { GatewayError } from '#contract/errors.ts'
import { exposeTaskId, parseExposedTaskId } from '#core/naming/task-id.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { declaresTasksExtension, renameRelatedTask, renameTask, tasksExtensionKey } from '#core/protocol/tasks.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { forward } from '#gateway/relay/forward.ts'
import type { OwnedTask } from '#gateway/tasks/task-owners.ts'
import { resultWithTask } from '#gateway/upstream/answer.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { wordOf } from './calls.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { exposeResult, requireText } from './route.ts'

/** `tasks/get`, `tasks/result`, `tasks/cancel` (2025-11-25) and `tasks/get`, `tasks/update`, `tasks/cancel` (the extension). */
export async function relayTask(run: Run): Promise<Answer> {
  const { call, facts, context } = run
  if (call.era === 'modern') requireTasksExtension(call)
  const id = requireText(call.message.params, 'taskId')
  facts.target = id
  const { upstream, task } = findTask(run, id)
  facts.server = upstream.name
  facts.target = task.taskId
  facts.reason = wordOf(call.principal.access.tool(upstream.name, task.tool))
  const session = await upstream.place(toViewCaller(call).user).acquire()
  if (session.facts.era !== call.era) throw noSuchTask()
  const isAggregate = call.endpoint.kind === 'aggregate'
  const target = {
    upstream,
    method: call.message.method,
    params: { ...call.message.params, taskId: task.taskId },
    paramHeaders: [],
    toExposed: isAggregate ? exposeTaskResult(run, upstream) : null,
  }
  const answer = await forward(call, target, context.forward)
  const result = isAggregate ? resultWithTask(answer) : undefined
  return result ? { result: toExposedTask(result, upstream.name) } : answer
}

/**
 * A client that has not declared the extension is refused, whatever it asks of tasks.
 * @throws GatewayError `missing_client_capability`
 */
export function requireTasksExtension({ facts }: ClientCall): void {
  if (declaresTasksExtension(facts.capabilities)) return
  const requiredCapabilities = { extensions: { [tasksExtensionKey]: {} } }
  throw new GatewayError('missing_client_capability', { details: { requiredCapabilities } })
}

/** @throws GatewayError `invalid_params`, the same for a task of somebody else as for none */
function findTask(run: Run, id: string): { upstream: Upstream; task: OwnedTask } {
  const found = lookUpTask(run, id)
  if (!found) throw noSuchTask()
  return found
}

/** The caller's own task of this id at this endpoint. */
export function lookUpTask(run: Run, id: string): { upstream: Upstream; task: OwnedTask } | null {
  const { call, context } = run
  const named = call.endpoint.kind === 'single' ? { server: null, taskId: id } : parseExposedTaskId(id)
  const upstream = call.endpoint.upstreams.find(({ name }) => named && (named.server === null || named.server === name))
  const task = named && upstream && context.tasks.find(call.principal, { server: upstream.name, taskId: named.taskId })
  return upstream && task ? { upstream, task } : null
}

function noSuchTask(): GatewayError {
  return new GatewayError('invalid_params', { details: { reason: 'no such task' } })
}

/** The extension has the tool's result within the task. */
function exposeTaskResult(run: Run, upstream: Upstream): (result: JsonObject) => JsonObject {
  const expose = exposeResult(run, upstream) ?? ((result) => result)
  if (run.call.era === 'legacy') return expose
  return (task) => (isJsonObject(task['result']) ? { ...task, result: expose(task['result']) } : task)
}

function toExposedTask(result: JsonObject, server: string): JsonObject {
  const rename = (id: string): string => exposeTaskId(server, id)
  return renameRelatedTask(renameTask(result, rename), rename)
}
