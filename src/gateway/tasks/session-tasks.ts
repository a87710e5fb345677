/**
 * What tasks want of the messages between servers and one client session: at an aggregate their ids carry their server, and tasks that
 * the client itself makes of a server's questions are that server's business alone.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Principal } from '#core/identity/principal.ts'
import { exposeTaskId, parseExposedTaskId } from '#core/naming/task-id.ts'
import {
  isJsonObject,
  toRpcError,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import {
  announcedTask,
  isTaskStatus,
  knowsTasks,
  renameRelatedTask,
  renameTask,
  taskNamedIn,
} from '#core/protocol/tasks.ts'
import type { TaskOwners } from './task-owners.ts'

export type SessionTasksOptions = {
  /** As it is configured now. */
  principal: () => Principal
  revision: string
  /** Whether ids carry their server. */
  isAggregate: boolean
  owners: TaskOwners
}

type Ask = (question: Question) => Promise<Outcome>

/** That a client makes of the questions of one server; the oldest are forgotten. */
const madeMax = 1_000

const noSuchTask: Outcome = {
  error: toRpcError(new GatewayError('invalid_params', { details: { reason: 'no such task' } })),
}

export class SessionTasks {
  readonly #options: SessionTasksOptions
  /** By server, the tasks that the client has made of its questions. */
  readonly #made = new Map<string, Set<string>>()

  constructor(options: SessionTasksOptions) {
    this.#options = options
  }

  /** Whether what is said of this task is for this client; undefined where nobody knows yet whose it is. */
  concerns(server: string, taskId: string): boolean | undefined {
    const { principal, revision, owners } = this.#options
    if (this.#made.get(server)?.has(taskId)) return true
    if (!owners.has(server, taskId)) return undefined
    return knowsTasks(revision) && owners.find(principal(), { server, taskId }) !== null
  }

  /** The servers that wait for a task of the client's. */
  serversOf(taskId: string): string[] {
    return [...this.#made].flatMap(([server, ids]) => (ids.has(taskId) ? [server] : []))
  }

  /** A server's notification as the client may have it. */
  toClient(server: string, note: RpcNotification): RpcNotification {
    if (!this.#options.isAggregate || !note.params) return note
    const rename = (id: string): string => exposeTaskId(server, id)
    return {
      ...note,
      params: isTaskStatus(note) ? renameTask(note.params, rename) : renameRelatedTask(note.params, rename),
    }
  }

  /** Has the client asked, unless it is asked after a task that is not between it and this server. */
  async ask(server: string, question: Question, ask: Ask): Promise<Outcome> {
    const { method, params } = question
    if (method === 'tasks/list') return this.#ofServer(server, await ask(question))
    if (!this.#isOpen(server, question)) return noSuchTask
    if (method.startsWith('tasks/')) return ask(question)
    const exposed = this.#exposed(server, question)
    const outcome = await ask(exposed)
    if ('error' in outcome) return outcome
    if (params?.['task'] !== undefined) this.#remember(server, outcome.result)
    return exposed === question ? outcome : { result: toServer(server, outcome.result) }
  }

  #isOpen(server: string, question: Question): boolean {
    const task = taskNamedIn(question)
    const isAfterTask = question.method.startsWith('tasks/')
    if (task === undefined) return !isAfterTask
    return isAfterTask ? this.#made.get(server)?.has(task) === true : this.concerns(server, task) !== false
  }

  #exposed(server: string, question: Question): Question {
    if (!this.#options.isAggregate || !question.params) return question
    return { ...question, params: renameRelatedTask(question.params, (id) => exposeTaskId(server, id)) }
  }

  #remember(server: string, result: JsonObject): void {
    const task = announcedTask(result, 'legacy')
    if (!task) return
    const ids = this.#made.get(server) ?? new Set()
    this.#made.set(server, ids.add(task.id))
    const oldest = ids.size > madeMax ? ids.values().next().value : undefined
    if (oldest !== undefined) ids.delete(oldest)
  }

  /** A client may have made tasks for others as well: they are no business of this server. */
  #ofServer(server: string, outcome: Outcome): Outcome {
    if ('error' in outcome || !Array.isArray(outcome.result['tasks'])) return outcome
    const made = this.#made.get(server)
    const own = outcome.result['tasks'].filter(
      (task: unknown) => isJsonObject(task) && made?.has(String(task['taskId'])),
    )
    return { result: { ...outcome.result, tasks: own } }
  }
}

function toServer(server: string, result: JsonObject): JsonObject {
  return renameRelatedTask(result, (id) => {
    const parsed = parseExposedTaskId(id)
    return parsed?.server === server ? parsed.taskId : id
  })
}
