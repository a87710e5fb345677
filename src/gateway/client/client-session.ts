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
import { knownContentOf, type KnownContent } from '#core/protocol/known-content.ts'
import { isTaskStatus, taskNamedIn } from '#core/protocol/tasks.ts'
import { Slots } from '#core/slots.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import { SessionTasks } from '#gateway/tasks/session-tasks.ts'
import type { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { isLoudEnough } from './log-level.ts'
import { OpenQuestions, type Outlet } from './open-questions.ts'
import type { ListKind, Peer } from '#gateway/upstream/peer.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import { openTwice } from '#gateway/upstream/second-chance.ts'
import { toSessionUser, type SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Viewer } from './viewer.ts'
import { mayWatch, WatchedResources, type Wish } from './watched-resources.ts'

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
  taskOwners: TaskOwners
  /** The first of the ids that its questions to the client have; by default 1. */
  firstQuestionId?: number
}

/** Who tells the other replicas that have this session of what concerns them. */
export interface Elsewhere {
  levelSet(level: string): void
  unwatched(server: string, uri: string): void
}

export class ClientSession implements Viewer {
  readonly id: string
  /** The token as it is configured now: its access may change while the session lives. */
  principal: Principal
  readonly address: Address
  /** The servers that the address means now. */
  endpoint: Endpoint
  readonly revision: string
  readonly facts: ClientFacts
  /** How results must read for the client's revision; null where they go as they are. Decided once, so that no call asks. */
  readonly knownContent: KnownContent | null
  readonly tasks: SessionTasks
  lastUsedAt: number
  /** Null: no other replica has it. */
  elsewhere: Elsewhere | null = null
  readonly #options: ClientSessionOptions
  #outlet: Outlet | null = null
  #isOutletHere = false
  #questions: OpenQuestions | undefined
  #running: Slots<RunningRequest> | undefined
  #watched: WatchedResources | undefined
  #places: Set<PooledSession> | undefined
  #onEnd: (() => void)[] = []
  #hasEnded = false
  #isOver = false
  #isRetired = false

  constructor(options: ClientSessionOptions) {
    this.#options = options
    this.id = options.id
    this.principal = options.principal
    this.address = options.address
    this.endpoint = options.endpoint
    this.revision = options.revision
    this.facts = options.facts
    this.knownContent = knownContentOf(options.revision)
    const { revision, taskOwners: owners } = options
    const isAggregate = options.endpoint.kind === 'aggregate'
    this.tasks = new SessionTasks({ principal: () => this.principal, revision, isAggregate, owners })
    this.lastUsedAt = options.clock.now()
  }

  get principalId(): string {
    return this.principal.id
  }

  get user(): SessionUser {
    return toSessionUser(this.principal, { sessionId: this.id, capabilities: this.facts.capabilities })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isListening(): boolean {
    return this.#outlet !== null
  }

  /** Whether the client hears it on a stream of this replica's. */
  get isHeardHere(): boolean {
    return this.#outlet !== null && this.#isOutletHere
  }

  get isBusy(): boolean {
    return this.isHeardHere || (this.#running?.size ?? 0) > 0
  }

  /** Where messages outside any request go; null: nowhere for now. */
  setOutlet(outlet: Outlet | null, where: 'here' | 'elsewhere' = 'here'): void {
    this.#outlet = outlet
    this.#isOutletHere = where === 'here'
  }

  /** Says what another replica has to say. */
  hear(message: RpcMessage): void {
    this.#outlet?.(message)
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
      if (this.#watched?.hasAny(upstream.name)) void this.#watchAgain(upstream)
    }
    this.#refreshListening()
  }

  /** What is watched at a server that was replaced, its successor is asked to watch. */
  async #watchAgain(upstream: Upstream): Promise<void> {
    try {
      await openTwice(() => {
        const place = upstream.place(this.user)
        this.join(place)
        return place
      })
    } catch {
      // It fails, and is tried again at the next call.
    }
  }

  /**
   * @returns what `finish` takes back
   * @throws GatewayError `rate_limited`, or `invalid_request` for an id that is under way
   */
  begin(id: RequestId, cancellation: Cancellation): RunningRequest {
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

  /** @param at Unix time in milliseconds */
  finish(running: RunningRequest, at: number): void {
    this.lastUsedAt = at
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

  /** @returns whether it is under way here */
  cancel(id: RequestId): boolean {
    const running = this.#running?.find((running) => running.id === id)
    running?.cancellation.cancel()
    return running !== undefined
  }

  /** Asks the client through `send`; the answer comes back through `answer`. */
  askThrough(send: Outlet, question: Question, cancellation?: Cancellation): Promise<Outcome> {
    if (!canAnswer(this.facts.capabilities, question.method)) {
      return Promise.resolve({ error: toRpcError(new GatewayError('question_unroutable')) })
    }
    if (this.#hasEnded) return Promise.resolve({ error: toRpcError(new GatewayError('session_not_found')) })
    const { id: sessionId } = this
    const { clock, askTimeoutMs, firstQuestionId } = this.#options
    this.#questions ??= new OpenQuestions({ clock, askTimeoutMs, sessionId, firstId: firstQuestionId ?? 1 })
    return this.#questions.ask(send, this.#toKnown(question), cancellation)
  }

  /** What a model is to read comes in the same content blocks as results do. */
  #toKnown(question: Question): Question {
    if (!this.knownContent || !question.params || question.method !== 'sampling/createMessage') return question
    return { ...question, params: this.knownContent.apply(question.params) }
  }

  /** The client's answer to a question. @returns whether it was asked here */
  answer(id: RequestId, outcome: Outcome): boolean {
    return this.#questions?.answer(id, outcome) === true
  }

  /** The client's progress with a question. @returns whether it was asked here */
  progressed(note: RpcNotification): boolean {
    return this.#questions?.progressed(note) === true
  }

  setLogLevel(level: string): void {
    this.facts.logLevel = level
    this.elsewhere?.levelSet(level)
  }

  get ask(): Peer['ask'] {
    const outlet = this.#outlet
    if (!outlet) return null
    return (server, question) => this.tasks.ask(server, question, (asked) => this.askThrough(outlet, asked))
  }

  concernsTask(server: string, taskId: string): boolean {
    return this.tasks.concerns(server, taskId) === true
  }

  /**
   * From now on the client hears of the resource's updates, and the upstream is asked for them.
   * @throws GatewayError `rate_limited`
   */
  watch(server: string, uri: string): Wish {
    this.#watched ??= new WatchedResources()
    const { keep, takeBack } = this.#watched.add(server, uri)
    this.#refreshListening()
    return {
      keep,
      takeBack: () => {
        takeBack()
        this.#refreshListening()
      },
    }
  }

  unwatch(server: string, uri: string): void {
    this.unwatchHere(server, uri)
    this.elsewhere?.unwatched(server, uri)
  }

  unwatchHere(server: string, uri: string): void {
    this.#watched?.delete(server, uri)
    this.#refreshListening()
  }

  /** Has the upstreams told what is watched now. */
  #refreshListening(): void {
    for (const place of this.#places ?? []) place.refreshListening()
  }

  watchedResources(server: string): Iterable<string> {
    return this.#watched && mayWatch(this.principal, server) ? this.#watched.of(server) : []
  }

  listChanged(_server: string, kind: ListKind): void {
    this.#outlet?.({ jsonrpc: '2.0', method: `notifications/${kind}/list_changed` })
  }

  resourceUpdated(server: string, uri: string, note: RpcNotification): void {
    if (!this.#watched?.has(server, uri) || !mayWatch(this.principal, server)) return
    const params: JsonObject = { ...note.params, uri: this.#options.exposeUri(server, uri) }
    this.#outlet?.({ ...note, params })
  }

  logged(server: string, note: RpcNotification): void {
    if (isLoudEnough(note, this.facts.logLevel)) this.#outlet?.(this.tasks.toClient(server, note))
  }

  other(server: string, note: RpcNotification): void {
    const isForeign = isTaskStatus(note) && !this.tasks.concerns(server, taskNamedIn(note) ?? '')
    if (!isForeign) this.#outlet?.(this.tasks.toClient(server, note))
  }

  /** Says what belongs to a call that has been answered. */
  say(server: string, note: RpcNotification): void {
    this.#outlet?.(this.tasks.toClient(server, note))
  }

  /** How a task of the client's gets on: told to the servers whose question it is. */
  taskChanged(note: RpcNotification): void {
    const servers = this.tasks.serversOf(taskNamedIn(note) ?? '')
    const upstreams = this.endpoint.upstreams.filter(({ name }) => servers.includes(name))
    for (const upstream of upstreams) upstream.place(this.user).session?.notify(note.method, note.params)
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

  /** On this replica alone: another one may take it up, or has it. */
  leave(): void {
    this.#end()
  }

  /** Everywhere, and for good. */
  end(): void {
    this.#isOver ||= !this.#hasEnded
    this.#end()
  }

  /** Whether it has ended for good. */
  get isOver(): boolean {
    return this.#isOver
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const { cancellation } of this.#running ?? []) cancellation.cancel()
    this.#questions?.end({ error: toRpcError(new GatewayError('session_not_found')) })
    for (const place of this.#places ?? []) place.detach(this)
    for (const task of this.#onEnd) task()
    this.#outlet = null
  }
}
