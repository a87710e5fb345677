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
import type { TaskRecord } from '#core/tasks/task-records.ts'
import type { Target } from '#gateway/relay/target.ts'
import type { OwnedTask } from '#gateway/tasks/task-owners.ts'
import { noSuchTask } from '#gateway/tasks/tasks-elsewhere.ts'
import { resultWithTask } from '#gateway/upstream/answer.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { wordOf } from './calls.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { exposeResult, requireText } from './route.ts'

/** `tasks/get`, `tasks/result`, `tasks/cancel` (2025-11-25) and `tasks/get`, `tasks/update`, `tasks/cancel` (the extension). */
export async function relayTask(run: Run): Promise<Answer> {
  const { call, facts } = run
  if (call.era === 'modern') requireTasksExtension(call)
  const id = requireText(call.message.params, 'taskId')
  facts.target = id
  const found = await lookUpTask(run, id)
  if (!found) throw noSuchTask()
  const { upstream, task } = found
  facts.server = upstream.name
  facts.target = task.taskId
  facts.reason = wordOf(call.principal.access.tool(upstream.name, task.tool))
  facts.credential = upstream.credentialOf(call.principal)
  const isAggregate = call.endpoint.kind === 'aggregate'
  const target = {
    upstream,
    method: call.message.method,
    params: { ...call.message.params, taskId: task.taskId },
    paramHeaders: [],
    toExposed: isAggregate ? exposeTaskResult(run, upstream) : null,
  }
  const answer = found.holder ? await relayElsewhere(run, target, found.holder) : await relayHere(run, target)
  const result = isAggregate ? resultWithTask(answer) : undefined
  return result ? { result: toExposedTask(result, upstream.name) } : answer
}

async function relayHere(run: Run, target: Target): Promise<Answer> {
  const { call, context } = run
  const { user } = toViewCaller(call)
  const { session } = await openTwice(() => target.upstream.place(user))
  if (session.facts.era !== call.era) throw noSuchTask()
  return forward(call, target, context.forward)
}

/** The replica that made it has the connection in which it runs. Where that is gone, the server itself may still know it. */
async function relayElsewhere(run: Run, target: Target, holder: TaskRecord): Promise<Answer> {
  const { call, context } = run
  if (isKnownEverywhere(call, holder)) return relayAdopted(run, target, holder)
  const outcome = await context.tasksElsewhere.ask(holder.replica, call, target)
  if (outcome) return 'result' in outcome && target.toExposed ? { result: target.toExposed(outcome.result) } : outcome
  if (holder.scope === 'replica') throw noSuchTask()
  return relayAdopted(run, target, holder)
}

/** A modern server that all replicas reach tells each of them of its tasks: they belong to no connection. */
export function isKnownEverywhere({ era }: ClientCall, { scope }: TaskRecord): boolean {
  return era === 'modern' && scope === 'server'
}

function relayAdopted(run: Run, target: Target, holder: TaskRecord): Promise<Answer> {
  run.context.sharedTasks.adopt(holder)
  return relayHere(run, target)
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

/** `holder`: the replica that has it, where it is not this one. */
type FoundTask = { upstream: Upstream; task: OwnedTask; holder: TaskRecord | null }

/**
 * The caller's own task of this id at this endpoint.
 * @throws GatewayError `storage_unavailable`, where nobody can say whether another replica has it
 */
export async function lookUpTask({ call, context }: Run, id: string): Promise<FoundTask | null> {
  const named = call.endpoint.kind === 'single' ? { server: null, taskId: id } : parseExposedTaskId(id)
  const upstream = call.endpoint.upstreams.find(({ name }) => named && (named.server === null || named.server === name))
  if (!named || !upstream) return null
  const place = { server: upstream.name, taskId: named.taskId }
  const task = context.tasks.find(call.principal, place)
  if (task) return { upstream, task, holder: null }
  const holder = await context.sharedTasks.find(call.principal, place)
  return holder && { upstream, task: holder, holder }
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
