/** How often in a minute each caller may call. */

const minuteMs = 60_000
/** Callers choose their names, so only so many are remembered: those of the last minute. */
const callersMax = 10_000

/**
 * Lets `perMinute` calls through in a burst, and then one whenever a minute's share of time has passed (GCRA: one number for
 * each caller, no timers).
 */
export class RateLimit {
  /** When a caller will have used nothing, in Unix milliseconds. */
  readonly #emptyAt = new Map<string, number>()

  /** @returns how long to wait in milliseconds; 0: the call may go on, and counts */
  take(caller: string, perMinute: number, now: number): number {
    const shareMs = minuteMs / perMinute
    const emptyAt = Math.max(this.#emptyAt.get(caller) ?? 0, now)
    const waitMs = emptyAt + shareMs - minuteMs - now
    // Shares are fractions, and their sum may miss a whole minute by a hair.
    if (waitMs >= 1) return Math.ceil(waitMs)
    this.#emptyAt.set(caller, emptyAt + shareMs)
    if (this.#emptyAt.size > callersMax) this.#forgetEmpty(now)
    return 0
  }

  #forgetEmpty(now: number): void {
    for (const [caller, emptyAt] of this.#emptyAt) if (emptyAt <= now) this.#emptyAt.delete(caller)
  }
}
