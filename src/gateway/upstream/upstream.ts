/** One Server as the gateway lives with it: its era, its pooled sessions, how it fares. */
import { GatewayError, toGatewayError, type ErrorCode } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Clock } from '#core/clock.ts'
import { CredentialWords } from '#core/credential/credential-words.ts'
import { holderOf } from '#core/credential/holder.ts'
import type { Forwarding } from '#core/credential/forwarded-headers.ts'
import type { Lease, ServerCredential } from '#core/credential/lease.ts'
import {
  bridgedCapabilities,
  canonicalJson,
  capabilitiesKey,
  legacyUpstreamCapabilities,
  sharedClientCapabilities,
} from '#core/protocol/capabilities.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ChannelWire } from '#core/upstream/channel-wire.ts'
import type { CreateEventReader } from '#core/upstream/event-reader.ts'
import type { HttpWire } from '#core/upstream/http-wire.ts'
import type { Principal } from '#core/identity/principal.ts'
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import { openChannelSession } from './channel-session.ts'
import type { ExchangeDeps } from './http-exchange.ts'
import { openLegacyHttpSession } from './legacy-http-session.ts'
import { ModernHttpSession } from './modern-http-session.ts'
import type { ListKind } from './peer.ts'
import { Places, type PlaceKey } from './places.ts'
import { PooledSession } from './pooled-session.ts'
import { probeHttp } from './probe.ts'
import type { SessionUser } from './session-user.ts'
import type { SessionEvents, SessionOptions, UpstreamFacts, UpstreamSession } from './upstream-session.ts'

/** What a server's transport gives; `sse` is the older HTTP transport at the same address, tried where the newer is not served. */
export type Wires = { kind: 'http'; http: HttpWire; sse: ChannelWire } | { kind: 'channel'; channel: ChannelWire }

export type UpstreamDeps = {
  clock: Clock
  limits: Limits
  createEventReader: CreateEventReader
  wires: Wires
  credential: ServerCredential
  /** What passes of a caller's headers. */
  forwarding: Forwarding
  /** What the gateway calls itself towards upstreams. */
  clientInfo: JsonObject
  onListChanged(upstream: Upstream, kind: ListKind): void
  onTrouble(upstream: Upstream, error: GatewayError): void
}

/** What is known of an HTTP server: the facts of a modern one, or which older way it speaks. */
type Verdict = UpstreamFacts | 'legacy' | 'sse'

type Opening = {
  capabilities: JsonObject
  lease: Lease
  ready: () => Promise<unknown>
  events: SessionEvents
  cancellation: Cancellation
  attempt: number
}

export type UpstreamState = 'idle' | 'connected' | 'failing'

const verdictMs = 600_000
/** Sessions to one upstream: principals × capability sets. */
const placesMax = 2_000
const backoffMsMin = 250
const backoffMsMax = 30_000
/** A session that lived shorter than this counts as a failed start. */
const settledMs = 10_000

const everybody: PlaceKey = { owner: '', declared: '' }

export class Upstream {
  readonly server: ServedServer
  /** Changes with everything that makes this another upstream; equal definitions are the same upstream across reloads. */
  readonly fingerprint: string
  readonly #deps: UpstreamDeps
  readonly #places = new Places()
  readonly #credentials: CredentialWords
  /** In whose name shared places ask for their owner's credential. */
  readonly #holders = new WeakMap<PooledSession, Pick<SessionUser, 'holder'>>()
  #verdict: { facts: Verdict; until: number } | undefined
  #probing: Promise<Verdict> | undefined
  #failures = 0
  /** Openings so far, and how many of them the last failure stands for. */
  #attempts = 0
  #attemptsJudged = 0
  #retryAt = 0
  #lastError: GatewayError | undefined
  #wasLost = false
  #isRetired = false
  #closing: Promise<void> | undefined
  readonly #end = new Cancellation()

  constructor(server: ServedServer, deps: UpstreamDeps) {
    this.server = server
    this.fingerprint = canonicalJson(server)
    this.#deps = deps
    this.#credentials = new CredentialWords(server)
  }

  get name(): string {
    return this.server.name
  }

  get state(): { state: UpstreamState; reason: ErrorCode | undefined } {
    if (this.#lastError) return { state: 'failing', reason: this.#lastError.code }
    const isConnected = [...this.#places].some((place) => place.session)
    return { state: isConnected ? 'connected' : 'idle', reason: undefined }
  }

  get isConnecting(): boolean {
    return [...this.#places].some((place) => place.isActive && !place.session)
  }

  get forwarding(): Forwarding {
    return this.#deps.forwarding
  }

  /** The last words on standard error; for the operator only. */
  get diagnosis(): string {
    return this.#deps.wires.kind === 'channel' ? this.#deps.wires.channel.diagnosis() : ''
  }

  /**
   * The place in the pool for this user. Key: isolation identity × owner of the credential × declared client capabilities; where many share,
   * the gateway declares what it can bridge and there is one place for each owner.
   */
  place(user: SessionUser): PooledSession {
    const key = this.#placeKey(user)
    let place = this.#places.get(key)
    if (!place) {
      if (this.#places.size >= placesMax) this.#dropUnused()
      place = this.#createPlace(user)
      this.#places.add(key, place)
    } else if (this.server.isolation === 'shared' && key !== everybody) {
      // Who opened it may be in another team by now, or gone: whoever calls now has its owner's credential.
      const asking = this.#holders.get(place)
      if (asking) asking.holder = user.holder
    }
    return place
  }

  #placeKey(user: SessionUser): PlaceKey {
    const own = this.ownerOf(user)
    const owner = user.cookies === undefined ? own : `${own} ${user.cookies}`
    switch (this.server.isolation) {
      case 'shared':
        return owner === '' ? everybody : { owner, declared: '' }
      case 'principal': {
        const sharer = owner === '' ? user.principalId : `${user.principalId} ${owner}`
        return { owner: sharer, declared: capabilitiesKey(user.capabilities) }
      }
      default:
        return {
          owner: `${user.principalId} ${owner} ${user.sessionId ?? ''}`,
          declared: capabilitiesKey(user.capabilities),
        }
    }
  }

  /** Whose credential this user's calls go out with; empty: the gateway's own. */
  ownerOf({ holder }: Pick<SessionUser, 'holder'>): string {
    return this.#deps.credential.ownerOf(holder)
  }

  /** What this caller's requests go out with, as the audit says it (see AuditEvent). */
  credentialOf(principal: Principal): string {
    return this.#credentials.of(this.ownerOf({ holder: holderOf(principal) }))
  }

  /** Servers show different lists to other credentials, and to clients of other capabilities; who shares a session shares a list. */
  listKey(user: SessionUser): string {
    const owner = this.ownerOf(user)
    const declared = this.server.isolation === 'shared' ? '' : capabilitiesKey(user.capabilities)
    return owner === '' ? declared : `${owner} ${declared}`
  }

  /** Whether the place is one of this server's, and not of one that had its name before. */
  owns(place: PooledSession): boolean {
    return [...this.#places].includes(place)
  }

  /** @throws GatewayError `rate_limited` when every place is in use */
  #dropUnused(): void {
    for (const place of this.#places.dropWhere((own) => !own.isInUse)) void place.close()
    if (this.#places.size >= placesMax)
      throw new GatewayError('rate_limited', { details: { upstreamSessionsMax: placesMax } })
  }

  #createPlace(user: SessionUser): PooledSession {
    const { credential } = this.#deps
    const asking = { holder: user.holder }
    const owner = this.ownerOf(user)
    const isShared = this.server.isolation === 'shared'
    const capabilities = isShared ? sharedClientCapabilities : user.capabilities
    let attempt = 0
    const lease = (): Lease | Promise<Lease> => {
      const leased = credential.lease(asking.holder)
      return leased instanceof Promise ? leased.then((own) => checkOwner(own, owner)) : checkOwner(leased, owner)
    }
    const place = new PooledSession({
      server: this.name,
      isShared,
      lease,
      renew: (lease, refusal) => credential.rejected(lease, refusal),
      open: (events, { lease: own, cancellation }) => {
        attempt = ++this.#attempts
        const ready = async (): Promise<void> => checkSame(await lease(), own)
        return this.#open({ capabilities, lease: own, ready, events, cancellation, attempt })
      },
      onListChanged: (kind) => this.#deps.onListChanged(this, kind),
      onEnded: (error) => this.#onEnded(error, attempt),
    })
    if (isShared) this.#holders.set(place, asking)
    return place
  }

  /** @throws GatewayError `upstream_unreachable` at once while a failed start is too fresh */
  async #open(opening: Opening): Promise<UpstreamSession> {
    const now = this.#deps.clock.now()
    if (this.#isRetired) throw new GatewayError('server_not_found')
    if (now < this.#retryAt && !this.#hasOther(opening.lease)) {
      throw new GatewayError(this.#lastError?.code ?? 'upstream_unreachable', {
        details: { retryAfterMs: this.#retryAt - now },
      })
    }
    try {
      const session = await this.#openWire(opening)
      this.#lastError = undefined
      if (this.#wasLost) this.#tellListsMayHaveChanged()
      return session
    } catch (error) {
      const failure = asUpstreamFailure(error)
      this.#verdict = undefined
      // One owner's credential is refused: the server is well, and there for the others.
      const isOwners = failure instanceof UpstreamRefused && opening.lease.owner !== ''
      if (!opening.cancellation.isCancelled && !isOwners) this.#fail(failure, opening.attempt)
      throw failure
    }
  }

  /** What was wrong was a credential, and there is another one by now. */
  #hasOther({ headers }: Lease): boolean {
    const refusal = this.#lastError instanceof UpstreamRefused ? this.#lastError.toRefusal(false) : null
    return refusal !== null && refusal.sent !== headers
  }

  async #openWire(opening: Opening): Promise<UpstreamSession> {
    const { wires } = this.#deps
    const { capabilities, lease, cancellation } = opening
    if (wires.kind === 'channel') return this.#openChannel(wires.channel, opening)
    const exchange = this.#exchange(wires.http, lease)
    const verdict = await this.#eraVerdict(exchange, capabilities)
    if (cancellation.isCancelled) throw new GatewayError('upstream_closed')
    if (verdict === 'sse') return this.#openChannel(wires.sse, opening)
    const common = { ...this.#common(opening), exchange }
    if (verdict !== 'legacy')
      return new ModernHttpSession({ ...common, facts: verdict, clientCapabilities: bridgedCapabilities(capabilities) })
    try {
      const clientCapabilities = legacyUpstreamCapabilities(capabilities, true)
      return await openLegacyHttpSession({ ...common, clientCapabilities }, cancellation)
    } catch (error) {
      // Nothing goes out without the signature that its requests need, and none can be made for the older transport.
      if (!mayBeSseServer(error) || lease.sign) throw error
      this.#believe('sse')
      return this.#openChannel(wires.sse, opening)
    }
  }

  async #openChannel(wire: ChannelWire, opening: Opening): Promise<UpstreamSession> {
    const { capabilities, cancellation } = opening
    const isKnown = this.#knownEra !== undefined && this.server.protocol === 'auto'
    const options = {
      ...this.#common(opening),
      wire,
      protocol: isKnown ? ('legacy' as const) : this.server.protocol,
      clientCapabilities: legacyUpstreamCapabilities(capabilities, true),
      openTimeoutMs: Math.max(this.server.timeoutMs, 10_000),
    }
    const session = await openChannelSession(options, cancellation)
    if (!isKnown && session.facts.era === 'legacy') this.#believe('legacy')
    return session
  }

  #common({ lease, ready, events }: Opening): Omit<SessionOptions, 'clientCapabilities'> {
    const { clock, clientInfo } = this.#deps
    const { timeoutMs, timeoutTotalMs } = this.server
    return { clock, lease, ready, clientInfo, timeoutMs, timeoutTotalMs, events }
  }

  #exchange(wire: HttpWire, lease: Lease): ExchangeDeps {
    const { createEventReader, limits } = this.#deps
    return { wire, createEventReader, responseBytesMax: limits.responseBytesMax, lease }
  }

  /** A stale "modern" fails loudly, a stale "legacy" works for ever: so both expire. */
  async #eraVerdict(exchange: ExchangeDeps, capabilities: JsonObject): Promise<Verdict> {
    if (this.server.protocol === 'legacy') return 'legacy'
    const known = this.#knownEra
    if (known) return known
    this.#probing ??= this.#probe(exchange, capabilities).finally(() => (this.#probing = undefined))
    return this.#probing
  }

  async #probe(exchange: ExchangeDeps, capabilities: JsonObject): Promise<UpstreamFacts | 'legacy'> {
    const { clientInfo, clock } = this.#deps
    const facts = await probeHttp({
      exchange,
      clock,
      clientInfo,
      clientCapabilities: bridgedCapabilities(capabilities),
      timeoutMs: this.server.timeoutMs,
      cancellation: this.#end,
    })
    if (facts === 'legacy' && this.server.protocol === 'modern') throw new GatewayError('upstream_protocol')
    this.#believe(facts)
    return facts
  }

  #believe(facts: Verdict): void {
    this.#verdict = { facts, until: this.#deps.clock.now() + verdictMs }
  }

  get #knownEra(): Verdict | undefined {
    return this.#verdict && this.#deps.clock.now() < this.#verdict.until ? this.#verdict.facts : undefined
  }

  #onEnded(error: GatewayError | null, attempt: number): void {
    if (!error) return
    this.#wasLost = true
    // A server that was lost, or speaks another era than it did, may have been replaced: it is asked again.
    this.#verdict = undefined
    // One that has only forgotten its sessions is well: each of them may be opened anew at once.
    if (error.code !== 'session_not_found') this.#fail(error, attempt)
  }

  /** A server that is back may be another one: a new version, or with other tools. */
  #tellListsMayHaveChanged(): void {
    this.#wasLost = false
    for (const kind of ['tools', 'prompts', 'resources'] as const) this.#deps.onListChanged(this, kind)
  }

  /** @param attempt the one whose session failed: what began before an earlier failure says nothing new */
  #fail(error: GatewayError, attempt: number): void {
    const now = this.#deps.clock.now()
    this.#lastError = error
    this.#deps.onTrouble(this, error)
    if (attempt <= this.#attemptsJudged) return
    if (now - this.#retryAt > settledMs) this.#failures = 0
    this.#failures++
    this.#attemptsJudged = this.#attempts
    // The first retry may come at once: a server that was restarted is back.
    const delayMs = this.#failures === 1 ? 0 : Math.min(backoffMsMin * 2 ** (this.#failures - 2), backoffMsMax)
    this.#retryAt = now + delayMs
  }

  /** Ends what nobody has used for the server's idle time. */
  sweep(): void {
    const { idleStopMs } = this.server
    const now = this.#deps.clock.now()
    this.#places.dropWhere((place) => !place.isActive && place.peers.size === 0)
    for (const place of this.#places) {
      const { session } = place
      if (!session || idleStopMs === 0) continue
      const isIdle = session.callsUnderWay === 0 && now - session.lastUsedAt >= idleStopMs
      if (isIdle && !this.#isNeeded(place)) void place.close()
    }
  }

  #isNeeded(place: PooledSession): boolean {
    const { isolation, transport } = this.server
    if (place.isWatched || place.neededUntil > this.#deps.clock.now()) return true
    // A session of one client's own may hold that client's state.
    if (isolation === 'session' && place.peers.size > 0) return true
    return transport.kind !== 'stdio' && place.isListenedTo
  }

  /** What this owner gave is not what it was. Resolves when what was opened with it has ended. */
  async credentialChanged(ownerId: string): Promise<void> {
    await Promise.all([...this.#places].map((place) => place.endIfTakenBack(ownerId)))
  }

  /** Takes no new use; ends when the calls under way have ended, at the latest after `drainMsMax`. */
  async retire(drainMsMax: number): Promise<void> {
    this.#isRetired = true
    const until = this.#deps.clock.now() + drainMsMax
    while ((this.callsUnderWay > 0 || this.isConnecting) && this.#deps.clock.now() < until) {
      await new Promise<void>((resolve) => this.#deps.clock.after(50, resolve))
    }
    await this.close()
  }

  get callsUnderWay(): number {
    return [...this.#places].reduce((sum, place) => sum + place.callsUnderWay, 0)
  }

  /** May be asked for again, as where the gateway ends while the upstream retires. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#isRetired = true
    this.#end.cancel()
    await Promise.all([...this.#places].map((place) => place.close()))
    const { wires } = this.#deps
    if (wires.kind === 'http') await wires.http.close()
  }
}

/** A place is one owner's: where who asks for the lease has another by now, nothing goes out from it. */
function checkOwner(lease: Lease, owner: string): Lease {
  if (lease.owner !== owner) throw new GatewayError('upstream_closed')
  return lease
}

/** 2025-11-25, transports: a server that answers `initialize` with 400, 404 or 405 may speak the older HTTP+SSE transport. */
function mayBeSseServer(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  const { status } = error.details
  return status === 400 || status === 404 || status === 405
}

/** @throws GatewayError `upstream_closed`: what a session was opened with is another account's by now */
function checkSame(lease: Lease, own: Lease): void {
  if (lease !== own) throw new GatewayError('upstream_closed')
}

/** A lost session of ours is not the caller's lost session. */
function asUpstreamFailure(error: unknown): GatewayError {
  const failure = toGatewayError(error)
  return failure.code === 'session_not_found' ? new GatewayError('upstream_closed', { cause: failure }) : failure
}
