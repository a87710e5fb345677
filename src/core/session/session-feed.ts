/**
 * Keeps an index of sessions up to date with the store: asked at a word of another replica, and often besides, so that no lost word costs
 * more than a moment. Where the store cannot be reached the index grows old, and says so.
 */
import type { Clock } from '#core/clock.ts'
import type { SessionIndex } from './session-index.ts'
import type { SessionStore } from './session-store.ts'

export type SessionFeedDeps = {
  store: Pick<SessionStore, 'changesSince'>
  index: SessionIndex
  clock: Clock
  /** The store cannot be asked. Told once, until it can be again. */
  onLost: (error: unknown) => void
  /** How often the store is asked. */
  pollMs?: number
}

const pollMsDefault = 500

export class SessionFeed {
  readonly #deps: SessionFeedDeps
  #isReached = true
  #isClosed = false
  #cancelPoll: () => void = () => undefined

  constructor(deps: SessionFeedDeps) {
    this.#deps = deps
  }

  /** Rejects with the store's failure: a gateway does not start from nothing. */
  async start(): Promise<void> {
    await this.#look()
    this.#pollLater()
  }

  /** How old the index can be, in milliseconds: since the store last said that there is nothing newer. */
  get ageMs(): number {
    return this.#deps.clock.now() - this.#deps.index.confirmedAt
  }

  /** Asks the store now. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#isClosed) return
    try {
      await this.#look()
      this.#isReached = true
    } catch (error) {
      if (this.#isReached) this.#deps.onLost(error)
      this.#isReached = false
    }
  }

  #look(): Promise<void> {
    const { store, index, clock } = this.#deps
    return index.catchUp(store, () => clock.now())
  }

  #pollLater(): void {
    this.#cancelPoll = this.#deps.clock.after(this.#deps.pollMs ?? pollMsDefault, () => {
      void this.refresh().then(() => {
        if (!this.#isClosed) this.#pollLater()
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#cancelPoll()
  }
}
