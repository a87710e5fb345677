/** The data plane: what every entrance, and the library, calls. It owns the servers' lives and the steps of a call. */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import type { ServedServer } from '#contract/server.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import type { Bus } from '#core/bus/bus.ts'
import { ReplicaAsks } from '#core/bus/replica-asks.ts'
import { withSharedDeadlines } from '#core/deadlines.ts'
import { exposeUri } from '#core/naming/resource-uri.ts'
import type { Principal } from '#core/identity/principal.ts'
import { capabilitiesKey } from '#core/protocol/capabilities.ts'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { knowsTasks, withoutCoreTasks } from '#core/protocol/tasks.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { McpSessionRecords } from '#core/session/mcp-session-records.ts'
import type { TaskRecords } from '#core/tasks/task-records.ts'
import { Catalog } from '#gateway/catalog/catalog.ts'
import { Views } from '#gateway/catalog/views.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { ClientSession, type ClientSessionOptions, type RunningRequest } from '#gateway/client/client-session.ts'
import { GatheredChanges } from '#gateway/client/gathered-changes.ts'
import { ListenHub } from '#gateway/client/listen-hub.ts'
import { moveViewers } from '#gateway/client/move-viewers.ts'
import { SessionStore } from '#gateway/client/session-store.ts'
import { fits, SharedSessions } from '#gateway/client/shared-sessions.ts'
import type { Viewer } from '#gateway/client/viewer.ts'
import { CallLimits, type Tally } from './call-limits.ts'
import type { Address, Registry } from './endpoint.ts'
import { identify, nobody, type Identities } from './identify.ts'
import { admit, locate, type Located } from './locate.ts'
import { LiveServers, type LiveServersDeps } from './live-servers.ts'
import { askToConnect } from '#gateway/methods/ask-to-connect.ts'
import { describeEndpoint, negotiateRevision, toInitializeResult } from '#gateway/methods/describe.ts'
import { dispatch } from '#gateway/methods/dispatch.ts'
import type { MethodContext } from '#gateway/methods/method-context.ts'
import { SharedTasks } from '#gateway/tasks/shared-tasks.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { TasksElsewhere } from '#gateway/tasks/tasks-elsewhere.ts'
import {
  isRefusal,
  recordCall,
  recordOpening,
  recordRefusal,
  recordSessionEnd,
  type CallFacts,
  type PlainRequest,
} from './record.ts'
import { ParkedCalls } from '#gateway/relay/parked-calls.ts'
import { ParkedElsewhere } from '#gateway/relay/parked-elsewhere.ts'
import { RequestStates } from '#gateway/relay/request-states.ts'
import { endingOfAnswer } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

export type GatewayDeps = LiveServersDeps & {
  separator: string
  audit: AuditRecorder
  hash: (text: string) => string
  randomId: (prefix: string) => string
  /** Common to all replicas, so that each can serve any session. */
  sessionRecords: McpSessionRecords
  taskRecords: TaskRecords
  bus: Bus
  /** What signs the states that clients bring back to any of them; without it each has its own. */
  stateSecrets?: readonly string[] | undefined
  /** Common to all replicas as well; without them each counts its calls by itself. */
  counters?: Counters
}

/** What calls are decided by. */
export type Snapshot = { servers: readonly ServedServer[]; identities: Identities }

/** What is left of a call when it ends. */
type Ending = { call: ClientCall; facts: CallFacts; running: RunningRequest | undefined; tally: Tally | null }
type Recorded = { call: ClientCall; facts: CallFacts; answer: Answer | null; at: number }
type Opened = { session: ClientSession; result: JsonObject }

const sweepMs = 5_000

export class Gateway {
  readonly sessions: SessionStore
  readonly shared: SharedSessions
  /** What this replica and the others ask of each other. */
  readonly asks: ReplicaAsks
  readonly #deps: GatewayDeps
  readonly #catalog: Catalog
  readonly #context: MethodContext
  readonly #hub = new ListenHub()
  readonly #parked: ParkedCalls
  readonly #sharedTasks: SharedTasks
  readonly #changes: GatheredChanges
  readonly #servers: LiveServers
  readonly #callLimits: CallLimits
  #identities: Identities = nobody
  #cancelSweep: () => void = () => undefined
  #isClosed = false
  #epoch = 0

  constructor(given: GatewayDeps) {
    const deps = { ...given, clock: withSharedDeadlines(given.clock) }
    const { clock, limits, separator, hash, randomId, serverInfo } = deps
    this.#deps = deps
    this.sessions = new SessionStore({ clock, limits })
    this.#callLimits = new CallLimits(deps)
    this.shared = new SharedSessions({ records: deps.sessionRecords, bus: deps.bus, clock, limits, randomId })
    this.#catalog = new Catalog({ clock, limits, clientInfo: serverInfo })
    this.#changes = new GatheredChanges(clock, (server, kind) => this.#hub.listChanged(server, kind))
    this.#servers = new LiveServers(deps, this.#catalog, (upstream, kind) => {
      this.#catalog.invalidate(upstream, kind)
      this.#changes.add(upstream.name, kind)
    })
    const { parkedCallsMax, parkedCallMs, listingTimeoutMs } = limits
    this.asks = new ReplicaAsks({ bus: deps.bus, clock, id: randomId('replica') })
    const toHandle = (prefix: string): string => `${randomId(prefix)}@${this.asks.id}`
    this.#parked = new ParkedCalls({ clock, randomId: toHandle, parkedCallsMax, parkedCallMs })
    const tasks = new TaskOwners()
    const { bus, taskRecords: records } = deps
    this.#sharedTasks = new SharedTasks({ records, bus, clock, owners: tasks, replicaId: this.asks.id })
    const registry = (): Registry => this.#servers.registry
    this.#context = {
      registry,
      views: new Views({ clock, catalog: this.#catalog, separator, listingTimeoutMs, hash }),
      clock,
      limits,
      separator,
      forward: {
        clock,
        parked: this.#parked,
        hash,
        randomId,
        requestStates: new RequestStates(deps),
        parkedElsewhere: new ParkedElsewhere({ asks: this.asks, parked: this.#parked, hash }),
        lists: this.#catalog,
      },
      hub: this.#hub,
      tasks,
      sharedTasks: this.#sharedTasks,
      tasksElsewhere: new TasksElsewhere({ asks: this.asks, owners: tasks, registry }),
      serverInfo,
    }
    this.#sweepLater()
  }

  /** Rises with every change of servers, tokens and policies: what was concluded from them is good for one epoch. */
  get epoch(): number {
    return this.#epoch
  }

  get registry(): Registry {
    return this.#servers.registry
  }

  /** What the leak tests count. */
  get counts(): { sessions: number; listeners: number; parkedCalls: number; callsUnderWay: number } {
    const { callsUnderWay } = this.#servers
    return { sessions: this.sessions.size, listeners: this.#hub.size, parkedCalls: this.#parked.size, callsUnderWay }
  }

  /** Takes new servers and principals in one step. A server that is the same stays as it is, with its sessions and calls under way. */
  apply({ servers, identities }: Snapshot): void {
    this.#epoch++
    this.#identities = identities
    this.#servers.apply(servers)
    this.#move(this.#hub)
  }

  /** Something is no more as it was for these callers, which is no change of servers and identities. */
  recheck(isConcerned: (principal: Principal) => boolean): void {
    this.#move([...this.#hub].filter(({ principal }) => isConcerned(principal)))
  }

  /**
   * What an owner has given for a server is there, or is there no more: what it sees of the server is something else.
   * @param ownerId of a user or a team; empty: the gateway's own, through which everybody sees it
   */
  credentialChanged(server: string, ownerId: string): void {
    const upstream = this.registry.find(server)
    if (!upstream) return
    if (ownerId === '') this.#catalog.forget(upstream)
    else this.#catalog.forgetOwner(upstream, ownerId)
    this.#hub.ownedChanged({ upstream, ownerId })
    void upstream.credentialChanged(ownerId)
  }

  #move(viewers: Iterable<Viewer>): void {
    moveViewers(viewers, {
      principalOf: (before) => this.#identities.current(before),
      locate: (principal, address) => this.locate(principal, address),
    })
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#deps.clock.after(sweepMs, () => {
      this.sessions.sweep()
      void this.shared.sweep()
      void this.#sharedTasks.sweep()
      const now = this.#deps.clock.now()
      for (const viewer of this.#hub) if ((viewer.principal.expiresAt ?? Infinity) <= now) viewer.end()
      this.#servers.sweep()
      this.#callLimits.sweep()
      this.#sweepLater()
    })
  }

  isExpired(principal: Principal): boolean {
    return this.#isClosed || (principal.expiresAt !== null && principal.expiresAt <= this.#deps.clock.now())
  }

  /** @throws GatewayError `unauthorized` */
  identify(authorization: string | undefined): Principal {
    if (this.#isClosed) throw new GatewayError('shutting_down')
    return identify(authorization, this.#identities, { now: this.#deps.clock.now(), hash: this.#deps.hash })
  }

  /**
   * Steps 3 and 4 of a call: what the address means, and what the caller may there.
   * @throws GatewayError `forbidden`, `server_not_found`
   */
  locate(principal: Principal, address: Address): Located {
    return locate(principal, address, { identities: this.#identities, registry: this.#servers.registry })
  }

  /**
   * The same for who comes anew: of what it may use nothing, it does not learn that it is there.
   * @throws GatewayError `forbidden`, `server_not_found`
   */
  admit(principal: Principal, address: Address): Located {
    return admit(principal, address, { identities: this.#identities, registry: this.#servers.registry })
  }

  /** For what the entrances refuse: what was handed in as a call, or to open a session, is recorded here. */
  recordRefusal(request: PlainRequest, error: GatewayError): void {
    recordRefusal(this.#deps.audit, request, { error, at: this.#deps.clock.now() })
  }

  /**
   * Answers `initialize`: opens a session of the client on an endpoint. Recorded, whatever happened.
   * @throws GatewayError `too_many_sessions`, `invalid_params`, or why a server that stands alone cannot be reached
   */
  async openSession(
    opening: Pick<ClientCall, 'principal' | 'endpoint' | 'address' | 'requestId' | 'receivedAt'>,
    params: JsonObject | undefined,
  ): Promise<Opened> {
    const { principal, endpoint, address, requestId, receivedAt } = opening
    const server = endpoint.kind === 'single' ? (endpoint.upstreams[0]?.name ?? '') : ''
    const request = { principal, address, requestId, receivedAt, endpoint: endpoint.key, method: 'initialize' }
    const record = (error: GatewayError | null): void =>
      recordOpening(this.#deps.audit, request, { server, error, at: this.#deps.clock.now() })
    try {
      const opened = await this.#openSession(opening, params)
      record(null)
      return opened
    } catch (error) {
      record(toGatewayError(error))
      throw error
    }
  }

  async #openSession(
    { principal, endpoint, address }: Pick<ClientCall, 'principal' | 'endpoint' | 'address'>,
    params: JsonObject | undefined,
  ): Promise<Opened> {
    this.sessions.checkRoom(principal)
    const { capabilities, clientInfo, protocolVersion } = params ?? {}
    if (typeof protocolVersion !== 'string')
      throw new GatewayError('invalid_params', { details: { reason: 'params.protocolVersion must be a text' } })
    const revision = negotiateRevision(protocolVersion)
    const given = isJsonObject(capabilities) ? capabilities : {}
    const declared = knowsTasks(revision) ? given : withoutCoreTasks(given)
    // What is too large is refused here, and not at the first call.
    capabilitiesKey(declared)
    const session = this.#createSession({
      id: this.#deps.randomId('mcp'),
      principal,
      address,
      endpoint,
      revision,
      facts: { capabilities: declared, info: isJsonObject(clientInfo) ? clientInfo : undefined, logLevel: undefined },
    })
    const { user } = session
    const description = await describeEndpoint(endpoint, { principal, user }, this.#context)
    // Meanwhile its token may have been revoked.
    session.principal = this.#locatePresent(session).principal
    this.#add(session)
    return { session, result: toInitializeResult(description, revision) }
  }

  #createSession(
    own: Pick<
      ClientSessionOptions,
      'id' | 'principal' | 'address' | 'endpoint' | 'revision' | 'facts' | 'firstQuestionId'
    >,
  ): ClientSession {
    const { clock, limits } = this.#deps
    return new ClientSession({
      ...own,
      clock,
      askTimeoutMs: limits.parkedCallMs,
      callsMax: limits.callsPerSessionMax,
      exposeUri: (server, uri) => (own.endpoint.kind === 'single' ? uri : exposeUri(server, uri)),
      taskOwners: this.#context.tasks,
    })
  }

  /** @throws GatewayError `too_many_sessions` */
  #add(session: ClientSession): void {
    const { endpoint, user } = session
    this.sessions.checkRoom(session.principal)
    this.sessions.add(session)
    session.onEnd(this.#hub.add(session))
    if (endpoint.kind === 'single') for (const upstream of endpoint.upstreams) session.join(upstream.place(user))
  }

  /**
   * Takes up a session that another replica has opened. What it had under way there goes on there.
   * @throws GatewayError `session_not_found`, the same for unknown and foreign ids; `unauthorized`, `forbidden`, `server_not_found`,
   * `too_many_sessions`, `storage_unavailable`
   */
  async takeUpSession(id: string, asking: Pick<ClientCall, 'principal' | 'address'>): Promise<ClientSession> {
    const record = await this.shared.find(id)
    // Until the answer came anything may have changed, and another request may have asked the same.
    const { address } = asking
    const { principal, endpoint } = this.#locatePresent(asking)
    const known = this.sessions.find(id, principal, address)
    if (known) return known
    if (!record || !fits(record, { tokenId: principal.tokenId, address, endpoint })) {
      throw new GatewayError('session_not_found')
    }
    const { revision, capabilities, info, logLevel } = record
    const facts = { capabilities, info: info ?? undefined, logLevel: logLevel ?? undefined }
    const firstQuestionId = this.#drawQuestionId()
    const session = this.#createSession({ id, principal, address, endpoint, revision, facts, firstQuestionId })
    this.#add(session)
    this.shared.join(session)
    return session
  }

  /** @throws GatewayError `shutting_down`, `unauthorized`, `forbidden`, `server_not_found` */
  #locatePresent({ principal, address }: Pick<ClientCall, 'principal' | 'address'>): Located {
    if (this.#isClosed) throw new GatewayError('shutting_down')
    const present = this.#identities.current(principal)
    if (!present) throw new GatewayError('unauthorized')
    return this.locate(present, address)
  }

  /** Random, so that what one replica asks is never taken for what another one has asked. */
  #drawQuestionId(): number {
    const { hash, randomId } = this.#deps
    return (Number.parseInt(hash(randomId('questions')).slice(0, 8), 16) + 1) * 65_536
  }

  /** A client ends its session by its own request. Resolves when no other replica takes it up any more. */
  endSession(
    session: ClientSession,
    request: Pick<PlainRequest, 'requestId' | 'receivedAt' | 'method'>,
  ): Promise<void> {
    const { principal, endpoint, address } = session
    session.end()
    const at = this.#deps.clock.now()
    recordSessionEnd(this.#deps.audit, { ...request, principal, address, endpoint: endpoint.key }, { at })
    return this.shared.untilEnded(session)
  }

  /**
   * Steps 3 to 9 of a call. Rejects with a GatewayError, recorded, that the entrance turns into its own form. Written without `await`:
   * this runs for each call, and every turn of the loop is paid for.
   */
  handle(call: ClientCall): Promise<Answer> {
    return new Promise((resolve, reject) => this.run(call, resolve, reject))
  }

  /** The same for who needs no promise of it: each is another turn, for each call. `done` and `failed` must not throw. */
  run(call: ClientCall, done: (answer: Answer) => void, failed: (error: GatewayError) => void): void {
    const { endpoint, message, session, cancellation } = call
    const only = endpoint.kind === 'single' ? endpoint.upstreams[0] : undefined
    const facts: CallFacts = {
      server: only?.name ?? '',
      target: '',
      effect: 'allow',
      reason: '',
      credential: '',
      sentAt: 0,
    }
    let running: RunningRequest | undefined
    let tally: Tally | null = null
    try {
      running = session?.begin(message.id, cancellation)
      tally = this.#callLimits.begin(call)
      const run = { call, facts, context: this.#context }
      const charging = tally && this.#callLimits.charge(call, tally)
      void (charging ? charging.then(() => dispatch(run)) : dispatch(run)).then(
        (answer) => {
          const at = this.#end({ call, running, tally })
          this.#record({ call, facts, answer, at }, endingOfAnswer(answer))
          // oxlint-disable-next-line promise/no-callback-in-promise -- what it would be chained to is another turn, for each call
          done(answer)
        },
        (error: unknown) => this.#settleFailed({ call, facts, running, tally }, { error, done, failed }),
      )
    } catch (error) {
      this.#settleFailed({ call, facts, running, tally }, { error, done, failed })
    }
  }

  #settleFailed(
    ending: Ending,
    { error, done, failed }: { error: unknown; done: (answer: Answer) => void; failed: (error: GatewayError) => void },
  ): void {
    const failure = this.#fail(ending, error)
    const question = askToConnect(ending.call, failure, this.#deps)
    if (question) done(question)
    else failed(failure)
  }

  /** @returns when, Unix time in milliseconds */
  #end({ call, running, tally }: Pick<Ending, 'call' | 'running' | 'tally'>): number {
    const at = this.#deps.clock.now()
    if (running) call.session?.finish(running, at)
    if (tally) this.#callLimits.end(tally)
    return at
  }

  #fail({ call, facts, running, tally }: Ending, error: unknown): GatewayError {
    const failure = toGatewayError(error)
    const at = this.#end({ call, running, tally })
    if (isRefusal(failure)) {
      facts.effect = 'deny'
      facts.reason ||= failure.code
    }
    this.#record({ call, facts, answer: null, at }, failure.code)
    return failure
  }

  #record({ call, facts, answer, at }: Recorded, outcome: string): void {
    if (call.message.method !== 'ping') recordCall(this.#deps.audit, call, { facts, outcome, at, answer })
  }

  /** A notification of a legacy client, or on a channel of a modern one. */
  notified(session: ClientSession, note: RpcNotification): void {
    session.lastUsedAt = this.#deps.clock.now()
    this.shared.noted(session, note)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelSweep()
    this.#changes.close()
    this.sessions.leaveAll()
    this.shared.close()
    this.#sharedTasks.close()
    this.asks.close()
    this.#parked.close()
    await this.#servers.close()
  }
}
