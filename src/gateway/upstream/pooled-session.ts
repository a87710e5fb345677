/** One place in an upstream's pool: a session that is open, being opened, or to be opened at the next use, and who listens to it. */
import { GatewayError, toGatewayError, type ErrorCode } from '#contract/errors.ts'
import {
  toRpcError,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { taskNamedIn } from '#core/protocol/tasks.ts'
import type { Lease, UpstreamRefusal } from '#core/credential/lease.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import type { ListKind, Peer } from './peer.ts'
import type { SessionEvents, UpstreamSession } from './upstream-session.ts'

export type PooledSessionOptions = {
  server: string
  /** See ServerCredential, for whose place this is. */
  lease(): Lease | Promise<Lease>
  renew(lease: Lease, refusal: UpstreamRefusal): Promise<Lease>
  /** Rejects with `upstream_closed` at the cancel. */
  open(events: SessionEvents, by: { lease: Lease; cancellation: Cancellation }): Promise<UpstreamSession>
  /** Several principals may be behind this session: what belongs to no call must not reach any of them. */
  isShared: boolean
  onListChanged(kind: ListKind): void
  onEnded(error: GatewayError | null): void
}

export class PooledSession implements SessionEvents {
  readonly peers = new Set<Peer>()
  readonly #options: PooledSessionOptions
  #lease: Lease | undefined
  #session: UpstreamSession | undefined
  /** What it was opened with. */
  #opened: Lease | undefined
  #opening: { lease: Lease; done: Promise<UpstreamSession>; cancellation: Cancellation } | undefined
  /** How many wait for what is being opened. */
  #waiting = 0
  /** The last principal that called through the session that is open, and whether another one did before. */
  #lastUser: string | undefined
  #isMixed = false
  #neededUntil = 0

  constructor(options: PooledSessionOptions) {
    this.#options = options
  }

  get session(): UpstreamSession | undefined {
    return this.#session?.isOpen ? this.#session : undefined
  }

  /** Open, or on its way to be. */
  get isActive(): boolean {
    return this.session !== undefined || this.#opening !== undefined
  }

  /** Somebody is here, or has something under way. */
  get isInUse(): boolean {
    return this.peers.size > 0 || this.#opening !== undefined || this.callsUnderWay > 0
  }

  /** What waits for the session, and what runs on it. */
  get callsUnderWay(): number {
    return this.#waiting + (this.session?.callsUnderWay ?? 0)
  }

  /**
   * Synchronous when the session is open and the credential good: the hot path does not wait a turn. Never throws: what keeps it from being
   * used is a rejected promise.
   */
  acquire(): UpstreamSession | Promise<UpstreamSession> {
    try {
      const lease = this.#options.lease()
      return lease instanceof Promise ? this.#waitFor(lease.then((own) => this.#use(own))) : this.#use(lease)
    } catch (error) {
      return Promise.reject(toGatewayError(error))
    }
  }

  #use(lease: Lease): UpstreamSession | Promise<UpstreamSession> {
    this.#lease = lease
    if (this.#session?.isOpen && this.#opened === lease) return this.#session
    const opening = this.#opening
    // What is being opened is another account's: nobody else's calls go there.
    if (opening && opening.lease !== lease) return opening.done.catch(() => null).then(() => this.#use(lease))
    if (!this.#opening) {
      const cancellation = new Cancellation()
      this.#opening = { lease, cancellation, done: this.#open({ lease, cancellation }) }
    }
    return this.#waitFor(this.#opening.done)
  }

  /**
   * The upstream refused what went out from here. Resolves where one more try makes sense.
   * @param isLast see UpstreamRefusal
   * @throws GatewayError what is told instead
   */
  async renew(refused: UpstreamRefused, { isLast }: { isLast: boolean }): Promise<void> {
    const refusal = refused.toRefusal(isLast)
    if (!refusal || !this.#lease) throw refused
    this.#lease = await this.#options.renew(this.#lease, refusal)
  }

  /** What the session was opened with may be taken back by now, or be another account's: then it ends, with all that is heard on it. */
  async endIfTakenBack(ownerId: string): Promise<void> {
    const opened = this.session && this.#opened
    if (opened?.owner.split(' ').includes(ownerId) !== true) return
    if (await this.#isGoodStill(opened)) return
    // Who has called meanwhile may have a new one.
    if (this.#opened === opened) await this.close()
  }

  async #isGoodStill(opened: Lease): Promise<boolean> {
    try {
      return (await this.#options.lease()) === opened
    } catch (error) {
      return !isTakenBack(error)
    }
  }

  async #waitFor(opened: Promise<UpstreamSession>): Promise<UpstreamSession> {
    this.#waiting++
    try {
      return await opened
    } finally {
      this.#waiting--
    }
  }

  async #open(by: { lease: Lease; cancellation: Cancellation }): Promise<UpstreamSession> {
    try {
      const before = this.#session
      this.#session = undefined
      // It was another account's: what the server keeps of that is out of reach from now on.
      if (before?.isOpen) await before.close()
      this.#opened = by.lease
      this.#session = await this.#options.open(this, by)
      this.refreshListening()
      return this.#session
    } finally {
      this.#opening = undefined
    }
  }

  /** A call of this principal goes through here. What the server says later may be about it. */
  use(principalId: string): void {
    if (this.#lastUser === principalId) return
    this.#isMixed = this.#lastUser !== undefined
    this.#lastUser = principalId
  }

  /** What a call began goes on in the session that is open: it is not ended before, though nobody uses it. */
  keepUntil(time: number): void {
    this.#neededUntil = Math.max(this.#neededUntil, time)
  }

  /** Unix time in milliseconds. */
  get neededUntil(): number {
    return this.#neededUntil
  }

  attach(peer: Peer): void {
    if (this.peers.has(peer)) return
    this.peers.add(peer)
    this.refreshListening()
  }

  detach(peer: Peer): void {
    if (this.peers.delete(peer)) this.refreshListening()
  }

  /** Tells the upstream which resources and tasks anybody here watches. */
  refreshListening(): void {
    this.session?.listen({ resources: this.#watched(), tasks: this.#followed() })
  }

  #watched(): string[] {
    const uris = new Set<string>()
    for (const peer of this.peers) for (const uri of peer.watchedResources(this.#options.server)) uris.add(uri)
    return [...uris]
  }

  #followed(): string[] {
    const ids = [...this.peers].flatMap((peer) => [...(peer.followedTasks?.(this.#options.server) ?? [])])
    return [...new Set(ids)]
  }

  /** Somebody waits to hear of changed lists. A process is not kept for that alone; a connection is. */
  get isListenedTo(): boolean {
    for (const peer of this.peers) if (peer.isListening) return true
    return false
  }

  get isWatched(): boolean {
    return this.#watched().length > 0
  }

  /** A session that is only being opened is given up. */
  async close(): Promise<void> {
    this.#opening?.cancellation.cancel()
    const session = this.#session ?? (await this.#opening?.done.catch(() => undefined))
    await session?.close()
  }

  listChanged(kind: ListKind): void {
    this.#options.onListChanged(kind)
  }

  resourceUpdated(uri: string, note: RpcNotification): void {
    for (const peer of this.peers) peer.resourceUpdated(this.#options.server, uri, note)
  }

  logged(note: RpcNotification): void {
    for (const peer of this.#audience(note)) peer.logged(this.#options.server, note)
  }

  other(note: RpcNotification): void {
    for (const peer of this.#audience(note)) peer.other(this.#options.server, note)
  }

  /** Whoever a task that is named belongs to, for a task outlives its call; else the peers that may hear what belongs to no call. */
  #audience(message: { method: string; params?: JsonObject | undefined }): readonly Peer[] {
    const task = taskNamedIn(message)
    if (task === undefined) return this.#trusted()
    const concerned = [...this.peers].filter((peer) => peer.concernsTask?.(this.#options.server, task))
    return concerned.length > 0 ? concerned : this.#trusted()
  }

  /** Peers that may hear what belongs to no call: on a shared session only when one principal alone is, and has been, there. */
  #trusted(): readonly Peer[] {
    if (!this.#options.isShared) return [...this.peers]
    if (this.#isMixed) return []
    const principals = new Set([...this.peers].map((peer) => peer.principalId))
    if (this.#lastUser !== undefined) principals.add(this.#lastUser)
    return principals.size === 1 ? [...this.peers] : []
  }

  async asked(question: Question): Promise<Outcome> {
    if (question.method === 'ping') return { result: {} }
    const peer = this.#audience(question).findLast(({ ask }) => ask !== null)
    if (!peer?.ask) return { error: toRpcError(new GatewayError('question_unroutable')) }
    return peer.ask(this.#options.server, question)
  }

  ended(error: GatewayError | null): void {
    this.#session = undefined
    this.#lastUser = undefined
    this.#isMixed = false
    this.#neededUntil = 0
    this.#options.onEnded(error)
  }
}

const takenBack: ReadonlySet<ErrorCode> = new Set([
  'credential_required',
  'credential_variables_required',
  'credential_owner_required',
])

/** Other failures say nothing of what was given: a token may only be slow to come. */
function isTakenBack(error: unknown): boolean {
  return error instanceof GatewayError && takenBack.has(error.code)
}
