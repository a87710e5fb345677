/** One HTTP exchange with the gateway, taken apart into messages: of a JSON body, or of an event stream. */
import { isJsonObject, toOutcome, type RpcError } from '#core/protocol/json-rpc.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { EventReader } from '#core/upstream/event-reader.ts'
import type { WireAnswer, WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import { reasonOf } from './bridge-failure.ts'
import type { BridgePorts } from './bridge-ports.ts'

/** Where an event stream can be taken up again. */
export type ResumePoint = { eventId: string; retryMs: number | undefined }

export type ExchangeEnd =
  | { kind: 'complete' }
  /** An event stream ended, by whichever side and however. */
  | { kind: 'cut'; resume: ResumePoint | null; reason: string }
  /** A status that is no success; `error` is the JSON-RPC error in the body, where there is one. */
  | { kind: 'refused'; status: number; error: RpcError | null }
  | { kind: 'failed'; reason: string }

export type ExchangeHandlers = {
  head?: (head: WireHead) => void
  message: (text: string, message: unknown) => void
  /** Called once, last. Not after an abort. */
  ended: (end: ExchangeEnd) => void
}

export interface Exchange {
  abort(): void
}

export function startExchange(ports: BridgePorts, request: WireRequest, handlers: ExchangeHandlers): Exchange {
  const reader = new AnswerReader(ports, handlers)
  const exchange = ports.wire.send(request, reader)
  reader.exchange = exchange
  return exchange
}

class AnswerReader implements WireAnswer {
  exchange: WireExchange | null = null
  readonly #ports: BridgePorts
  readonly #handlers: ExchangeHandlers
  #status = 0
  #events: EventReader | null = null
  #resume: ResumePoint | null = null
  #retryMs: number | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0
  #isOver = false

  constructor(ports: BridgePorts, handlers: ExchangeHandlers) {
    this.#ports = ports
    this.#handlers = handlers
  }

  head(head: WireHead): void {
    this.#status = head.status
    this.#handlers.head?.(head)
    const isStream = head.header('content-type')?.toLowerCase().startsWith('text/event-stream')
    if (head.status >= 300 || isStream !== true) return
    this.#events = this.#ports.createEventReader(
      {
        event: (data, id) => this.#onEvent(data, id),
        retry: (delayMs) => (this.#retryMs = delayMs),
        failed: (error) => this.#stop({ kind: 'failed', reason: reasonOf(error) }),
      },
      { eventBytesMax: this.#ports.messageBytesMax },
    )
  }

  #onEvent(data: string, eventId: string | undefined): void {
    if (this.#isOver) return
    if (eventId !== undefined && eventId !== '') this.#resume = { eventId, retryMs: undefined }
    // The first event of a resumable stream says where it begins, and nothing else.
    if (data === '') return
    const message = parseJson(data)
    if (message === undefined) this.#stop({ kind: 'failed', reason: 'an event of its is not JSON' })
    else this.#handlers.message(data, message)
  }

  chunk(bytes: Uint8Array): boolean {
    if (this.#isOver) return true
    if (this.#events) this.#events.push(bytes)
    else this.#hold(bytes)
    const { output } = this.#ports
    if (!output.isFull) return true
    output.onDrain(() => this.exchange?.resume())
    return false
  }

  #hold(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    this.#chunks.push(bytes)
    if (this.#bytes > this.#ports.messageBytesMax) this.#stop({ kind: 'failed', reason: 'its answer is too large' })
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#events) return this.#handlers.ended(this.#cut('the stream ended before the answer'))
    const text = Buffer.concat(this.#chunks).toString()
    const message = text.trim() === '' ? undefined : parseJson(text)
    if (this.#status < 200 || this.#status >= 300) {
      return this.#handlers.ended({ kind: 'refused', status: this.#status, error: errorOf(message) })
    }
    if (message !== undefined) this.#handlers.message(text, message)
    this.#handlers.ended({ kind: 'complete' })
  }

  fail(error: GatewayError): void {
    if (this.#isOver) return
    this.#isOver = true
    const reason = reasonOf(error)
    this.#handlers.ended(this.#events ? this.#cut(reason) : { kind: 'failed', reason })
  }

  #cut(reason: string): ExchangeEnd {
    return { kind: 'cut', resume: this.#resume && { ...this.#resume, retryMs: this.#retryMs }, reason }
  }

  #stop(end: ExchangeEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#chunks = []
    this.exchange?.abort()
    this.#handlers.ended(end)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The id may be missing: the gateway refuses some requests before it has read them. */
function errorOf(message: unknown): RpcError | null {
  const outcome = isJsonObject(message) ? toOutcome({ ...message, id: null }) : undefined
  return outcome && 'error' in outcome ? outcome.error : null
}
