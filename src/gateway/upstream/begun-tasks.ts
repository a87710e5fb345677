/**
 * Tasks with which calls of one legacy session were answered (2025-11-25). They go on when the call is over: their progress still has the
 * call's token, and what a channel says may be about them.
 */
import type { Clock } from '#core/clock.ts'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { announcedTask, hasTaskEnded } from '#core/protocol/tasks.ts'
import { resultWithTask } from './answer.ts'
import { forCaller } from './progress-tokens.ts'
import type { Answer, CallHooks, UpstreamCall } from './upstream-session.ts'

export type BegunCall = {
  /** The call's id, which is the token of its progress at the upstream. */
  token: number
  callerToken: unknown
  hooks: CallHooks
}

/** What is kept of the call; `until`: Unix time in milliseconds. */
type Begun = Omit<BegunCall, 'hooks'> & {
  owner: string | undefined
  later: (note: RpcNotification) => void
  until: number
}

/** `tasks/result` is not answered before the task has ended: that the upstream is silent until then says nothing. */
export function isPatient(method: string): boolean {
  return method === 'tasks/result'
}

export function isAboutTask({ method, params }: Pick<UpstreamCall, 'method' | 'params'>): boolean {
  return params?.['task'] !== undefined || method.startsWith('tasks/')
}

/** A task without a time limit, or with a long one, is taken to have ended after this. */
const runsMsMax = 3_600_000
const begunMax = 1_000

export class BegunTasks {
  readonly #clock: Clock
  readonly #begun = new Map<string, Begun>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Remembers the task that a call becomes, and forgets one whose end its caller is told. */
  async follow<Given extends Answer>(answer: Promise<Given>, call: UpstreamCall, begun: BegunCall): Promise<Given> {
    const given = await answer
    const result = resultWithTask(given)
    if (call.method === 'tools/call') this.#add(result, begun)
    // Answered when the task has ended, be it well or badly.
    else if (call.method === 'tasks/result') this.#forget(call.params?.['taskId'])
    else this.heard(call.params?.['taskId'], result)
    return given
  }

  #add(result: JsonObject | undefined, { token, callerToken, hooks }: BegunCall): void {
    const task = result && announcedTask(result, 'legacy')
    if (!task) return
    const oldest = this.#begun.size < begunMax ? undefined : this.#begun.keys().next().value
    if (oldest !== undefined) this.#begun.delete(oldest)
    const until = this.#clock.now() + Math.min(task.ttlMs ?? runsMsMax, runsMsMax)
    const { owner, later = () => undefined } = hooks
    this.#begun.set(task.id, { token, callerToken, owner, later, until })
  }

  /** What an answer, or a notification, says of a task. */
  heard(taskId: unknown, said: JsonObject | undefined): void {
    if (said && hasTaskEnded(said)) this.#forget(taskId)
  }

  #forget(taskId: unknown): void {
    if (typeof taskId === 'string') this.#begun.delete(taskId)
  }

  /**
   * Hands progress of a task on, with its caller's own token.
   * @param via a call of the same principal's on whose stream it came
   * @returns whether it is progress of a task
   */
  progressed(note: RpcNotification, via?: CallHooks): boolean {
    const token = note.params?.['progressToken']
    const begun = this.#begun.values().find((one) => one.token === token)
    if (!begun) return false
    const { owner, later, callerToken } = begun
    if (callerToken === undefined) return true
    const own = forCaller(note, callerToken)
    if (via && via.owner === owner) via.notify(own)
    else later(own)
    return true
  }

  /** Whether a task of somebody else may still be worked on. */
  hasOther({ owner }: CallHooks): boolean {
    const now = this.#clock.now()
    for (const [id, begun] of this.#begun) if (begun.until <= now) this.#begun.delete(id)
    return this.#begun.values().some((begun) => begun.owner !== owner)
  }
}
