/**
 * A legacy session over Streamable HTTP (2025-03-26 to 2025-11-25, transports): `initialize`, a session id, a POST per request,
 * a GET stream for what belongs to no request, DELETE at the end. An event stream that ends before its answer is taken up again
 * with `Last-Event-ID`.
 */
import { GatewayError } from '#contract/errors.ts'
import {
  isNotification,
  isRequest,
  isResponse,
  type JsonObject,
  type Outcome,
  type RpcNotification,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { Slots } from '#core/slots.ts'
import type { WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import { notMcp, parseMessage } from './answer.ts'
import { answerQuestion } from './answer-question.ts'
import { BegunTasks, isAboutTask } from './begun-tasks.ts'
import { startExchange, type ExchangeDeps } from './http-exchange.ts'
import { readInitializeResult } from './initialize.ts'
import { LegacyHttpCall, type LegacyCallHost } from './legacy-http-call.ts'
import { Outgoing } from './outgoing.ts'
import { dispatchOutsideNote } from './outside-notes.ts'
import { sendOwn } from './own-request.ts'
import { progressTokenOf } from './progress-tokens.ts'
import { isReadyAgain } from './ready-again.ts'
import { ResourceSubscriptions, type SubscriptionMethod } from './resource-subscriptions.ts'
import type {
  Answer,
  CallHooks,
  SessionOptions,
  UpstreamCall,
  UpstreamFacts,
  UpstreamSession,
  Wished,
} from './upstream-session.ts'

export type LegacyHttpOptions = SessionOptions & { exchange: ExchangeDeps }

const accept = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'] as const
const reconnectsMax = 8
const reconnectDefaultMs = 1_000
const reconnectMsMin = 250
const reconnectMsMax = 30_000

/**
 * @param cancellation gives the opening up: it fails with `upstream_closed`
 * @throws GatewayError when the upstream cannot be reached or does not answer `initialize` as a legacy server does
 */
export async function openLegacyHttpSession(
  options: LegacyHttpOptions,
  cancellation: Cancellation,
): Promise<UpstreamSession> {
  const session = new LegacyHttpSession(options)
  await session.initialize(cancellation)
  return session
}

class LegacyHttpSession implements UpstreamSession {
  facts: UpstreamFacts = {
    era: 'legacy',
    revision: newestLegacyRevision,
    capabilities: {},
    serverInfo: {},
    instructions: undefined,
  }
  isOpen = true
  lastUsedAt: number
  callsUnderWay = 0
  readonly #options: LegacyHttpOptions
  readonly #host: LegacyCallHost
  /** What every request has, but for what the lease says now. */
  #own: readonly string[] = accept
  #headers: readonly string[]
  #leased: readonly string[]
  #sessionId: string | undefined
  #nextId = 1
  #stream: WireExchange | undefined
  #cancelStreamRetry: (() => void) | undefined
  #streamFailures = 0
  #streamEventId: string | undefined
  readonly #running = new Slots<LegacyHttpCall>()
  readonly #begun: BegunTasks
  readonly #outgoing = new Outgoing((text) => this.#post(text))
  readonly #subscriptions = new ResourceSubscriptions((method, uri) => this.#askToWatch(method, uri))

  constructor(options: LegacyHttpOptions) {
    this.#options = options
    this.#leased = options.lease.headers
    this.#headers = [...accept, ...this.#leased]
    this.lastUsedAt = options.clock.now()
    this.#begun = new BegunTasks(options.clock)
    this.#host = this.#createHost()
  }

  async initialize(cancellation: Cancellation): Promise<void> {
    const params = {
      protocolVersion: newestLegacyRevision,
      capabilities: this.#options.clientCapabilities,
      clientInfo: this.#options.clientInfo,
    }
    const { head, outcome } = await this.#ask('initialize', params, cancellation)
    const facts = readInitializeResult(outcome)
    if (!isLegacyRevision(facts.revision)) throw notMcp('unknown protocol version')
    this.facts = facts
    this.#sessionId = head?.header('mcp-session-id')
    const own = this.#sessionId === undefined ? [] : ['mcp-session-id', this.#sessionId]
    this.#own = [...accept, 'mcp-protocol-version', facts.revision, ...own]
    this.#headers = [...this.#own, ...this.#leased]
    await this.#post(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }), cancellation)
    this.#openStream()
  }

  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    const id = this.#nextId++
    const answer = this.#start(id, call, hooks)
    if (!isAboutTask(call)) return answer
    return this.#begun.follow(answer, call, { token: id, callerToken: progressTokenOf(call.params), hooks })
  }

  #start(id: number, call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.callsUnderWay++
      const run = new LegacyHttpCall(this.#host, { id, call, hooks, resolve, reject })
      run.slot = this.#running.add(run)
      run.start()
    })
  }

  #createHost(): LegacyCallHost {
    const { clock, timeoutMs, timeoutTotalMs, exchange, events } = this.#options
    return {
      clock,
      timeoutMs,
      timeoutTotalMs,
      post: (body, headers, handlers) => startExchange(exchange, this.#request('POST', body, headers), handlers),
      resume: (eventId, handlers) =>
        startExchange(exchange, this.#request('GET', null, ['last-event-id', eventId]), handlers),
      say: (message) => this.#say(message),
      outside: (note) => dispatchOutsideNote(note, events),
      ofTask: (note, hooks) => this.#begun.progressed(note, hooks),
      settled: (run, failure) => {
        this.callsUnderWay--
        this.#running.delete(run.slot, run)
        this.lastUsedAt = clock.now()
        if (failure?.code === 'session_not_found') this.#end(failure)
      },
    }
  }

  notify(method: string, params?: JsonObject): void {
    void this.#say(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
  }

  listen(wish: Wished): void {
    this.#subscriptions.set(wish.resources)
  }

  subscribe(uri: string): Promise<Outcome> {
    return this.#subscriptions.subscribe(uri)
  }

  /** A call like any other, so that it is noticed where the upstream has forgotten the session. */
  async #askToWatch(method: SubscriptionMethod, uri: string): Promise<Outcome> {
    const cancellation = new Cancellation()
    const hooks = { notify: () => undefined, ask: () => Promise.resolve(nobodyToAsk), cancellation }
    const answer = await this.call({ method, params: { uri }, headers: [], raw: null }, hooks)
    if ('result' in answer || 'error' in answer) return answer
    throw notMcp('no result')
  }

  async close(): Promise<void> {
    if (!this.isOpen) return
    this.#end(null)
    for (const call of this.#running) call.end()
    if (this.#sessionId === undefined) return
    const request = this.#request('DELETE', null, [])
    await sendOwn(this.#options, { request, id: null }).catch(() => undefined)
  }

  #end(error: GatewayError | null): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#stream?.abort()
    this.#cancelStreamRetry?.()
    this.#outgoing.end()
    this.#subscriptions.end()
    this.#options.events.ended(error)
  }

  /** Calls watch their silence themselves, as they know when they wait for a person; the gateway's own requests are bounded as a whole. */
  #request(method: WireRequest['method'], body: string | null, extra: readonly string[]): WireRequest {
    const headers = this.#currentHeaders()
    return { method, headers: extra.length === 0 ? headers : [...headers, ...extra], body, silenceMsMax: 0 }
  }

  /** Put together once for all calls, and anew when the lease says something else. */
  #currentHeaders(): readonly string[] {
    const { headers } = this.#options.lease
    if (headers === this.#leased) return this.#headers
    this.#leased = headers
    this.#headers = [...this.#own, ...headers]
    return this.#headers
  }

  /** A request of the gateway's own. */
  async #ask(
    method: string,
    params: JsonObject,
    cancellation: Cancellation,
  ): Promise<{ head: WireHead | undefined; outcome: Outcome }> {
    const id = this.#nextId++
    const request = this.#request('POST', JSON.stringify({ jsonrpc: '2.0', id, method, params }), [])
    const { head, outcome } = await sendOwn(this.#options, { request, id, cancellation })
    if (outcome) return { head, outcome }
    throw head && head.status >= 400 ? refusedWith(head) : notMcp('the answer is not the response to the request')
  }

  /** Sends what has no answer; resolves when the upstream has taken it. */
  async #post(body: string, cancellation?: Cancellation): Promise<void> {
    const request = this.#request('POST', body, [])
    const { head } = await sendOwn(this.#options, { request, id: null, cancellation })
    if (head && head.status >= 400) throw refusedWith(head)
  }

  /** The GET stream: what belongs to no call. A server without one answers 405, and that is fine. */
  #openStream(): void {
    if (!this.isOpen) return
    const extra = this.#streamEventId === undefined ? [] : ['last-event-id', this.#streamEventId]
    const request = this.#request('GET', null, extra)
    this.#stream = startExchange(this.#options.exchange, request, {
      json: () => undefined,
      empty: () => undefined,
      streamOpened: () => (this.#streamFailures = 0),
      event: (data, eventId) => {
        if (eventId !== undefined) this.#streamEventId = eventId
        this.#onStreamMessage(data)
      },
      streamEnded: (retryMs) => this.#reopenStream(retryMs),
      failed: (error, head) => {
        if (head === undefined || error instanceof UpstreamRefused) this.#reopenStream(undefined, error)
        else if (error.code === 'upstream_unreachable' && head.status >= 500) this.#reopenStream(undefined)
      },
    })
  }

  /** @param failure of the last try */
  #reopenStream(retryMs: number | undefined, failure?: GatewayError): void {
    if (!this.isOpen || ++this.#streamFailures > reconnectsMax) return
    const wishedMs = Math.max(retryMs ?? reconnectDefaultMs, reconnectMsMin)
    const delayMs = Math.min(wishedMs * 2 ** (this.#streamFailures - 1), reconnectMsMax)
    this.#cancelStreamRetry = this.#options.clock.after(delayMs, () => void this.#openStreamAgain(failure))
  }

  async #openStreamAgain(failure: GatewayError | undefined): Promise<void> {
    if (await isReadyAgain(this.#options, failure)) this.#openStream()
    else this.#reopenStream(undefined, failure)
  }

  #onOutsideNote(note: RpcNotification): void {
    if (note.method !== 'notifications/progress') dispatchOutsideNote(note, this.#options.events)
    else this.#begun.progressed(note)
  }

  #onStreamMessage(data: string): void {
    const message = parseMessage(data)
    if (!message) return
    if (isNotification(message)) this.#onOutsideNote(message)
    if (isRequest(message)) void this.#answerOutside(message)
    // Some servers answer a call that lost its own stream on whichever stream is open.
    if (isResponse(message)) this.#running.find(({ id }) => id === message.id)?.onMessage(message)
  }

  #answerOutside(request: RpcRequest): Promise<void> {
    return answerQuestion(request, {
      ask: (question) => this.#whileAsked(() => this.#options.events.asked(question)),
      say: (message) => this.#say(message),
    })
  }

  /** It is not said which call waits for the answer: it is one of those that run. */
  async #whileAsked(ask: () => Promise<Outcome>): Promise<Outcome> {
    const waiting = [...this.#running]
    for (const call of waiting) call.pause()
    try {
      return await ask()
    } finally {
      for (const call of waiting) call.resume()
    }
  }

  #say(message: JsonObject): Promise<void> {
    return this.#outgoing.say(JSON.stringify(message))
  }
}

const nobodyToAsk = { error: { code: -32601, message: 'Method not found' } }

function refusedWith(head: WireHead): GatewayError {
  return new GatewayError('upstream_protocol', { details: { status: head.status } })
}
