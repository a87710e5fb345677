/** A clock that stands still until it is told to go on. Timers run in the order of their times, each at its own time. */
import type { Clock } from '#core/clock.ts'

export class FakeClock implements Clock {
  #now: number
  #nextTimer = 1
  readonly #timers = new Map<number, { at: number; task: () => void }>()

  constructor(now = 1_000_000) {
    this.#now = now
    // Handed around as functions of their own.
    this.now = this.now.bind(this)
    this.after = this.after.bind(this)
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, task: () => void): () => void {
    const id = this.#nextTimer++
    this.#timers.set(id, { at: this.#now + delayMs, task })
    return () => this.#timers.delete(id)
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Lets time pass. Promises that a timer settles go on between timers, as they would in life. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settled()
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#timers.delete(next.id)
      this.#now = Math.max(this.#now, next.at)
      next.task()
      await settled()
    }
    this.#now = until
  }

  #next(until: number): { id: number; at: number; task: () => void } | undefined {
    let first: { id: number; at: number; task: () => void } | undefined
    for (const [id, { at, task }] of this.#timers) {
      if (at <= until && (!first || at < first.at)) first = { id, at, task }
    }
    return first
  }
}

/** Lets everything run that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
