/** A modern upstream over Streamable HTTP (2026-07-28): no session on the wire, every request stands alone. */
import { GatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isResponse, type JsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { withTasksExtension } from '#core/protocol/tasks.ts'
import { parseMessage } from './answer.ts'
import { startExchange, type ExchangeDeps } from './http-exchange.ts'
import { ModernHttpCall, type ModernCallHost } from './modern-http-call.ts'
import { modernHeaders } from './modern-headers.ts'
import { ModernListening, noSubscription } from './modern-listening.ts'
import { dispatchOutsideNote } from './outside-notes.ts'
import { isReadyAgain } from './ready-again.ts'
import type {
  Answer,
  CallHooks,
  SessionOptions,
  UpstreamCall,
  UpstreamFacts,
  UpstreamSession,
  Wished,
} from './upstream-session.ts'

export type ModernHttpOptions = SessionOptions & { exchange: ExchangeDeps; facts: UpstreamFacts }

export class ModernHttpSession implements UpstreamSession {
  readonly facts: UpstreamFacts
  isOpen = true
  lastUsedAt: number
  callsUnderWay = 0
  readonly #options: ModernHttpOptions
  readonly #host: ModernCallHost
  #nextId = 1
  readonly #listening: ModernListening

  constructor(options: ModernHttpOptions) {
    this.#options = options
    this.facts = options.facts
    this.lastUsedAt = options.clock.now()
    this.#host = this.#createHost()
    this.#listening = this.#createListening()
    this.listen({ resources: [] })
  }

  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.callsUnderWay++
      const id = call.raw?.id ?? this.#nextId++
      new ModernHttpCall(this.#host, { id, call, hooks, resolve, reject }).start()
    })
  }

  #createHost(): ModernCallHost {
    const { clock, timeoutMs, timeoutTotalMs, exchange } = this.#options
    return {
      clock,
      timeoutMs,
      timeoutTotalMs,
      post: (call, body, handlers) => startExchange(exchange, this.#request(call, body), handlers),
      settled: (failure) => {
        this.callsUnderWay--
        this.lastUsedAt = clock.now()
        if (failure?.code === 'session_not_found') this.#end(failure)
      },
    }
  }

  /** Modern HTTP knows no client notifications; cancelling is closing the stream. */
  notify(): void {
    this.lastUsedAt = this.#options.clock.now()
  }

  listen(wish: Wished): void {
    this.#listening.set(wish.resources, wish.tasks)
  }

  subscribe(uri: string): Promise<Outcome> {
    return this.#listening.subscribe(uri)
  }

  async close(): Promise<void> {
    this.#end(null)
  }

  #end(error: GatewayError | null): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#listening.end(error ?? new GatewayError('upstream_closed'))
    this.#options.events.ended(error)
  }

  /** Calls watch their silence themselves; a stream of what belongs to no call may be silent for ever. */
  #request(call: Pick<UpstreamCall, 'method' | 'params' | 'headers'>, body: string) {
    return { method: 'POST' as const, headers: modernHeaders(call, this.#options.lease.headers), body, silenceMsMax: 0 }
  }

  #createListening(): ModernListening {
    const { clock, timeoutMs, events, facts } = this.#options
    return new ModernListening({
      clock,
      timeoutMs,
      capabilities: facts.capabilities,
      open: (id, notifications) => this.#openStream(id, notifications),
      isReady: (failure) => isReadyAgain(this.#options, failure),
      heard: (note) => dispatchOutsideNote(note, events),
    })
  }

  /** @returns ends the stream */
  #openStream(id: string, notifications: JsonObject): () => void {
    const { clientInfo: info, clientCapabilities: capabilities, exchange } = this.#options
    const method = 'subscriptions/listen'
    const declared = 'taskIds' in notifications ? withTasksExtension(capabilities) : capabilities
    const params = withEnvelope({ notifications }, { capabilities: declared, info, logLevel: undefined })
    const request = this.#request(
      { method, params, headers: [] },
      JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    )
    const stream = startExchange(exchange, request, {
      // An upstream without subscriptions answers with an error: nothing to listen to.
      json: (_head, body) => {
        const message = parseMessage(body.toString())
        if (isResponse(message) && message.id === id) this.#listening.receive(id, message)
        else this.#listening.lost(id, noSubscription())
      },
      empty: () => this.#listening.lost(id, noSubscription()),
      event: (data) => this.#listening.receive(id, parseMessage(data)),
      streamEnded: () => this.#listening.lost(id, new GatewayError('upstream_closed')),
      failed: (error) => this.#listening.lost(id, error),
    })
    return () => stream.abort()
  }
}
