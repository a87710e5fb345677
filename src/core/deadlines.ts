/**
 * Deadlines of many short calls on one timer. A timer of its own for each call costs more than the call's bookkeeping; being late by the
 * tick does not matter for limits of seconds.
 */
import type { Clock } from './clock.ts'
import { Slots } from './slots.ts'

const tickMs = 250

type Deadline = { at: number; task: () => void; slot: number }

class Deadlines {
  readonly #clock: Clock
  readonly #waiting = new Slots<Deadline>()
  #isTicking = false
  /** When it last ticked, or began to: asking the time anew for each call would cost more than the rest of this. */
  #tickedAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `task` once, `delayMs` from now or up to two ticks later; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void {
    if (!this.#isTicking) {
      this.#tickedAt = this.#clock.now()
      this.#tickLater()
    }
    // Up to one tick has gone by since it ticked.
    const deadline = { at: this.#tickedAt + delayMs + tickMs, task, slot: 0 }
    deadline.slot = this.#waiting.add(deadline)
    return () => this.#waiting.delete(deadline.slot, deadline)
  }

  #tickLater(): void {
    this.#isTicking = true
    this.#clock.after(tickMs, () => {
      const now = this.#clock.now()
      this.#tickedAt = now
      for (const deadline of this.#waiting) {
        if (deadline.at > now) continue
        this.#waiting.delete(deadline.slot, deadline)
        deadline.task()
      }
      if (this.#waiting.size > 0) this.#tickLater()
      else this.#isTicking = false
    })
  }
}

/** Delays from here on share one timer and may be late by its tick. */
const coarseMsMin = 5_000

/** A clock for the call path: exact for short delays, shared for the long ones, which nearly always are cancelled. */
export function withSharedDeadlines(clock: Clock): Clock {
  const deadlines = new Deadlines(clock)
  return {
    now: () => clock.now(),
    after: (delayMs, task) => (delayMs < coarseMsMin ? clock.after(delayMs, task) : deadlines.after(delayMs, task)),
  }
}
