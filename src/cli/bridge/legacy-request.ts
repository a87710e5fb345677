/** One request of a legacy client on its way: its POST, what comes before the answer, and the stream taken up again where it was cut. */
import { isRequestId, isResponse, type RequestId, type RpcError } from '#core/protocol/json-rpc.ts'
import { describeError, errorText, refusedWith, unreachable } from './bridge-failure.ts'
import type { BridgePorts } from './bridge-ports.ts'
import type { Exchange, ExchangeEnd, ExchangeHandlers, ResumePoint } from './gateway-exchange.ts'
import type { LegacySession } from './legacy-session.ts'

const resumesMax = 8
const retryMsDefault = 1_000
const retryMsMax = 30_000
/** After the answer the stream should end by itself, so that its connection can be used again. */
const lingerMs = 2_000

export type LegacyRequestOptions = {
  ports: BridgePorts
  session: LegacySession
  text: string
  /** One, or those of a batch. */
  ids: readonly RequestId[]
  /** Called once, when nothing more will be said. */
  done: () => void
}

export class LegacyRequest implements ExchangeHandlers {
  readonly #options: LegacyRequestOptions
  readonly #open: Set<RequestId>
  #exchange: Exchange | null = null
  #epoch = 0
  #isReplayed = false
  #failedResumes = 0
  /** As the gateway said last. */
  #retryMs = retryMsDefault
  #isDone = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: LegacyRequestOptions) {
    this.#options = options
    this.#open = new Set(options.ids)
  }

  start(): void {
    const { session } = this.#options
    if (session.isLost) void session.renew(session.epoch).then((failure) => this.#send(failure))
    else this.#send(null)
  }

  #send(failure: RpcError | null): void {
    if (this.#isDone) return
    if (failure) return this.#fail(failure)
    const { session, text } = this.#options
    this.#epoch = session.epoch
    this.#exchange = session.post(text, this)
  }

  message(text: string, message: unknown): void {
    const { ports, session } = this.#options
    // An array is the answer to a batch, all of it.
    const answered = (Array.isArray(message) ? message : [message]).filter((one) => isResponse(one))
    if (answered.length === 0) return session.relay(text, message)
    if (this.#isDone) return
    // Refused before its id was read.
    const [first] = answered
    if (first?.id === null && 'error' in first) return this.#fail(first.error)
    ports.output.write(text)
    for (const { id } of answered) if (isRequestId(id)) this.#open.delete(id)
    if (this.#open.size === 0) this.#finish()
  }

  ended(end: ExchangeEnd): void {
    clearTimeout(this.#timer)
    if (this.#isDone) return
    switch (end.kind) {
      case 'complete':
        return this.#fail(unreachable('its answer holds no response'))
      case 'cut':
        return end.resume === null ? this.#fail(unreachable(end.reason)) : this.#resume(end.resume, end.reason)
      case 'refused':
        return this.#onRefused(end)
      case 'failed':
        return this.#fail(unreachable(end.reason))
    }
  }

  #onRefused({ status, error }: Extract<ExchangeEnd, { kind: 'refused' }>): void {
    const { session } = this.#options
    if (status !== 404 || this.#isReplayed || !session.canRenew) return this.#fail(error ?? refusedWith(status))
    this.#isReplayed = true
    void session.renew(this.#epoch).then((failure) => this.#send(failure))
  }

  #resume({ eventId, retryMs }: ResumePoint, reason: string): void {
    if (++this.#failedResumes > resumesMax) return this.#fail(unreachable(reason))
    this.#retryMs = Math.min(retryMs ?? this.#retryMs, retryMsMax)
    this.#timer = setTimeout(() => {
      this.#exchange = this.#options.session.get(eventId, {
        head: ({ status }) => {
          if (status < 300) this.#failedResumes = 0
        },
        message: (text, message) => this.message(text, message),
        ended: (end) => this.#onResumeEnd(end, { eventId, retryMs }),
      })
    }, this.#retryMs)
  }

  #onResumeEnd(end: ExchangeEnd, from: ResumePoint): void {
    if (this.#isDone) return
    if (end.kind === 'cut') return this.#resume(end.resume ?? from, end.reason)
    if (end.kind === 'failed') return this.#resume(from, end.reason)
    // Not sent again where the session is gone: the gateway may have done already what was asked.
    this.ended(
      end.kind === 'refused' ? { kind: 'failed', reason: 'the stream of the answer cannot be taken up again' } : end,
    )
  }

  /** The client does not want the answer any more. */
  drop(id: RequestId): void {
    this.#open.delete(id)
    if (this.#open.size > 0 || this.#isDone) return
    this.#exchange?.abort()
    this.#finish()
  }

  #fail(error: RpcError): void {
    const { ports } = this.#options
    ports.tell(describeError(error))
    for (const id of this.#open) ports.output.write(errorText(id, error))
    this.#finish()
  }

  #finish(): void {
    this.#isDone = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#exchange?.abort(), lingerMs).unref()
    this.#options.done()
  }
}
