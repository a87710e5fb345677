/** A modern upstream over Streamable HTTP (2026-07-28): no session on the wire, every request stands alone. */
import type { GatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isJsonObject, isNotification, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { WireExchange } from '#core/upstream/http-wire.ts'
import { parseMessage } from './answer.ts'
import { startExchange, type ExchangeDeps } from './http-exchange.ts'
import { ModernHttpCall, type ModernCallHost } from './modern-http-call.ts'
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

const relistenMsMin = 1_000
const relistenMsMax = 60_000

export class ModernHttpSession implements UpstreamSession {
  readonly facts: UpstreamFacts
  isOpen = true
  lastUsedAt: number
  callsUnderWay = 0
  readonly #options: ModernHttpOptions
  readonly #host: ModernCallHost
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
    this.#host = this.#createHost()
    if (canListen(options.facts.capabilities)) this.listen({ resources: [] })
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

  /** Calls watch their silence themselves; a stream of what belongs to no call may be silent for ever. */
  #request(call: Pick<UpstreamCall, 'method' | 'params' | 'headers'>, body: string) {
    return { method: 'POST' as const, headers: modernHeaders(call, this.#options.headers), body, silenceMsMax: 0 }
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
    const stream = startExchange(this.#options.exchange, this.#request({ method, params, headers: [] }, body), {
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
