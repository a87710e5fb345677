/**
 * The sessions that any replica may serve. Their records are with all of them; what a replica has of a session beyond its record (calls under
 * way, questions, watched resources, streams) is its own, and replicas tell each other what concerns them.
 */
import type { Limits } from '#contract/limits.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Clock } from '#core/clock.ts'
import { canonicalJson } from '#core/protocol/capabilities.ts'
import type { Outcome, RequestId, RpcNotification } from '#core/protocol/json-rpc.ts'
import { isLegacyRevision } from '#core/protocol/revisions.ts'
import type { McpSessionFate, McpSessionRecord, McpSessionRecords } from '#core/session/mcp-session-records.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { ClientSession } from './client-session.ts'
import type { Outlet } from './open-questions.ts'
import type { Claim } from './session-messages.ts'
import { SessionTalk } from './session-talk.ts'
import { takeNote } from './take-note.ts'

/** Whoever asks for a session, as he is now. */
export type Asking = {
  tokenId: string
  address: Address
  endpoint: Endpoint
}

export type SharedSessionsDeps = {
  records: McpSessionRecords
  bus: Bus
  clock: Pick<Clock, 'now'>
  limits: Limits
  randomId: (prefix: string) => string
}

type Own = { session: ClientSession; claim: Claim | null; createdAt: number; toldUseAt: number; toldAt: number }

/** Uses are told seldom: a session is idle for many times longer. Never more often than the sweep comes. */
const toldShare = 20
/** Replicas that are connected hear of an end at once; one that was not looks for it when it is back. */
const rememberEndMsMax = 300_000
const unsaidEndsMax = 10_000
const touchesAtOnceMax = 200
/** Of what a client calls itself; more is not passed on to other replicas. */
const infoCharsMax = 16_384
const idCharsMax = 64

export class SharedSessions {
  readonly #deps: SharedSessionsDeps
  readonly #talk: SessionTalk
  readonly #own = new Map<string, Own>()
  readonly #asks = new SharedAsks<McpSessionRecord | null>()
  readonly #ending = new Map<string, Promise<void>>()
  /** Of which the records could not be told that they have ended. */
  readonly #unsaidEnds = new Set<string>()
  /** Something may have been missed, and the records may have lost what they were told. */
  #isAllOwed = false
  #isTelling = false

  constructor(deps: SharedSessionsDeps) {
    this.#deps = deps
    this.#talk = new SessionTalk({
      bus: deps.bus,
      clock: deps.clock,
      replicaId: deps.randomId('replica'),
      find: (id) => this.#own.get(id),
      all: () => this.#own.values(),
      onEnded: (id) => this.#endedElsewhere(id),
      onGap: () => {
        this.#isAllOwed = true
        void this.sweep()
      },
    })
  }

  /**
   * From now on every replica can serve it. With the records away it stays with this one until they are back.
   * Resolves before the client may know its id.
   */
  async share(session: ClientSession): Promise<void> {
    const now = this.#deps.clock.now()
    const own = this.#adopt(session, { createdAt: now, toldAt: now })
    if (!own) return
    // Told again with the next use.
    if ((await this.#put(own).catch(() => 'away')) === 'away') own.toldUseAt = own.toldAt = 0
  }

  /**
   * What other replicas know of a session that this one does not; null: there is none.
   * @throws GatewayError `storage_unavailable`
   */
  async find(id: string): Promise<McpSessionRecord | null> {
    if (id.length > idCharsMax) return null
    return this.#asks.run(id, async (isCurrent) => {
      const record = await this.#deps.records.get(id)
      // It may have ended meanwhile.
      return isCurrent() && record && isLegacyRevision(record.revision) ? record : null
    })
  }

  /** A session of another replica is known here as well. */
  join(session: ClientSession): void {
    const own = this.#adopt(session, { createdAt: this.#deps.clock.now(), toldAt: 0 })
    if (own) this.#talk.joined(session.id)
  }

  /** The client hears on `outlet`, wherever what it hears comes from. @returns to be called when the stream is closed */
  listen(session: ClientSession, outlet: Outlet): () => void {
    const own = this.#own.get(session.id)
    if (own) return this.#talk.listen(own, outlet)
    session.setOutlet(outlet)
    return () => {
      if (session.isOutlet(outlet)) session.setOutlet(null)
    }
  }

  /** Resolves when the records know that it has ended, or cannot be told for now. */
  untilEnded({ id }: ClientSession): Promise<void> {
    return this.#ending.get(id) ?? Promise.resolve()
  }

  answered(session: ClientSession, id: RequestId, outcome: Outcome): void {
    if (!session.answer(id, outcome) && this.#own.has(session.id)) this.#talk.answered(session, id, outcome)
  }

  noted(session: ClientSession, note: RpcNotification): void {
    if (!takeNote(session, note) && this.#own.has(session.id)) this.#talk.noted(session, note)
  }

  /** Comes every few seconds: tells which sessions are in use, and what could not be told before. */
  async sweep(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell()
    } catch {
      // The records are away; it is told when they are back.
    } finally {
      this.#isTelling = false
    }
  }

  close(): void {
    this.#talk.close()
  }

  #adopt(session: ClientSession, { createdAt, toldAt }: Pick<Own, 'createdAt' | 'toldAt'>): Own | null {
    if (session.hasEnded) return null
    const { id } = session
    const own: Own = { session, claim: null, createdAt, toldAt, toldUseAt: toldAt }
    this.#own.set(id, own)
    session.elsewhere = {
      levelSet: (level) => {
        this.#talk.levelSet(id, level)
        void this.#put(own).catch(() => (own.toldUseAt = own.toldAt = 0))
      },
      unwatched: (server, uri) => this.#talk.unwatched(id, server, uri),
    }
    session.onEnd(() => {
      if (this.#own.get(id) === own) this.#own.delete(id)
      if (session.isOver)
        this.#ending.set(
          id,
          this.#sayEnded(id).finally(() => this.#ending.delete(id)),
        )
    })
    return own
  }

  async #put(own: Own): Promise<void> {
    const { session } = own
    const now = this.#deps.clock.now()
    const idleMs = this.#idleLeftMs(own, now)
    if (idleMs > 0 && !(await this.#deps.records.put(toRecord(own), idleMs))) session.leave()
  }

  #idleLeftMs({ session }: Own, now: number): number {
    const usedAt = session.isBusy ? now : session.lastUsedAt
    return usedAt + this.#deps.limits.sessionIdleMs - now
  }

  async #tell(): Promise<void> {
    await Promise.all([...this.#unsaidEnds].map((id) => this.#sayEnded(id)))
    const isAll = this.#isAllOwed
    this.#isAllOwed = false
    try {
      await this.#touch(isAll ? [...this.#own.values()] : this.#due)
    } catch (error) {
      this.#isAllOwed ||= isAll
      throw error
    }
  }

  get #due(): Own[] {
    const now = this.#deps.clock.now()
    const everyMs = this.#deps.limits.sessionIdleMs / toldShare
    return [...this.#own.values()].filter((own) => {
      const isUsed = own.session.isBusy || own.session.lastUsedAt > own.toldUseAt
      return isUsed && now - own.toldAt >= everyMs
    })
  }

  async #touch(due: readonly Own[]): Promise<void> {
    for (let at = 0; at < due.length; at += touchesAtOnceMax) {
      const some = due.slice(at, at + touchesAtOnceMax)
      const now = this.#deps.clock.now()
      const uses = some.map((own) => ({ id: own.session.id, idleMs: this.#idleLeftMs(own, now) }))
      const fates = await this.#deps.records.touch(uses)
      await Promise.all(some.map((own, index) => this.#follow(own, fates[index], now)))
    }
  }

  async #follow(own: Own, fate: McpSessionFate | undefined, now: number): Promise<void> {
    if (fate === 'ended') return own.session.leave()
    if (fate === 'unknown' && !own.session.hasEnded) await this.#put(own)
    own.toldAt = own.toldUseAt = now
  }

  async #sayEnded(id: string): Promise<void> {
    const { records, limits } = this.#deps
    this.#asks.forget(id)
    try {
      // First the records: else a replica that has heard of it could find it there again.
      await records.end(id, Math.min(rememberEndMsMax, limits.sessionIdleMs))
      this.#unsaidEnds.delete(id)
    } catch {
      if (this.#unsaidEnds.size < unsaidEndsMax) this.#unsaidEnds.add(id)
    }
    this.#talk.ended(id)
  }

  #endedElsewhere(id: string): void {
    this.#asks.forget(id)
    this.#own.get(id)?.session.leave()
  }
}

/** Whether who asks has opened it, and asks where it was opened. */
export function fits(record: McpSessionRecord, { tokenId, address, endpoint }: Asking): boolean {
  const isSamePlace = record.address === canonicalJson(address) && record.endpoint === wordOf(endpoint)
  return record.tokenId === tokenId && isSamePlace
}

/** What a server that stands alone said of itself at the start holds for the whole session; the servers of an aggregate may change. */
function wordOf({ kind, upstreams }: Endpoint): string {
  return kind === 'single' ? `single:${upstreams[0]?.name}` : kind
}

function toRecord({ session, createdAt }: Own): McpSessionRecord {
  const { id, principal, address, endpoint, revision, facts } = session
  const info = facts.info && JSON.stringify(facts.info).length <= infoCharsMax ? facts.info : null
  return {
    id,
    tokenId: principal.tokenId,
    address: canonicalJson(address),
    endpoint: wordOf(endpoint),
    revision,
    capabilities: facts.capabilities,
    info,
    logLevel: facts.logLevel ?? null,
    createdAt,
  }
}
