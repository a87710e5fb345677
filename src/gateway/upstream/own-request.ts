/** A request of the gateway's own to an HTTP upstream: answered by one response or by none, and bounded in time as a whole. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { toOutcome, type Outcome, type RequestId } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import { parseMessage } from './answer.ts'
import { startExchange, type ExchangeDeps, type ExchangeHandlers } from './http-exchange.ts'

export type OwnRequestDeps = { exchange: ExchangeDeps; clock: Clock; timeoutMs: number }

export type OwnRequest = {
  request: WireRequest
  /** What the response must name; null: none is expected. */
  id: RequestId | null
  cancellation?: Cancellation | undefined
}

/** `outcome` is undefined where the answer holds no response to the request. */
export type OwnAnswer = { head: WireHead | undefined; outcome: Outcome | undefined }

/** Rejects with the GatewayError of the exchange (its `details.status` says the HTTP status), or with `upstream_closed` at the cancel. */
export function sendOwn(deps: OwnRequestDeps, own: OwnRequest): Promise<OwnAnswer> {
  return new Promise((resolve, reject) => {
    const run = new OwnRun(own.id, { resolve, reject })
    const exchange = startExchange(deps.exchange, own.request, run)
    const cancelTimer = deps.clock.after(deps.timeoutMs, () => run.failed(new GatewayError('upstream_timeout')))
    const forgetCancel = own.cancellation?.onCancel(() => run.failed(new GatewayError('upstream_closed')))
    run.hold(exchange, () => {
      cancelTimer()
      forgetCancel?.()
    })
  })
}

type Settlers = { resolve: (answer: OwnAnswer) => void; reject: (error: GatewayError) => void }

class OwnRun implements ExchangeHandlers {
  readonly #id: RequestId | null
  readonly #settlers: Settlers
  #head: WireHead | undefined
  #isOver = false
  #exchange: WireExchange | undefined
  #release: (() => void) | undefined

  constructor(id: RequestId | null, settlers: Settlers) {
    this.#id = id
    this.#settlers = settlers
  }

  /** @param release what must end with the exchange */
  hold(exchange: WireExchange, release: () => void): void {
    this.#exchange = exchange
    this.#release = release
    if (this.#isOver) this.#end()
  }

  json(head: WireHead, body: Buffer): void {
    this.#head = head
    this.#answered(this.#read(body.toString()))
  }

  empty(head: WireHead): void {
    this.#head = head
    this.#answered(undefined)
  }

  streamOpened(head: WireHead): void {
    this.#head = head
  }

  event(data: string): void {
    const outcome = this.#read(data)
    if (outcome) this.#answered(outcome)
  }

  streamEnded(): void {
    if (this.#id === null) this.#answered(undefined)
    else this.failed(new GatewayError('upstream_closed'))
  }

  failed(error: GatewayError): void {
    if (this.#isOver) return
    this.#end()
    this.#settlers.reject(error)
  }

  /** JSON-RPC allows a null id where the server could not read the request. */
  #read(text: string): Outcome | undefined {
    const message = this.#id === null ? null : parseMessage(text)
    return message && (message['id'] === this.#id || message['id'] === null) ? toOutcome(message) : undefined
  }

  #answered(outcome: Outcome | undefined): void {
    if (this.#isOver) return
    this.#end()
    this.#settlers.resolve({ head: this.#head, outcome })
  }

  #end(): void {
    this.#isOver = true
    this.#exchange?.abort()
    this.#release?.()
  }
}
