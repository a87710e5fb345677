/** What one client session was asked and has not answered: how long each question waits, and who hears how the client gets on with it. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import {
  toRpcError,
  type JsonObject,
  type Outcome,
  type Question,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import { progressTokenOf, withoutProgressToken, withProgressToken } from '#gateway/upstream/progress-tokens.ts'

/** Takes messages that belong to no request of the client. */
export type Outlet = (message: RpcMessage) => void

export type OpenQuestionsOptions = {
  clock: Clock
  /** How long the client may take to answer, in milliseconds. Progress does not lengthen it: it is the most that a question may take. */
  askTimeoutMs: number
  /** Begins every progress token, so that a later session of the same client has others. */
  sessionId: string
  /** No two replicas that have the session ask under one id. */
  firstId: number
}

type Asked = { question: Question; token: string; settle: (outcome: Outcome) => void }

/** What the client is asked at once. */
const questionsMax = 64

export class OpenQuestions {
  readonly #options: OpenQuestionsOptions
  readonly #asked = new Map<RequestId, Asked>()
  #nextId: number

  constructor(options: OpenQuestionsOptions) {
    this.#options = options
    this.#nextId = options.firstId
  }

  /** Asks through `send`; the answer comes back through `answer`, or from here when it cannot come any more. */
  ask(send: Outlet, question: Question, cancellation?: Cancellation): Promise<Outcome> {
    if (this.#asked.size >= questionsMax) {
      return Promise.resolve({ error: toRpcError(new GatewayError('rate_limited', { details: { questionsMax } })) })
    }
    return new Promise((resolve) => {
      const id = this.#nextId++
      const cancelTimer = this.#options.clock.after(this.#options.askTimeoutMs, () => this.answer(id, late))
      let forgetCancel = (): void => undefined
      const settle = (outcome: Outcome): void => {
        cancelTimer()
        forgetCancel()
        resolve(outcome)
      }
      const token = `${this.#options.sessionId}:${id}`
      this.#asked.set(id, { question, token, settle })
      const params = withOwnToken(question, token)
      const { method } = question
      send(params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params })
      if (!cancellation) return
      // The call that asks is over: nobody waits for the answer.
      forgetCancel = cancellation.onCancel(() => {
        if (!this.#asked.has(id)) return
        this.answer(id, { error: toRpcError(new GatewayError('request_cancelled')) })
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
      })
    })
  }

  /** The client's answer; unknown ids are ignored. @returns whether it is known */
  answer(id: RequestId, outcome: Outcome): boolean {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.settle(outcome)
    return asked !== undefined
  }

  /** The client's progress with a question that is still open goes to who asked it, under the token it was asked with. */
  progressed(note: RpcNotification): boolean {
    const token = note.params?.['progressToken']
    const question = this.#asked.values().find((asked) => asked.token === token)?.question
    question?.progressed?.({ ...note, params: { ...note.params, progressToken: progressTokenOf(question.params) } })
    return question !== undefined
  }

  end(outcome: Outcome): void {
    for (const id of this.#asked.keys()) this.answer(id, outcome)
  }
}

const late: Outcome = {
  error: toRpcError(new GatewayError('question_unroutable', { details: { reason: 'no answer in time' } })),
}

/** Two upstreams may choose the same token. Where who asks cannot be told of progress, the client is not asked for any. */
function withOwnToken({ params, progressed }: Question, token: string): JsonObject | undefined {
  if (progressTokenOf(params) === undefined) return params
  return progressed ? withProgressToken(params, token) : withoutProgressToken(params)
}
