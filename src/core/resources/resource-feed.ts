/**
 * Keeps a snapshot up to date with the store. A write of this replica, and a word of another one, bring the change at once; besides, the
 * store is asked often, so that no lost word costs more than a moment. Where the store cannot be reached, the snapshot grows old, and says
 * so.
 */
import type { Clock } from '#core/clock.ts'
import type { ChangeNumber, ResourceStore } from './resource-store.ts'
import type { ResourceSnapshot } from './snapshot.ts'

export type ResourceFeedDeps = {
  store: Pick<ResourceStore, 'load' | 'lastChange' | 'changesSince'>
  snapshot: ResourceSnapshot
  clock: Clock
  /** After the snapshot has changed. */
  onChange: () => void
  /** The store was lost, or is there again. */
  onReach: (error: unknown) => void
  /** How often the store is asked. */
  pollMs?: number
  /** For how long what is known is good while the store cannot be asked. */
  staleMsMax?: number
}

const pollMsDefault = 500
const staleMsMaxDefault = 60_000

export class ResourceFeed {
  readonly #deps: ResourceFeedDeps
  readonly #pollMs: number
  #upTo: ChangeNumber = 0
  #confirmedAt = 0
  #isReached = true
  #isStale = false
  #isClosed = false
  #running: Promise<void> | undefined
  #isWanted = false
  #cancelPoll: () => void = () => undefined

  constructor(deps: ResourceFeedDeps) {
    this.#deps = deps
    this.#pollMs = deps.pollMs ?? pollMsDefault
  }

  /** Rejects with the store's failure: a gateway does not start from nothing. */
  async start(): Promise<void> {
    const { upTo, ...changes } = await this.#deps.store.load()
    this.#take({ ...changes, isWhole: true }, upTo)
    this.#pollLater()
  }

  /** How old the snapshot can be, in milliseconds: since the store last said that there is nothing newer. */
  get ageMs(): number {
    return this.#deps.clock.now() - this.#confirmedAt
  }

  /**
   * The store has been away for so long that nobody may be let in by what was true then: a revocation would not be known. `onChange` is called
   * when this changes.
   */
  get isStale(): boolean {
    return this.#isStale
  }

  /** Resolves when the snapshot has at least this change, or the store cannot be asked. */
  async reach(number: ChangeNumber): Promise<void> {
    while (this.#upTo < number && !this.#isClosed) {
      await this.refresh()
      if (!this.#isReached) return
    }
  }

  /** Asks the store now. Never rejects. */
  refresh(): Promise<void> {
    // Who comes while a look is under way may know of a change that it does not see.
    this.#isWanted = true
    return (this.#running ??= this.#refreshWhileWanted())
  }

  async #refreshWhileWanted(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      await this.#look()
    }
    // In the very turn in which it was found that nobody wants more: whoever comes now starts another look.
    this.#running = undefined
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#deps
    const askedAt = clock.now()
    try {
      if ((await store.lastChange()) !== this.#upTo) {
        const { upTo, ...changes } = await store.changesSince(this.#upTo)
        if (this.#isClosed) return
        this.#take(changes, upTo)
      }
      this.#confirmedAt = askedAt
      if (!this.#isReached) this.#tell(null)
    } catch (error) {
      if (this.#isReached && !this.#isClosed) this.#tell(error)
    }
  }

  #tell(error: unknown): void {
    this.#isReached = error === null
    this.#deps.onReach(error)
  }

  #take(changes: Parameters<ResourceSnapshot['apply']>[0], upTo: ChangeNumber): void {
    this.#deps.snapshot.apply(changes)
    this.#upTo = upTo
    this.#confirmedAt = this.#deps.clock.now()
    this.#deps.onChange()
  }

  #pollLater(): void {
    this.#cancelPoll = this.#deps.clock.after(this.#pollMs, () => {
      void this.refresh().then(() => {
        if (this.#isClosed) return
        this.#lookAtAge()
        this.#pollLater()
      })
    })
  }

  #lookAtAge(): void {
    const isStale = this.ageMs > (this.#deps.staleMsMax ?? staleMsMaxDefault)
    if (isStale === this.#isStale) return
    this.#isStale = isStale
    this.#deps.onChange()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelPoll()
    await this.#running
  }
}
