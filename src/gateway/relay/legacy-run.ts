/** A call that runs inside a legacy upstream on behalf of a modern client, over as many of the client's requests as it takes. */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import {
  toRpcError,
  isJsonObject,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { Reply } from '#gateway/client/client-call.ts'
import type { CallHooks } from '#gateway/upstream/upstream-session.ts'

/** Questions that come this close together are asked together. */
const gatherMs = 40

/** What waits for the client's answers at once. */
const questionsMax = 64
const tooMany = toRpcError(new GatewayError('rate_limited', { details: { questionsMax } }))

type Asked = { question: Question; settle: (outcome: Outcome) => void }
export type Stop = { kind: 'answered'; outcome: Outcome } | { kind: 'failed'; error: GatewayError } | { kind: 'asked' }

export class LegacyRun {
  readonly cancellation = new Cancellation()
  /** What the upstream calls itself. */
  readonly serverInfo: JsonObject
  readonly #clock: Clock
  readonly #asked = new Map<string, Asked>()
  #nextKey = 1
  #reply: Reply | null = null
  #end: Stop | undefined
  #wake: (() => void) | undefined

  constructor(clock: Clock, serverInfo: JsonObject = {}) {
    this.#clock = clock
    this.serverInfo = serverInfo
  }

  /** For the upstream session. */
  hooks(isHeard: (note: RpcNotification) => boolean): CallHooks {
    return {
      notify: (note) => {
        if (isHeard(note)) this.#reply?.notify(note)
      },
      ask: (question) => this.#ask(question),
      cancellation: this.cancellation,
    }
  }

  follow(outcome: Promise<Outcome>): void {
    outcome.then(
      (answered) => this.#stop({ kind: 'answered', outcome: answered }),
      (error: unknown) => this.#stop({ kind: 'failed', error: toGatewayError(error) }),
    )
  }

  #stop(end: Stop): void {
    this.#end = end
    this.#wake?.()
  }

  #ask(question: Question): Promise<Outcome> {
    if (this.cancellation.isCancelled) return Promise.resolve({ error: abandoned })
    if (this.#asked.size >= questionsMax) return Promise.resolve({ error: tooMany })
    return new Promise((resolve) => {
      const isFirst = this.#asked.size === 0
      this.#asked.set(`q${this.#nextKey++}`, { question, settle: resolve })
      if (isFirst) this.#clock.after(gatherMs, () => this.#wake?.())
    })
  }

  /** Waits until the call has ended or the client must be asked. `reply` takes what is said meanwhile. */
  async nextStop(reply: Reply): Promise<Stop> {
    this.#reply = reply
    if (!this.#end && this.#asked.size === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#reply = null
    return this.#end ?? { kind: 'asked' }
  }

  /** Whether the call has ended, answered or not: no question of its is open any more. */
  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** The open questions, by the keys that the client must answer them with. */
  get questions(): JsonObject {
    return Object.fromEntries([...this.#asked].map(([key, { question }]) => [key, toInputRequest(question)]))
  }

  /**
   * Hands the client's answers on. What is missing or is no answer stays open.
   * @returns whether every question is answered
   */
  supply(inputResponses: unknown): boolean {
    const responses = isJsonObject(inputResponses) ? inputResponses : {}
    for (const [key, { question, settle }] of this.#asked) {
      const response = responses[key]
      if (!isAnswerTo(question, response)) continue
      this.#asked.delete(key)
      settle({ result: response })
    }
    return this.#asked.size === 0
  }

  /** The client will not come back. */
  abandon(): void {
    for (const { settle } of this.#asked.values()) settle({ error: abandoned })
    this.#asked.clear()
    this.cancellation.cancel()
  }
}

const abandoned = toRpcError(new GatewayError('request_cancelled'))

/** Legacy members that modern input requests do not have. */
function toInputRequest({ method, params }: Question): JsonObject {
  const { _meta, elicitationId: _id, ...rest } = params ?? {}
  return { method, params: rest }
}

function isAnswerTo(question: Question, response: unknown): response is JsonObject {
  if (!isJsonObject(response)) return false
  if (question.method === 'elicitation/create')
    return ['accept', 'decline', 'cancel'].includes(String(response['action']))
  if (question.method === 'roots/list') return Array.isArray(response['roots'])
  return true
}
