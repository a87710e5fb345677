/**
 * Which principal made which task, with which tool. Behind the gateway all principals may be one caller to a server, so it cannot tell
 * whose task is asked for: the gateway can.
 */
import { allowsExecute } from '#core/access/decide.ts'
import type { Principal } from '#core/identity/principal.ts'

export type OwnedTask = {
  principalId: string
  server: string
  /** The server's own. */
  taskId: string
  /** The tool whose call became the task, by its own name: who may not call it any more may not see what it does. */
  tool: string
}

/** Of one principal; the oldest are forgotten. */
const tasksMax = 10_000

export class TaskOwners {
  readonly #tasks = new Map<string, OwnedTask>()
  readonly #keysOf = new Map<string, Set<string>>()

  add(task: OwnedTask): void {
    const key = keyOf(task.server, task.taskId)
    this.#forget(key)
    const keys = this.#keysOf.get(task.principalId) ?? new Set()
    const oldest = keys.size < tasksMax ? undefined : keys.values().next().value
    if (oldest !== undefined) this.#forget(oldest)
    this.#tasks.set(key, task)
    this.#keysOf.set(task.principalId, keys.add(key))
  }

  /** Null for a task that is another principal's, or whose tool the principal may not call any more, as for one that nobody made. */
  find(principal: Principal, { server, taskId }: { server: string; taskId: string }): OwnedTask | null {
    const task = this.#tasks.get(keyOf(server, taskId))
    return task && isOpenTo(principal, task) ? task : null
  }

  /** Whether it is this principal's, whatever that may do by now. */
  isOf(principalId: string, { server, taskId }: { server: string; taskId: string }): boolean {
    return this.#tasks.get(keyOf(server, taskId))?.principalId === principalId
  }

  /** Another replica has given the id to somebody. */
  forget(server: string, taskId: string): void {
    this.#forget(keyOf(server, taskId))
  }

  /** Whether it is anybody's. */
  has(server: string, taskId: string): boolean {
    return this.#tasks.has(keyOf(server, taskId))
  }

  /** The server's ids of a principal's tasks, whatever it may do by now. */
  idsOf(principalId: string, server: string): string[] {
    const tasks = [...(this.#keysOf.get(principalId) ?? [])].flatMap((key) => this.#tasks.get(key) ?? [])
    return tasks.filter((task) => task.server === server).map(({ taskId }) => taskId)
  }

  /** The tasks of one principal at one server, the oldest first. */
  list(principal: Principal, server: string): OwnedTask[] {
    const keys = [...(this.#keysOf.get(principal.id) ?? [])]
    const tasks = keys.flatMap((key) => this.#tasks.get(key) ?? [])
    return tasks.filter((task) => task.server === server && isOpenTo(principal, task))
  }

  #forget(key: string): void {
    const task = this.#tasks.get(key)
    if (!task) return
    this.#tasks.delete(key)
    const keys = this.#keysOf.get(task.principalId)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(task.principalId)
  }
}

function isOpenTo({ id, access }: Principal, task: OwnedTask): boolean {
  return task.principalId === id && allowsExecute(access.tool(task.server, task.tool).level)
}

/** A server's name holds no space. */
function keyOf(server: string, taskId: string): string {
  return `${server} ${taskId}`
}
