/** The stream for what belongs to no request (2025-11-25, transports, "Listening for Messages"). It comes back by itself. */
import type { Exchange, ExchangeEnd, ExchangeHandlers } from './gateway-exchange.ts'

export type ServerStreamOptions = {
  get: (eventId: string | null, handlers: ExchangeHandlers) => Exchange
  message: (text: string, message: unknown) => void
  /** The gateway does not know the session any more. */
  lost: () => void
}

const retryMsDefault = 1_000
const retryMsMax = 30_000

export class ServerStream {
  readonly #options: ServerStreamOptions
  #exchange: Exchange | null = null
  #timer: NodeJS.Timeout | undefined
  #eventId: string | null = null
  #failures = 0
  /** As the gateway said last. */
  #retryMs = retryMsDefault

  constructor(options: ServerStreamOptions) {
    this.#options = options
  }

  /** Opens a new stream; one that is open is left. */
  open(): void {
    this.close()
    this.#eventId = null
    this.#failures = 0
    this.#connect()
  }

  close(): void {
    this.#exchange?.abort()
    this.#exchange = null
    clearTimeout(this.#timer)
  }

  #connect(): void {
    this.#exchange = this.#options.get(this.#eventId, {
      head: ({ status }) => {
        if (status < 300) this.#failures = 0
      },
      message: this.#options.message,
      ended: (end) => this.#onEnd(end),
    })
  }

  #onEnd(end: ExchangeEnd): void {
    this.#exchange = null
    if (end.kind === 'refused' && end.status === 404) return this.#options.lost()
    // A server without such a stream answers 405; whatever else it refuses it will refuse again.
    if (end.kind === 'complete' || (end.kind === 'refused' && end.status < 500)) return
    const resume = end.kind === 'cut' ? end.resume : null
    this.#eventId = resume?.eventId ?? this.#eventId
    this.#retryMs = resume?.retryMs ?? this.#retryMs
    const delayMs = Math.min(this.#retryMs * 2 ** this.#failures++, retryMsMax)
    this.#timer = setTimeout(() => this.#connect(), delayMs).unref()
  }
}
