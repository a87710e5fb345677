/** Tasks that run in another replica's connection to their server: it is asked to ask there. */
import { GatewayError } from '#contract/errors.ts'
import type { ReplicaAsks } from '#core/bus/replica-asks.ts'
import type { Asker } from '#core/bus/replica-service.ts'
import {
  isJsonObject,
  isNotification,
  toOutcome,
  type JsonObject,
  type Outcome,
  type Question,
} from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { userOfCall } from '#gateway/client/user-of-call.ts'
import type { Registry } from '#gateway/endpoint.ts'
import { headersFromCaller, SameEraHooks } from '#gateway/relay/forward.ts'
import type { Target } from '#gateway/relay/target.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { tryTwice } from '#gateway/upstream/second-chance.ts'
import type { CallHooks, UpstreamCall, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { fetchOwnTasks } from './own-tasks.ts'
import type { TaskOwners } from './task-owners.ts'

export type TasksElsewhereDeps = { asks: ReplicaAsks; owners: TaskOwners; registry: () => Registry }

const [askKind, listKind] = ['tasks', 'task-lists']

/** The same for a task of somebody else as for none. */
export function noSuchTask(): GatewayError {
  return new GatewayError('invalid_params', { details: { reason: 'no such task' } })
}

export class TasksElsewhere {
  readonly #deps: TasksElsewhereDeps

  constructor(deps: TasksElsewhereDeps) {
    this.#deps = deps
    deps.asks.serve(askKind, (asked, asker) => this.#serve(asked, asker))
    deps.asks.serve(listKind, (asked, asker) => this.#serveList(asked, asker))
  }

  /**
   * Has the replica ask after a task of the caller's. The caller has been checked here as for any call.
   * @returns null where that replica has gone
   * @throws GatewayError `replica_lost`, `storage_unavailable`, and what fails there
   */
  async ask(replica: string, call: ClientCall, target: Target): Promise<Outcome | null> {
    const server = target.upstream.name
    const hooks = new SameEraHooks(call, server)
    const headers = headersFromCaller(call, target)
    const { method, params } = target
    const question = { user: toldUser(call), era: call.era, server, method, params, headers }
    const answer = await this.#deps.asks.ask(
      replica,
      { kind: askKind, question },
      {
        cancellation: call.cancellation,
        note: (said) => {
          if (isNotification(said)) hooks.notify(said)
          else hooks.waiting()
        },
        question: (asked) => hooks.ask(toQuestion(asked)),
      },
    )
    return answer && toOutcomeOf(answer)
  }

  /** The tasks of the caller's that a replica has at one server, as the server tells of them. Null where it has gone. */
  async list(
    replica: string,
    call: ClientCall,
    { server, cancellation }: { server: string; cancellation: Cancellation },
  ): Promise<JsonObject[] | null> {
    const question = { user: toldUser(call), server }
    const answer = await this.#deps.asks.ask(replica, { kind: listKind, question }, { cancellation })
    if (!answer) return null
    const { tasks } = answer
    return Array.isArray(tasks) ? tasks.filter(isJsonObject) : []
  }

  async #serve(asked: JsonObject, asker: Asker): Promise<JsonObject> {
    const { user, upstream } = this.#placeOf(asked)
    const { era, method, params, headers } = asked
    const taskId = isJsonObject(params) ? params['taskId'] : undefined
    const isOwn =
      typeof taskId === 'string' && this.#deps.owners.isOf(user.principalId, { server: upstream.name, taskId })
    if (!isOwn || typeof method !== 'string' || !method.startsWith('tasks/') || !isJsonObject(params))
      throw noSuchTask()
    const request = { method, params, headers: Array.isArray(headers) ? headers.map(String) : [], raw: null }
    return tryTwice(
      () => upstream.place(user),
      async (session, place) => {
        place.use(user.principalId)
        if (session.facts.era !== era) throw noSuchTask()
        return call(session, request, toHooks(user, asker))
      },
    )
  }

  async #serveList(asked: JsonObject, { cancellation }: Asker): Promise<JsonObject> {
    const { user, upstream } = this.#placeOf(asked)
    const own = new Set(this.#deps.owners.idsOf(user.principalId, upstream.name))
    if (own.size === 0) return { tasks: [] }
    const asking = { placeOf: () => upstream.place(user), cancellation, owner: user.principalId }
    return { tasks: await fetchOwnTasks(own, asking) }
  }

  #placeOf({ user, server }: JsonObject): { user: SessionUser; upstream: Upstream } {
    const upstream = typeof server === 'string' ? this.#deps.registry().find(server) : undefined
    const known = isJsonObject(user) ? toUser(user) : null
    if (!known || !upstream || upstream.name !== server) throw noSuchTask()
    return { user: known, upstream }
  }
}

async function call(session: UpstreamSession, request: UpstreamCall, hooks: CallHooks): Promise<Outcome> {
  const answer = await session.call(request, hooks)
  if ('result' in answer || 'error' in answer) return answer
  throw notMcp('no result')
}

function toHooks({ principalId }: SessionUser, { cancellation, note, question }: Asker): CallHooks {
  return {
    owner: principalId,
    cancellation,
    notify: note,
    waiting: () => note({}),
    ask: ({ method, params }) => question({ method, params }).then(toOutcomeOf, () => unanswered),
  }
}

const unanswered: Outcome = { error: { code: -32601, message: 'The client cannot be asked any more.' } }

/** Of a holder only what it is for: who holds a token is much else. */
function toldUser(call: ClientCall): JsonObject {
  const { holder, ...user } = userOfCall(call)
  return { ...user, holder: { userId: holder.userId, teamId: holder.teamId } }
}

function toUser({ principalId, holder, sessionId, capabilities }: JsonObject): SessionUser | null {
  if (typeof principalId !== 'string' || !isJsonObject(holder) || !isJsonObject(capabilities)) return null
  const { userId, teamId } = holder
  return {
    principalId,
    holder: { userId: textOrNull(userId), teamId: textOrNull(teamId) },
    sessionId: textOrNull(sessionId),
    capabilities,
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function toQuestion({ method, params }: JsonObject): Question {
  return { method: String(method), params: isJsonObject(params) ? params : undefined }
}

function toOutcomeOf(answer: JsonObject): Outcome {
  return toOutcome({ jsonrpc: '2.0', id: null, ...answer }) ?? unanswered
}
