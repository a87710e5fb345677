/** A legacy client's session (McpSession): what it said of itself, what it waits for, what it wants to hear. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { Principal } from '#core/identity/principal.ts'
import { canAnswer } from '#core/protocol/capabilities.ts'
import type { ClientFacts } from '#core/protocol/envelope.ts'
import {
  toRpcError,
  type JsonObject,
  type Outcome,
  type Question,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { Slots } from '#core/slots.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import { isLoudEnough } from './log-level.ts'
import type { ListKind, Peer } from '#gateway/upstream/peer.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import type { SessionUser, Upstream } from '#gateway/upstream/upstream.ts'
import type { Viewer } from './viewer.ts'

/** What the client is asked at once. */
const questionsMax = 64

/** A request of the session that is under way. */
export type RunningRequest = { id: RequestId; cancellation: Cancellation; slot: number }

export type ClientSessionOptions = {
  id: string
  principal: Principal
  address: Address
  endpoint: Endpoint
  revision: string
  facts: ClientFacts
  clock: Clock
  /** How long the client may take to answer a question, in milliseconds. */
  askTimeoutMs: number
  callsMax: number
  /** Turns a server's own resource URI into the endpoint's. */
  exposeUri(server: string, uri: string): string
}

/** Takes messages that belong to no request of the client. False: nobody listens. */
export type Outlet = (message: RpcMessage) => void

export class ClientSession implements Viewer {
  readonly id: string
  /** The token as it is configured now: its access may change while the session lives. */
  principal: Principal
  readonly address: Address
  /** The servers that the address means now. */
  endpoint: Endpoint
  readonly revision: string
  readonly facts: ClientFacts
  lastUsedAt: number
  readonly #options: ClientSessionOptions
  #outlet: Outlet | null = null
  #asks: Map<RequestId, (outcome: Outcome) => void> | undefined
  #nextAskId = 1
  #running: Slots<RunningRequest> | undefined
  /** By server, the URIs as that server knows them. */
  #watched: Map<string, Set<string>> | undefined
  #places: Set<PooledSession> | undefined
  #onEnd: (() => void)[] = []
  #hasEnded = false
  #isRetired = false

  constructor(options: ClientSessionOptions) {
    this.#options = options
    this.id = options.id
    this.principal = options.principal
    this.address = options.address
    this.endpoint = options.endpoint
    this.revision = options.revision
    this.facts = options.facts
    this.lastUsedAt = options.clock.now()
  }

  get principalId(): string {
    return this.principal.id
  }

  get user(): SessionUser {
    return { principalId: this.principal.id, sessionId: this.id, capabilities: this.facts.capabilities }
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isListening(): boolean {
    return this.#outlet !== null
  }

  get isBusy(): boolean {
    return this.#outlet !== null || (this.#running?.size ?? 0) > 0
  }

  /** Where messages outside any request go; null: nowhere for now. */
  setOutlet(outlet: Outlet | null): void {
    this.#outlet = outlet
  }

  isOutlet(outlet: Outlet): boolean {
    return this.#outlet === outlet
  }

  /** Joins those who hear what happens on an upstream session. */
  join(place: PooledSession): void {
    this.#places ??= new Set()
    if (this.#hasEnded || this.#places.has(place)) return
    this.#places.add(place)
    place.attach(this)
  }

  refreshPlaces(): void {
    const upstreams = this.endpoint.upstreams.filter(({ name }) => this.principal.access.mayReach(name))
    for (const place of this.#places ?? []) {
      if (upstreams.some((upstream) => upstream.owns(place))) continue
      place.detach(this)
      this.#places?.delete(place)
    }
    for (const upstream of upstreams) {
      if ((this.#watched?.get(upstream.name)?.size ?? 0) > 0) void this.#watchAgain(upstream)
    }
  }

  /** What is watched at a server that was replaced, its successor is asked to watch. */
  async #watchAgain(upstream: Upstream): Promise<void> {
    try {
      const place = upstream.place(this.user)
      this.join(place)
      await place.acquire()
    } catch {
      // It fails, and is tried again at the next call.
    }
  }

  /**
   * @returns what `finish` takes back
   * @throws GatewayError `rate_limited`, or `invalid_request` for an id that is under way
   */
  begin(id: RequestId, cancellation: Cancellation): RunningRequest {
    this.lastUsedAt = this.#options.clock.now()
    this.#running ??= new Slots()
    if (this.#running.size >= this.#options.callsMax) {
      throw new GatewayError('rate_limited', { details: { callsPerSessionMax: this.#options.callsMax } })
    }
    if (this.#running.find((other) => other.id === id))
      throw new GatewayError('invalid_request', { details: { reason: 'a request of this id is under way' } })
    const running = { id, cancellation, slot: 0 }
    running.slot = this.#running.add(running)
    return running
  }

  finish(running: RunningRequest): void {
    this.lastUsedAt = this.#options.clock.now()
    this.#running?.delete(running.slot, running)
    // What the call still asks its client, nobody waits for.
    running.cancellation.cancel()
    if (this.#isRetired && this.#running?.size === 0) this.end()
  }

  /** Takes no new request; ends when those under way have ended. */
  retire(): void {
    this.#isRetired = true
    if ((this.#running?.size ?? 0) === 0) this.end()
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  cancel(id: RequestId): void {
    this.#running?.find((running) => running.id === id)?.cancellation.cancel()
  }

  /** Asks the client through `send`; the answer comes back through `answer`. */
  askThrough(send: Outlet, question: Question, cancellation?: Cancellation): Promise<Outcome> {
    if (!canAnswer(this.facts.capabilities, question.method)) {
      return Promise.resolve({ error: toRpcError(new GatewayError('question_unroutable')) })
    }
    if (this.#hasEnded) return Promise.resolve({ error: toRpcError(new GatewayError('session_not_found')) })
    if ((this.#asks?.size ?? 0) >= questionsMax) {
      return Promise.resolve({ error: toRpcError(new GatewayError('rate_limited', { details: { questionsMax } })) })
    }
    return new Promise((resolve) => {
      const id = this.#nextAskId++
      const timeout: Outcome = {
        error: toRpcError(new GatewayError('question_unroutable', { details: { reason: 'no answer in time' } })),
      }
      const cancelTimer = this.#options.clock.after(this.#options.askTimeoutMs, () => this.answer(id, timeout))
      this.#asks ??= new Map()
      let forgetCancel = (): void => undefined
      this.#asks.set(id, (outcome) => {
        cancelTimer()
        forgetCancel()
        resolve(outcome)
      })
      const { method, params } = question
      send(params === undefined ? { jsonrpc: '2.0', id, method } : { jsonrpc: '2.0', id, method, params })
      if (!cancellation) return
      // The call that asks is over: nobody waits for the answer.
      forgetCancel = cancellation.onCancel(() => {
        if (!this.#asks?.has(id)) return
        this.answer(id, { error: toRpcError(new GatewayError('request_cancelled')) })
        send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
      })
    })
  }

  /** The client's answer to a question; unknown ids are ignored. */
  answer(id: RequestId, outcome: Outcome): void {
    const settle = this.#asks?.get(id)
    this.#asks?.delete(id)
    settle?.(outcome)
  }

  get ask(): Peer['ask'] {
    const outlet = this.#outlet
    return outlet && ((_server, question) => this.askThrough(outlet, question))
  }

  watch(server: string, uri: string): void {
    this.#watched ??= new Map()
    const uris = this.#watched.get(server) ?? new Set()
    uris.add(uri)
    this.#watched.set(server, uris)
  }

  unwatch(server: string, uri: string): void {
    this.#watched?.get(server)?.delete(uri)
  }

  watchedResources(server: string): Iterable<string> {
    return this.#watched?.get(server) ?? []
  }

  listChanged(_server: string, kind: ListKind): void {
    this.#outlet?.({ jsonrpc: '2.0', method: `notifications/${kind}/list_changed` })
  }

  resourceUpdated(server: string, uri: string, note: RpcNotification): void {
    if (!this.#watched?.get(server)?.has(uri)) return
    const params: JsonObject = { ...note.params, uri: this.#options.exposeUri(server, uri) }
    this.#outlet?.({ ...note, params })
  }

  logged(_server: string, note: RpcNotification): void {
    if (isLoudEnough(note, this.facts.logLevel)) this.#outlet?.(note)
  }

  other(_server: string, note: RpcNotification): void {
    this.#outlet?.(note)
  }

  /** Passes a client's notification to every upstream session it uses. */
  tellUpstreams(method: string): void {
    for (const place of this.#places ?? []) place.session?.notify(method)
  }

  get places(): Iterable<PooledSession> {
    return this.#places ?? []
  }

  /** Runs `task` at the end, or at once when it has come. The returned function takes the task away. */
  onEnd(task: () => void): () => void {
    if (this.#hasEnded) task()
    else this.#onEnd.push(task)
    return () => {
      this.#onEnd = this.#onEnd.filter((other) => other !== task)
    }
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const { cancellation } of this.#running ?? []) cancellation.cancel()
    for (const id of this.#asks?.keys() ?? []) {
      this.answer(id, { error: toRpcError(new GatewayError('session_not_found')) })
    }
    for (const place of this.#places ?? []) place.detach(this)
    for (const task of this.#onEnd) task()
    this.#outlet = null
  }
}
