/**
 * `tasks/list` (2025-11-25): the caller's own tasks at all servers behind the endpoint. A server lists the tasks of all whom the gateway
 * speaks for, so its list is cut to those that the caller made.
 */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { exposeTaskId } from '#core/naming/task-id.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { renameTask } from '#core/protocol/tasks.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ServerReport } from '#gateway/catalog/views.ts'
import { fetchOwnTasks } from '#gateway/tasks/own-tasks.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { pageItemsMax, readCursor, toCursor } from './paging.ts'

type Part = { tasks: JsonObject[]; report: ServerReport }

export async function listTasks(run: Run): Promise<Answer> {
  const { call } = run
  const start = readCursor(call.message.params?.['cursor'])
  const reachable = call.endpoint.upstreams.filter(({ name }) => call.principal.access.mayReach(name))
  const parts = await Promise.all(reachable.map((upstream) => listOf(run, upstream)))
  const tasks = parts.flatMap((part) => part.tasks)
  const end = start + pageItemsMax
  const result: JsonObject = { tasks: tasks.slice(start, end) }
  if (end < tasks.length) result['nextCursor'] = toCursor(end)
  const failing = parts.flatMap(({ report }) => (report.status === 'failing' ? [report] : []))
  if (failing.length > 0) result['_meta'] = { 'toolgate/servers': failing }
  return { result }
}

/** Under the one listing deadline; at an aggregate a server that fails costs its own tasks only. */
async function listOf(run: Run, upstream: Upstream): Promise<Part> {
  const { call, context } = run
  const { name } = upstream
  const cancellation = new Cancellation()
  const forgetCancel = call.cancellation.onCancel(() => cancellation.cancel())
  const cancelTimer = context.clock.after(context.limits.listingTimeoutMs, () => cancellation.cancel())
  try {
    const tasks = await fetchAll(run, upstream, cancellation)
    const isSingle = call.endpoint.kind === 'single'
    const exposed = isSingle ? tasks : tasks.map((task) => renameTask(task, (id) => exposeTaskId(name, id)))
    return { tasks: exposed, report: { name, status: 'ok' } }
  } catch (error) {
    const failure = cancellation.isCancelled ? new GatewayError('upstream_timeout') : toUpstreamFailure(error)
    if (call.endpoint.kind === 'single') throw failure
    return { tasks: [], report: { name, status: 'failing', reason: failure.code } }
  } finally {
    forgetCancel()
    cancelTimer()
  }
}

/** Who has made no task there is told so without the server. */
async function fetchAll(run: Run, upstream: Upstream, cancellation: Cancellation): Promise<JsonObject[]> {
  const { call, context } = run
  const own = new Set(context.tasks.list(call.principal, upstream.name).map(({ taskId }) => taskId))
  const others = await context.sharedTasks.list(call.principal, upstream.name)
  const elsewhere = await Promise.all(
    [...Map.groupBy(others, ({ replica }) => replica)].map(async ([replica, records]) => {
      const tasks = await context.tasksElsewhere.list(replica, call, { server: upstream.name, cancellation })
      const ids = records.filter(({ taskId }) => !own.has(taskId)).map(({ taskId }) => taskId)
      if (tasks) return tasks.filter((task) => ids.includes(String(task['taskId'])))
      // It has gone; the server itself may still know them.
      for (const { taskId, scope } of records) if (scope === 'server') own.add(taskId)
      return []
    }),
  )
  if (own.size === 0) return elsewhere.flat()
  const { user } = toViewCaller(call)
  const asking = { placeOf: () => upstream.place(user), cancellation, owner: call.principal.id }
  return [...elsewhere.flat(), ...(await fetchOwnTasks(own, asking))]
}

/** A lost session of ours is not the caller's lost session. */
function toUpstreamFailure(error: unknown): GatewayError {
  const failure = toGatewayError(error)
  return failure.code === 'session_not_found' ? new GatewayError('upstream_closed', { cause: failure }) : failure
}
