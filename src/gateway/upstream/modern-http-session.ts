/** A modern upstream over Streamable HTTP (2026-07-28): no session on the wire, every request stands alone. */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isJsonObject, isNotification, isResponse, toOutcome, type JsonObject } from '#core/protocol/json-rpc.ts'
import { spliceRequest } from '#core/protocol/scan.ts'
import { findResponseId, isResponseHead } from '#core/protocol/splice.ts'
import type { WireExchange } from '#core/upstream/http-wire.ts'
import { endingOfText, notMcp, parseMessage, readResponse, toRawAnswer } from './answer.ts'
import { isRefusalOfModern } from './discover.ts'
import { startExchange, type ExchangeDeps, type ExchangeHandlers } from './http-exchange.ts'
import { namesOf } from './large-request.ts'
import { modernHeaders } from './modern-headers.ts'
import { dispatchOutsideNote } from './outside-notes.ts'
import type {
  Answer,
  CallHooks,
  SessionOptions,
  UpstreamCall,
  UpstreamFacts,
  UpstreamSession,
} from './upstream-session.ts'

export type ModernHttpOptions = SessionOptions & { exchange: ExchangeDeps; facts: UpstreamFacts }

const lingerMs = 5_000
const relistenMsMin = 1_000
const relistenMsMax = 60_000

type AnswerStream = { isOpen: boolean; cancelCut: (() => void) | undefined }

export class ModernHttpSession implements UpstreamSession {
  readonly facts: UpstreamFacts
  isOpen = true
  lastUsedAt: number
  callsUnderWay = 0
  readonly #options: ModernHttpOptions
  #nextId = 1
  #wish: { resources: readonly string[] } | undefined
  /** Oldest first: an older stream goes on until the newest one has been acknowledged. */
  readonly #listening = new Set<WireExchange>()
  #cancelRelisten: (() => void) | undefined
  #relistenMs = relistenMsMin

  constructor(options: ModernHttpOptions) {
    this.#options = options
    this.facts = options.facts
    this.lastUsedAt = options.clock.now()
    if (canListen(options.facts.capabilities)) this.listen({ resources: [] })
  }

  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.callsUnderWay++
      this.lastUsedAt = this.#options.clock.now()
      const settle = (answer: Answer | GatewayError): void => {
        if (isSettled) return
        isSettled = true
        this.callsUnderWay--
        this.lastUsedAt = this.#options.clock.now()
        cancelTimer()
        forgetCancel()
        if (answer instanceof GatewayError) {
          // Closing the response stream is how a modern client cancels.
          exchange.abort()
          call.raw?.sink?.destroy()
          if (answer.code === 'session_not_found') this.#end(answer)
          reject(answer)
        } else {
          // A stream that has given its answer ends by itself; one that does not is cut.
          if (stream.isOpen) stream.cancelCut = this.#options.clock.after(lingerMs, () => exchange.abort())
          resolve(answer)
        }
      }
      let isSettled = false
      const stream: AnswerStream = { isOpen: false, cancelCut: undefined }
      let forgetCancel = (): void => undefined
      const cancelTimer = this.#options.clock.after(this.#options.timeoutTotalMs, () =>
        settle(new GatewayError('upstream_timeout')),
      )
      const id = call.raw?.id ?? this.#nextId++
      const body = call.raw?.large
        ? spliceRequest(call.raw.large, namesOf(call, undefined))
        : JSON.stringify({ jsonrpc: '2.0', id, method: call.method, params: call.params ?? {} })
      const exchange = startExchange(
        this.#options.exchange,
        this.#request(call, body),
        this.#handlers({ id, raw: call.raw, hooks, stream, settle }),
      )
      forgetCancel = hooks.cancellation.onCancel(() => settle(new GatewayError('request_cancelled')))
    })
  }

  /** Modern HTTP knows no client notifications; cancelling is closing the stream. */
  notify(): void {
    this.lastUsedAt = this.#options.clock.now()
  }

  listen(wish: { resources: readonly string[] }): void {
    const isSame = this.#wish !== undefined && this.#wish.resources.join('\n') === wish.resources.join('\n')
    if (isSame || !this.isOpen || !canListen(this.facts.capabilities)) return
    this.#wish = wish
    this.#startListening()
  }

  async close(): Promise<void> {
    this.#end(null)
  }

  #end(error: GatewayError | null): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const stream of this.#listening) stream.abort()
    this.#cancelRelisten?.()
    this.#options.events.ended(error)
  }

  #request(call: Pick<UpstreamCall, 'method' | 'params' | 'headers'>, body: string, silenceMsMax?: number) {
    const headers = modernHeaders(call, this.#options.headers)
    return { method: 'POST' as const, headers, body, silenceMsMax: silenceMsMax ?? this.#options.timeoutMs }
  }

  #handlers(run: {
    id: string | number
    raw: UpstreamCall['raw']
    hooks: CallHooks
    stream: AnswerStream
    settle: (answer: Answer | GatewayError) => void
  }): ExchangeHandlers {
    const { id, raw, hooks, stream, settle } = run
    const sink = raw?.sink
    const idText = JSON.stringify(id)
    return {
      passing: sink
        ? {
            sink,
            isAnswer: (head) => sink.canStart && isResponseHead(head, idText),
            passed: () => settle({ streamed: true, ending: 'ok' }),
          }
        : null,
      json: (head, body) => {
        const whole = raw && head.status === 200 ? toRawAnswer(body, { upstream: idText, caller: idText }) : null
        if (whole) return settle(whole)
        const text = body.toString()
        if (isRefusalOfModern(head.status, text, id)) return settle(otherEra())
        try {
          settle(readResponse(text, id))
        } catch (error) {
          settle(toGatewayError(error))
        }
      },
      empty: ({ status }) => settle(isRefusalOfModern(status, null, id) ? otherEra() : notMcp('the answer is empty')),
      streamOpened: () => {
        stream.isOpen = true
      },
      event: (data) => {
        if (raw && findResponseId(data, idText)) {
          return settle({ raw: data, encoding: 'utf8', ending: endingOfText(data) })
        }
        const message = data === '' ? null : parseMessage(data)
        if (data !== '' && !message) return settle(notMcp('an event is not JSON'))
        if (!message) return
        if (isNotification(message)) hooks.notify(message)
        else if (!isResponse(message)) settle(notMcp('an event is not allowed in this revision'))
        else if (message.id === id) settle(toOutcome(message) ?? notMcp('no result'))
      },
      streamEnded: () => {
        stream.isOpen = false
        stream.cancelCut?.()
        settle(new GatewayError('upstream_closed'))
      },
      failed: (error, head) => settle(head && isRefusalOfModern(head.status, null, id) ? otherEra() : error),
    }
  }

  #startListening(): void {
    this.#cancelRelisten?.()
    const { capabilities, clientInfo: info, clientCapabilities, clock } = listenFacts(this.#options, this.facts)
    const wish = this.#wish?.resources ?? []
    const filter = {
      ...capabilities,
      ...(wish.length === 0 ? {} : { resourceSubscriptions: wish }),
    }
    const params = withEnvelope(
      { notifications: filter },
      { capabilities: clientCapabilities, info, logLevel: undefined },
    )
    const method = 'subscriptions/listen'
    const body = JSON.stringify({ jsonrpc: '2.0', id: `listen-${this.#nextId++}`, method, params })
    const again = (): void => {
      const isNewest = [...this.#listening].at(-1) === stream
      forget()
      if (!this.isOpen || !isNewest) return
      this.#cancelRelisten = clock.after(this.#relistenMs, () => this.#startListening())
      this.#relistenMs = Math.min(this.#relistenMs * 2, relistenMsMax)
    }
    const forget = (): void => void this.#listening.delete(stream)
    const stream = startExchange(this.#options.exchange, this.#request({ method, params, headers: [] }, body, 0), {
      // An upstream without subscriptions answers with an error: nothing to listen to.
      json: forget,
      empty: forget,
      event: (data) => {
        this.#relistenMs = relistenMsMin
        this.#endOlderThan(stream)
        const message = parseMessage(data)
        if (isNotification(message) && message.method !== 'notifications/subscriptions/acknowledged') {
          dispatchOutsideNote(message, this.#options.events)
        }
      },
      streamEnded: again,
      failed: (error) => {
        if (error.isRetryable) again()
        else forget()
      },
    })
    this.#listening.add(stream)
  }

  #endOlderThan(stream: WireExchange): void {
    for (const older of this.#listening) {
      if (older === stream) return
      older.abort()
      this.#listening.delete(older)
    }
  }
}

/** The server took nothing and may be another by now: as with a lost session, a fresh one is tried. */
function otherEra(): GatewayError {
  return new GatewayError('session_not_found')
}

function listenFacts(options: ModernHttpOptions, facts: UpstreamFacts) {
  const flags: JsonObject = {}
  for (const kind of ['tools', 'prompts', 'resources'] as const) {
    if (declares(facts.capabilities, kind, 'listChanged')) flags[`${kind}ListChanged`] = true
  }
  return {
    capabilities: flags,
    clientInfo: options.clientInfo,
    clientCapabilities: options.clientCapabilities,
    clock: options.clock,
  }
}

function canListen(capabilities: JsonObject): boolean {
  return (
    (['tools', 'prompts', 'resources'] as const).some((kind) => declares(capabilities, kind, 'listChanged')) ||
    declares(capabilities, 'resources', 'subscribe')
  )
}

function declares(capabilities: JsonObject, kind: string, member: string): boolean {
  const declared = capabilities[kind]
  return isJsonObject(declared) && declared[member] === true
}
