/** One request on a legacy HTTP session: its POST, its event stream, and the continuations of that stream. */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import {
  idText,
  isNotification,
  isRequest,
  isResponse,
  requestText,
  toOutcome,
  type JsonObject,
  type Outcome,
  type RpcNotification,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { spliceRequest } from '#core/protocol/scan.ts'
import { spliceTextId } from '#core/protocol/splice.ts'
import type { WireExchange, WireHead } from '#core/upstream/http-wire.ts'
import { endingOfText, notMcp, parseMessage, readResponse, toRawAnswer } from './answer.ts'
import { answerQuestion } from './answer-question.ts'
import { isPatient } from './begun-tasks.ts'
import { isRefusalOfLegacy, isRefusalUnread } from './discover.ts'
import type { ExchangeHandlers } from './http-exchange.ts'
import { SilenceWatch, type WatchHost } from './silence-watch.ts'
import { forCaller, progressTokenOf, withProgressToken } from './progress-tokens.ts'
import { namesOf } from './large-request.ts'
import type { Answer, CallHooks, UpstreamCall } from './upstream-session.ts'

const reconnectsMax = 8
const lingerMs = 5_000
const reconnectDefaultMs = 1_000
const reconnectMsMin = 250
const reconnectMsMax = 30_000

/** What a call needs of its session: one object for all calls, because a call is made for each request. */
export interface LegacyCallHost extends WatchHost {
  post(body: string, headers: readonly string[], handlers: ExchangeHandlers): WireExchange
  resume(eventId: string, handlers: ExchangeHandlers): WireExchange
  /** Sends a message that has no answer; resolves when it has been taken, or never will be. Never rejects. */
  say(message: JsonObject): Promise<void>
  /** A notification that belongs to no call came on this call's stream. */
  outside(note: RpcNotification): void
  /** Whether progress that came on a call's stream is that of a task, and has been handed on. */
  ofTask(note: RpcNotification, hooks: CallHooks): boolean
  settled(call: LegacyHttpCall, failure: GatewayError | null): void
}

export type LegacyHttpCallOptions = {
  id: number
  call: UpstreamCall
  hooks: CallHooks
  resolve: (answer: Answer) => void
  reject: (error: GatewayError) => void
}

/** Takes its own exchange's events, so that no closure is made for each of them. */
export class LegacyHttpCall implements ExchangeHandlers {
  readonly id: number
  /** Its place among the session's calls. */
  slot = 0
  readonly #host: LegacyCallHost
  readonly #options: LegacyHttpCallOptions
  readonly #callerToken: unknown
  readonly #watch: SilenceWatch
  #exchange: WireExchange | undefined
  #isSettled = false
  #isStream = false
  #lastEventId: string | undefined
  #reconnects = 0
  #cancelWait: (() => void) | undefined
  #forgetCancel: (() => void) | undefined

  constructor(host: LegacyCallHost, options: LegacyHttpCallOptions) {
    this.id = options.id
    this.#host = host
    this.#options = options
    this.#callerToken = progressTokenOf(options.call.params)
    this.#watch = new SilenceWatch(host, () => this.#giveUp(new GatewayError('upstream_timeout')))
    if (isPatient(options.call.method)) this.#watch.pause()
  }

  start(): void {
    const { call, hooks } = this.#options
    this.#exchange = this.#host.post(this.#body(), call.headers, this)
    this.#forgetCancel = hooks.cancellation.onCancel(() => this.#giveUp(new GatewayError('request_cancelled')))
  }

  alive(): void {
    this.#watch.alive()
  }

  #body(): string {
    const { id, call } = this.#options
    if (call.raw?.large && this.#callerToken === undefined)
      return spliceRequest(call.raw.large, namesOf(call, String(id)))
    const params = this.#callerToken === undefined ? call.params : withProgressToken(call.params, id)
    return requestText(String(id), call.method, params)
  }

  json(head: WireHead, body: Buffer): void {
    const isUntaken = isRefusalOfLegacy(head.status, body) || isRefusalUnread(head.status, body)
    if (head.status === 404 || isUntaken) return this.#settle(this.#lost())
    const { id, call } = this.#options
    const raw = call.raw && toRawAnswer(body, { upstream: String(id), caller: idText(call.raw.id) })
    if (raw) return this.#settle(raw)
    try {
      this.#settle(readResponse(body.toString(), id))
    } catch (error) {
      this.#settle(toGatewayError(error))
    }
  }

  empty(head: WireHead): void {
    this.#settle(head.status === 404 ? this.#lost() : notMcp('the answer is empty'))
  }

  failed(error: GatewayError, head: WireHead | undefined): void {
    if (head?.status === 404) return this.#settle(this.#lost())
    const isLostStream = this.#isStream && head === undefined && error.isRetryable
    if (isLostStream) this.streamEnded(undefined)
    else this.#settle(error)
  }

  /** With a session that took nothing of the call, the call can be sent again; an upstream that began it may have done the work. */
  #lost(): GatewayError {
    return new GatewayError(this.#isStream ? 'upstream_closed' : 'session_not_found')
  }

  streamOpened(): void {
    this.#isStream = true
  }

  event(data: string, eventId: string | undefined): void {
    if (eventId !== undefined) this.#lastEventId = eventId
    this.#reconnects = 0
    if (data === '' || this.#isSettled) return
    const { id, call } = this.#options
    const text = call.raw ? spliceTextId(data, String(id), idText(call.raw.id)) : null
    if (text !== null) return this.#settle({ raw: text, encoding: 'utf8', ending: endingOfText(text) })
    const message = parseMessage(data)
    if (!message) return this.#settle(notMcp('an event is not JSON'))
    this.onMessage(message)
  }

  /** A message of this call's stream, or its answer from another one. */
  onMessage(message: JsonObject): void {
    if (isNotification(message)) this.#onNote(message)
    else if (isRequest(message)) void this.#onQuestion(message)
    else if (!isResponse(message)) this.#settle(notMcp('an event is not a JSON-RPC message'))
    else if (message.id === this.#options.id) this.#settle(toOutcome(message) ?? notMcp('no result'))
  }

  #onNote(note: RpcNotification): void {
    const { hooks } = this.#options
    const isProgress = note.method === 'notifications/progress'
    if (isProgress && this.#host.ofTask(note, hooks)) return
    if (isProgress || note.method === 'notifications/message') hooks.notify(forCaller(note, this.#callerToken))
    else this.#host.outside(note)
  }

  #onQuestion(request: RpcRequest): Promise<void> {
    return answerQuestion(request, {
      ask: (question) => this.#whileAsked(() => this.#options.hooks.ask(question)),
      say: (message) => (this.#isSettled ? Promise.resolve() : this.#host.say(message)),
    })
  }

  async #whileAsked(ask: () => Promise<Outcome>): Promise<Outcome> {
    this.pause()
    try {
      return await ask()
    } finally {
      this.resume()
    }
  }

  /** The upstream waits for an answer, here or on the session's own stream: the silence is ours. Each is ended by one `resume`. */
  pause(): void {
    this.#watch.pause()
  }

  resume(): void {
    this.#watch.resume()
  }

  streamEnded(retryMs: number | undefined): void {
    if (this.#isSettled) return this.#cancelWait?.()
    if (this.#lastEventId === undefined || ++this.#reconnects > reconnectsMax) {
      return this.#settle(new GatewayError('upstream_closed'))
    }
    this.#options.hooks.waiting?.()
    const eventId = this.#lastEventId
    const delayMs = Math.min(Math.max(retryMs ?? reconnectDefaultMs, reconnectMsMin), reconnectMsMax)
    // The upstream said when to come back: until then the silence is ours.
    this.#watch.alive(delayMs)
    this.#cancelWait = this.#host.clock.after(delayMs, () => {
      this.#exchange = this.#host.resume(eventId, this)
    })
  }

  /** A mere disconnect does not cancel in the legacy era: the upstream is told. */
  #giveUp(error: GatewayError): void {
    if (this.#isSettled) return
    const params = { requestId: this.#options.id, reason: error.code }
    void this.#host.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    this.#settle(error)
  }

  /** The session ends. */
  end(): void {
    this.#settle(new GatewayError('upstream_closed'))
  }

  #settle(answer: Answer | GatewayError): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#watch.stop()
    this.#cancelWait?.()
    this.#forgetCancel?.()
    this.#leave(answer)
    const { resolve, reject } = this.#options
    const failure = answer instanceof GatewayError ? answer : null
    this.#host.settled(this, failure)
    if (answer instanceof GatewayError) reject(answer)
    else resolve(answer)
  }

  /** A stream that has given its answer ends by itself, and its connection can be used again; one that does not is cut. */
  #leave(answer: Answer | GatewayError): void {
    const exchange = this.#exchange
    if (answer instanceof GatewayError || !this.#isStream) exchange?.abort()
    else this.#cancelWait = this.#host.clock.after(lingerMs, () => exchange?.abort())
  }
}
