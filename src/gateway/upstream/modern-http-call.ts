/** One request to a modern HTTP upstream: its POST, and the answer or event stream that comes back. */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { idText, isNotification, isResponse, requestText, toOutcome, type RequestId } from '#core/protocol/json-rpc.ts'
import { spliceRequest } from '#core/protocol/scan.ts'
import { findResponseId, isResponseHead } from '#core/protocol/splice.ts'
import type { WireExchange, WireHead } from '#core/upstream/http-wire.ts'
import { endingOfText, notMcp, parseMessage, readResponse, toRawAnswer } from './answer.ts'
import { isRefusalOfModern } from './discover.ts'
import type { ExchangeHandlers, Passing } from './http-exchange.ts'
import { namesOf } from './large-request.ts'
import { SilenceWatch, type WatchHost } from './silence-watch.ts'
import type { Answer, ByteSink, CallHooks, Ending, UpstreamCall } from './upstream-session.ts'

const lingerMs = 5_000

/** What a call needs of its session: one object for all calls, because a call is made for each request. */
export interface ModernCallHost extends WatchHost {
  post(call: UpstreamCall, body: string, handlers: ExchangeHandlers): WireExchange
  settled(failure: GatewayError | null): void
}

export type ModernHttpCallOptions = {
  id: RequestId
  call: UpstreamCall
  hooks: CallHooks
  resolve: (answer: Answer) => void
  reject: (error: GatewayError) => void
}

/** Takes its own exchange's events, and the bytes that pass, so that no closure is made for each of them. */
export class ModernHttpCall implements ExchangeHandlers, Passing {
  readonly #host: ModernCallHost
  readonly #options: ModernHttpCallOptions
  /** The id as JSON text. */
  readonly #idText: string
  readonly #watch: SilenceWatch
  #exchange: WireExchange | undefined
  #forgetCancel: (() => void) | undefined
  #isSettled = false
  #isStream = false
  #cancelCut: (() => void) | undefined

  constructor(host: ModernCallHost, options: ModernHttpCallOptions) {
    this.#host = host
    this.#options = options
    this.#idText = idText(options.id)
    this.#watch = new SilenceWatch(host, () => this.#settle(new GatewayError('upstream_timeout')))
  }

  start(): void {
    const { call, hooks } = this.#options
    this.#exchange = this.#host.post(call, this.#body(), this)
    this.#forgetCancel = hooks.cancellation.onCancel(() => this.#settle(new GatewayError('request_cancelled')))
  }

  #body(): string {
    const { call } = this.#options
    return call.raw?.large
      ? spliceRequest(call.raw.large, namesOf(call, undefined))
      : requestText(this.#idText, call.method, call.params ?? {})
  }

  alive(): void {
    this.#watch.alive()
  }

  get passing(): Passing | null {
    return this.#options.call.raw?.sink ? this : null
  }

  get sink(): ByteSink {
    const sink = this.#options.call.raw?.sink
    if (!sink) throw new GatewayError('internal')
    return sink
  }

  isAnswer(head: string): boolean {
    return this.sink.canStart && isResponseHead(head, this.#idText)
  }

  full(): void {
    this.#watch.pause()
  }

  drained(): void {
    this.#watch.resume()
  }

  passed(ending: Ending): void {
    this.#settle({ streamed: true, ending })
  }

  json(head: WireHead, body: Buffer): void {
    const { id, call } = this.#options
    const ids = { upstream: this.#idText, caller: this.#idText }
    const raw = call.raw && head.status === 200 ? toRawAnswer(body, ids) : null
    if (raw) return this.#settle(raw)
    const text = body.toString()
    if (isRefusalOfModern(head.status, text, id)) return this.#settle(otherEra())
    try {
      this.#settle(readResponse(text, id))
    } catch (error) {
      this.#settle(toGatewayError(error))
    }
  }

  empty({ status }: WireHead): void {
    const isRefusal = isRefusalOfModern(status, null, this.#options.id)
    this.#settle(isRefusal ? otherEra() : notMcp('the answer is empty'))
  }

  failed(error: GatewayError, head: WireHead | undefined): void {
    this.#settle(head && isRefusalOfModern(head.status, null, this.#options.id) ? otherEra() : error)
  }

  streamOpened(): void {
    this.#isStream = true
  }

  event(data: string): void {
    const { id, call, hooks } = this.#options
    if (data === '' || this.#isSettled) return
    if (call.raw && findResponseId(data, this.#idText))
      return this.#settle({ raw: data, encoding: 'utf8', ending: endingOfText(data) })
    const message = parseMessage(data)
    if (!message) this.#settle(notMcp('an event is not JSON'))
    else if (isNotification(message)) hooks.notify(message)
    else if (!isResponse(message)) this.#settle(notMcp('an event is not allowed in this revision'))
    else if (message.id === id) this.#settle(toOutcome(message) ?? notMcp('no result'))
  }

  streamEnded(): void {
    this.#isStream = false
    this.#cancelCut?.()
    this.#settle(new GatewayError('upstream_closed'))
  }

  #settle(answer: Answer | GatewayError): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#watch.stop()
    this.#forgetCancel?.()
    const { call, resolve, reject } = this.#options
    if (answer instanceof GatewayError) {
      // Closing the response stream is how a modern client cancels.
      this.#exchange?.abort()
      call.raw?.sink?.destroy()
      this.#host.settled(answer)
      return reject(answer)
    }
    // A stream that has given its answer ends by itself, and its connection can be used again; one that does not is cut.
    if (this.#isStream) this.#cancelCut = this.#host.clock.after(lingerMs, () => this.#exchange?.abort())
    this.#host.settled(null)
    resolve(answer)
  }
}

/** The server took nothing and may be another by now: as with a lost session, a fresh one is tried. */
function otherEra(): GatewayError {
  return new GatewayError('session_not_found')
}
