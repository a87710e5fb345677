/** Agents' sessions, put together: their use cases, their entrance, and what keeps this replica's knowledge of them fresh. */
import type { Limits } from '#contract/limits.ts'
import type { ControlDeps } from '#control/control-deps.ts'
import type { SessionDeps } from '#control/session-deps.ts'
import type { SessionsControl } from '#control/sessions.ts'
import { noteUse, sweepSessions } from '#control/tend-sessions.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Clock } from '#core/clock.ts'
import type { Hash } from '#core/access/access.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { SessionFeed } from '#core/session/session-feed.ts'
import { SessionIndex } from '#core/session/session-index.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import type { SessionStore } from '#core/session/session-store.ts'
import { Broker } from '#gateway/broker.ts'
import type { Registry } from '#gateway/endpoint.ts'
import type { Gateway } from '#gateway/gateway.ts'

export type AgentSessionsOptions = Pick<ControlDeps, 'store' | 'changes' | 'newId'> & {
  snapshot: ResourceSnapshot
  sessions: SessionStore
  keys: SessionKeys
  clock: Clock
  bus: Bus
  counters: Counters
  limits: Limits
  hash: Hash
  /** How old the snapshot can be, in milliseconds. */
  snapshotAgeMs: () => number
  /** How harnesses reach this gateway, without a slash at its end; null where that is not known. */
  baseUrl: () => string | null
  onError: (error: unknown) => void
}

export interface AgentSessions extends Disposable {
  /** Loaded when somebody first asks: most gateways run no agents. */
  control(): Promise<SessionsControl>
  /** Loads what is stored, and follows it. Rejects with the store's failure. */
  start(): Promise<void>
  /** The entrance, over a gateway that is told to let go whose session has ended. */
  createBroker(engine: Pick<Gateway, 'registry' | 'recheck'>): Broker
}

const topic = 'sessions'
const sweepMs = 5_000
/** A use that could not be noted is tried again at the next use after this long. */
const notedMs = 1_000
/** While the database is away, calls go on by what is known for so long. */
const staleMsMax = 60_000

export function createAgentSessions(options: AgentSessionsOptions): AgentSessions {
  const { snapshot, sessions, clock, bus, hash, keys, onError } = options
  const known = new SessionIndex()
  const feed = new SessionFeed({ store: sessions, index: known, clock, onLost: onError })
  const isCurrent = (): boolean => Math.max(options.snapshotAgeMs(), feed.ageMs) <= staleMsMax
  // The others look anyway, a moment later: nobody waits for them.
  const announceSession = (): void => void bus.publish(topic, {})
  const deps = { ...options, index: snapshot, known, isCurrent, announceSession }
  const tending = tend(deps, { feed, bus, onError })
  return {
    async control() {
      const { createSessionsControl } = await import('#control/sessions.ts')
      return createSessionsControl(deps)
    },
    async start() {
      await feed.start()
      tending.start()
    },
    createBroker(engine) {
      known.subscribe(({ id }) => engine.recheck(({ session }) => session?.id === id))
      const registry = (): Registry => engine.registry
      const onFirstUse = tending.noteUse
      return new Broker({
        keys,
        index: snapshot,
        sessions: known,
        isCurrent,
        registry,
        clock,
        hash,
        onFirstUse,
      })
    },
    [Symbol.dispose]: () => tending.close(),
  }
}

type Tending = { start: () => void; noteUse: (sessionId: string) => void; close: () => void }

function tend(
  deps: SessionDeps & { clock: Clock },
  { feed, bus, onError }: { feed: SessionFeed; bus: Bus } & Pick<AgentSessionsOptions, 'onError'>,
): Tending {
  const look = (): void => void feed.refresh()
  const noted = new Set<string>()
  let end = (): void => undefined
  let cancelSweep = (): void => undefined
  let isClosed = false
  const sweepLater = (): void => {
    if (isClosed) return
    cancelSweep = deps.clock.after(sweepMs, () => void sweepSessions(deps).catch(onError).finally(sweepLater))
  }
  return {
    start() {
      end = bus.subscribe(topic, { onMessage: look, onGap: look })
      sweepLater()
    },
    noteUse(id) {
      if (noted.has(id)) return
      noted.add(id)
      void noteUse(deps, id)
        .catch(onError)
        .finally(() => deps.clock.after(notedMs, () => noted.delete(id)))
    },
    close() {
      isClosed = true
      end()
      cancelSweep()
      feed.close()
    },
  }
}
