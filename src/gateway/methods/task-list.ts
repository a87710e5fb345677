/**
 * `tasks/list` (2025-11-25): the caller's own tasks at all servers behind the endpoint. A server lists the tasks of all whom the gateway
 * speaks for, so its list is cut to those that the caller made.
 */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { exposeTaskId } from '#core/naming/task-id.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { renameTask } from '#core/protocol/tasks.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ServerReport } from '#gateway/catalog/views.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer, UpstreamFacts, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { toViewCaller, type Run } from './method-context.ts'
import { pageItemsMax, readCursor, toCursor } from './paging.ts'

/** Of one server's list. */
const pagesMax = 100

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
  const own = new Set(context.tasks.list(call.principal, name).map(({ taskId }) => taskId))
  // Who has made no task there is told so without it.
  if (own.size === 0) return { tasks: [], report: { name, status: 'ok' } }
  const cancellation = new Cancellation()
  const forgetCancel = call.cancellation.onCancel(() => cancellation.cancel())
  const cancelTimer = context.clock.after(context.limits.listingTimeoutMs, () => cancellation.cancel())
  try {
    const asking = { place: upstream.place(toViewCaller(call).user), cancellation, owner: call.principal.id }
    const tasks = await fetchOwn(own, asking).catch((error: unknown) => {
      if (!(error instanceof GatewayError) || error.code !== 'session_not_found') throw error
      // The upstream has forgotten the session: one fresh session, one more try.
      return fetchOwn(own, asking)
    })
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

function untilCancelled(cancellation: Cancellation): Promise<never> {
  return new Promise((_resolve, reject) => {
    cancellation.onCancel(() => reject(new GatewayError('upstream_timeout')))
  })
}

/** A lost session of ours is not the caller's lost session. */
function toUpstreamFailure(error: unknown): GatewayError {
  const failure = toGatewayError(error)
  return failure.code === 'session_not_found' ? new GatewayError('upstream_closed', { cause: failure }) : failure
}

type Asking = { place: PooledSession; cancellation: Cancellation; owner: string }

/** Page by page, until all are found that the caller is known to have. */
async function fetchOwn(own: ReadonlySet<string>, asking: Asking): Promise<JsonObject[]> {
  const session = await Promise.race([asking.place.acquire(), untilCancelled(asking.cancellation)])
  const found = new Map<unknown, JsonObject>()
  if (!listsTasks(session.facts)) return []
  let cursor: string | undefined
  for (let page = 0; page < pagesMax && found.size < own.size; page++) {
    const { tasks, next } = await fetchPage(session, cursor, asking)
    for (const task of tasks) if (own.has(String(task['taskId']))) found.set(task['taskId'], task)
    if (next === undefined || next === cursor) break
    cursor = next
  }
  return [...found.values()]
}

function listsTasks({ era, capabilities: { tasks } }: UpstreamFacts): boolean {
  return era === 'legacy' && isJsonObject(tasks) && isJsonObject(tasks['list'])
}

async function fetchPage(
  session: UpstreamSession,
  cursor: string | undefined,
  { cancellation, owner }: Asking,
): Promise<{ tasks: JsonObject[]; next: string | undefined }> {
  const params = cursor === undefined ? {} : { cursor }
  const hooks = {
    cancellation,
    owner,
    notify: () => undefined,
    ask: () => Promise.resolve({ error: { code: -32601, message: 'Method not found' } }),
  }
  const answer = await session.call({ method: 'tasks/list', params, headers: [], raw: null }, hooks)
  if (!('result' in answer)) throw notMcp('the list of tasks was refused')
  const { tasks, nextCursor } = answer.result
  if (!Array.isArray(tasks)) throw notMcp('the list of tasks is missing')
  const next = typeof nextCursor === 'string' && nextCursor !== '' ? nextCursor : undefined
  return { tasks: tasks.filter(isJsonObject), next }
}
