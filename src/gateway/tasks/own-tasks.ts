/** The tasks of one principal in a server's list, which may be that of all whom the gateway speaks for. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import { tryTwice } from '#gateway/upstream/second-chance.ts'
import type { UpstreamFacts, UpstreamSession } from '#gateway/upstream/upstream-session.ts'

/** Of one server's list. */
const pagesMax = 100

export type OwnTasksAsking = { placeOf: () => PooledSession; cancellation: Cancellation; owner: string }

/**
 * Page by page, until all are found that the caller is known to have.
 * @throws GatewayError `upstream_timeout` when it is cancelled, and why the server cannot be asked
 */
export function fetchOwnTasks(own: ReadonlySet<string>, asking: OwnTasksAsking): Promise<JsonObject[]> {
  const found = tryTwice(asking.placeOf, (session) => fetchOwn(own, session, asking))
  return Promise.race([found, untilCancelled(asking.cancellation)])
}

async function fetchOwn(
  own: ReadonlySet<string>,
  session: UpstreamSession,
  asking: OwnTasksAsking,
): Promise<JsonObject[]> {
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
  { cancellation, owner }: OwnTasksAsking,
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

function untilCancelled(cancellation: Cancellation): Promise<never> {
  return new Promise((_resolve, reject) => {
    cancellation.onCancel(() => reject(new GatewayError('upstream_timeout')))
  })
}
