/**
 * Agents' sessions in memory, as this replica knows them: what the broker decides from, so that no database stands on a call's path.
 * What this replica writes is known at once; what others write, after `catchUp`.
 */
import type { SessionStore, StoredSession } from './session-store.ts'

export type SessionListener = (session: StoredSession) => void

/** Of those that have ended. One that is forgotten opens nothing either; only why is said less well. */
const endedMax = 20_000

export class SessionIndex {
  readonly #sessions = new Map<string, StoredSession>()
  /** Ids of those that have ended, in the order in which that was heard. */
  readonly #ended = new Set<string>()
  readonly #listeners = new Set<SessionListener>()
  #upTo = 0
  #confirmedAt = -Infinity
  #running: Promise<void> | undefined
  #isWanted = false

  get(id: string): StoredSession | undefined {
    return this.#sessions.get(id)
  }

  /** Those that run, or start: of one agent, or of all. */
  openCount(agentId?: string): number {
    let count = 0
    for (const session of this.#sessions.values()) {
      const isCounted = agentId === undefined || session.agentId === agentId
      if (isCounted && (session.status === 'creating' || session.status === 'ready')) count++
    }
    return count
  }

  /** Unix time in milliseconds at which the store last said that there is nothing newer. */
  get confirmedAt(): number {
    return this.#confirmedAt
  }

  /** Takes what a store has taken. An older version than the known one says nothing. */
  put(session: StoredSession): void {
    const known = this.#sessions.get(session.id)
    if (known && known.version >= session.version) return
    this.#sessions.set(session.id, withoutWords(session))
    this.#noteEnd(session)
    for (const listener of this.#listeners) listener(session)
  }

  /** Whoever starts and ends sessions all day long must not fill the memory. */
  #noteEnd({ id, endedAt }: StoredSession): void {
    this.#ended.delete(id)
    if (endedAt === null) return
    this.#ended.add(id)
    for (const oldest of this.#ended) {
      if (this.#ended.size <= endedMax) break
      this.#forget(oldest)
    }
  }

  #forget(id: string): void {
    this.#ended.delete(id)
    this.#sessions.delete(id)
  }

  /** @returns ends it. The listener is told of each session that is new or has changed, after the change */
  subscribe(listener: SessionListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Forgets those that ended before: by then none of their tokens lives. */
  forgetEnded(before: number): void {
    for (const { id, endedAt } of this.#sessions.values()) if (endedAt !== null && endedAt < before) this.#forget(id)
  }

  /**
   * Asks the store for what others have written. Rejects with the store's failure.
   * @param now Unix milliseconds
   */
  catchUp(store: Pick<SessionStore, 'changesSince'>, now: () => number): Promise<void> {
    // Who comes while a look is under way may know of a change that it does not see.
    this.#isWanted = true
    return (this.#running ??= this.#look(store, now))
  }

  async #look(store: Pick<SessionStore, 'changesSince'>, now: () => number): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false
        const askedAt = now()
        const { changed, upTo } = await store.changesSince(this.#upTo)
        for (const session of changed) this.put(session)
        this.#upTo = upTo
        this.#confirmedAt = askedAt
      }
    } finally {
      // In the very turn in which it was found that nobody wants more: whoever comes now starts another look.
      this.#running = undefined
    }
  }
}

const nothing = {}

/** Nothing is decided by what people say of a session, and it can be long: the store has it. */
function withoutWords(session: StoredSession): StoredSession {
  return { ...session, title: null, details: nothing }
}
