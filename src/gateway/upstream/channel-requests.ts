/** The requests under way on one channel: how long each may be silent and take in all, and which of them a message can belong to. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { JsonObject, Outcome, RequestId } from '#core/protocol/json-rpc.ts'
import { BegunTasks } from './begun-tasks.ts'
import type { CallHooks } from './upstream-session.ts'

export type ChannelRequestsOptions = {
  clock: Clock
  timeoutTotalMs: number
  send: (message: JsonObject, headers?: readonly string[]) => void
}

export type ChannelRequest = {
  method: string
  params: JsonObject | undefined
  /** See Channel.send. */
  headers?: readonly string[]
  /** Null for a request of the gateway's own. */
  hooks: CallHooks | null
  callerToken: unknown
  /** How long it may be silent. */
  timeoutMs: number
}

type Pending = {
  hooks: CallHooks | null
  callerToken: unknown
  /** Pushes the silence deadline out: the upstream has shown a sign of life. */
  touch: () => void
  settle: (answer: Outcome | GatewayError) => void
}

/** How long an upstream may go on with a call after it was told to stop. */
const givenUpMs = 60_000
const givenUpMax = 1_000

export class ChannelRequests {
  readonly begun: BegunTasks
  readonly #options: ChannelRequestsOptions
  readonly #pending = new Map<RequestId, Pending>()
  /** Calls that were given up before they were answered. */
  readonly #givenUp = new Map<number, { owner: string; until: number }>()
  #nextId = 1
  #questions = 0

  constructor(options: ChannelRequestsOptions) {
    this.#options = options
    this.begun = new BegunTasks(options.clock)
  }

  get size(): number {
    return this.#pending.size
  }

  /** The id that the next request will have: progress tokens are made of it. */
  get nextId(): number {
    return this.#nextId
  }

  start(request: ChannelRequest): Promise<Outcome> {
    const { clock, timeoutTotalMs, send } = this.#options
    const { method, params, headers, hooks, callerToken, timeoutMs } = request
    if (hooks?.cancellation.isCancelled) return Promise.reject(new GatewayError('request_cancelled'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      let cancelSilence = (): void => undefined
      const touch = (): void => {
        cancelSilence()
        cancelSilence = clock.after(timeoutMs, onSilence)
      }
      // While the upstream waits for an answer of ours, the silence is ours.
      const onSilence = (): void => (this.#questions > 0 ? touch() : expire())
      const expire = (): void => this.#giveUp(id, new GatewayError('upstream_timeout'))
      const cancelTotal = clock.after(Math.max(timeoutTotalMs, timeoutMs), expire)
      let forgetCancel = (): void => undefined
      const settle = (answer: Outcome | GatewayError): void => {
        this.#pending.delete(id)
        cancelSilence()
        cancelTotal()
        forgetCancel()
        if (answer instanceof GatewayError) reject(answer)
        else resolve(answer)
      }
      this.#pending.set(id, { hooks, callerToken, touch, settle })
      touch()
      send({ jsonrpc: '2.0', id, method, params }, headers)
      if (!hooks) return
      forgetCancel = hooks.cancellation.onCancel(() => this.#giveUp(id, new GatewayError('request_cancelled')))
    })
  }

  find(id: unknown): Pending | undefined {
    return typeof id === 'number' ? this.#pending.get(id) : undefined
  }

  settle(id: unknown, answer: Outcome | GatewayError): void {
    if (typeof id === 'number') this.#givenUp.delete(id)
    this.find(id)?.settle(answer)
  }

  settleAll(error: GatewayError): void {
    for (const pending of this.#pending.values()) pending.settle(error)
  }

  /**
   * A channel does not say which call a message belongs to. It is certain only when one call is under way, and no call of another principal
   * was given up of late, or has become a task: the upstream may still work on it.
   */
  get onlyCall(): CallHooks | null {
    let only: CallHooks | null = null
    for (const { hooks } of this.#pending.values()) {
      if (!hooks) continue
      if (only) return null
      only = hooks
    }
    return only && !this.#hasGivenUpOf(only) && !this.begun.hasOther(only) ? only : null
  }

  /** The newest call of a client whom this task concerns; where it is nobody's yet, it can be the only call's. */
  callOf(taskId: string): CallHooks | null {
    const calls = [...this.#pending.values()].flatMap(({ hooks }) => hooks ?? [])
    const own = calls.findLast((hooks) => hooks.concernsTask?.(taskId) === true)
    if (own) return own
    const only = this.onlyCall
    return only?.concernsTask?.(taskId) === undefined ? only : null
  }

  /** Whether a call of somebody else may still be worked on. */
  #hasGivenUpOf({ owner }: CallHooks): boolean {
    const now = this.#options.clock.now()
    for (const [id, call] of this.#givenUp) if (call.until <= now) this.#givenUp.delete(id)
    return this.#givenUp.values().some((call) => call.owner !== owner)
  }

  #rememberGivenUp(id: number, owner: string | undefined): void {
    if (owner === undefined) return
    const oldest = this.#givenUp.size < givenUpMax ? undefined : this.#givenUp.keys().next().value
    if (oldest !== undefined) this.#givenUp.delete(oldest)
    this.#givenUp.set(id, { owner, until: this.#options.clock.now() + givenUpMs })
  }

  /** No request is taken for silent while the upstream waits for an answer. */
  async whileAsked<T>(answer: Promise<T>): Promise<T> {
    this.#questions++
    try {
      return await answer
    } finally {
      this.#questions--
      for (const pending of this.#pending.values()) if (pending.hooks) pending.touch()
    }
  }

  #giveUp(id: number, error: GatewayError): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    // initialize must not be cancelled (2025-11-25, basic/utilities/cancellation).
    if (pending.hooks) {
      const params = { requestId: id, reason: error.code }
      this.#options.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      this.#rememberGivenUp(id, pending.hooks.owner)
    }
    pending.settle(error)
  }
}
