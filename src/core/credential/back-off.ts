/** Who has just failed is not asked again at once. By key, and forgotten with the first success. */
import type { Clock } from '#core/clock.ts'

const delaysOfCalls = { msMin: 500, msMax: 15_000 }
const keysMax = 1_000

type Failure = { count: number; retryAt: number; reason: string }

export class BackOff {
  readonly #clock: Pick<Clock, 'now'>
  readonly #delays: { msMin: number; msMax: number }
  readonly #failures = new Map<string, Failure>()

  constructor(clock: Pick<Clock, 'now'>, delays = delaysOfCalls) {
    this.#clock = clock
    this.#delays = delays
  }

  /** The failure that is too fresh; undefined: it may be tried. */
  find(key: string): Readonly<Failure> | undefined {
    const failure = this.#failures.get(key)
    return failure !== undefined && this.#clock.now() < failure.retryAt ? failure : undefined
  }

  /** @param reason why it failed, in a word of ours */
  fail(key: string, reason: string): Readonly<Failure> {
    const count = (this.#failures.get(key)?.count ?? 0) + 1
    const { msMin, msMax } = this.#delays
    const delayMs = Math.min(msMax, msMin * 2 ** Math.min(count - 1, 10))
    const failure = { count, retryAt: this.#clock.now() + delayMs, reason }
    // Put last, so that the one that failed longest ago is the first to be forgotten.
    this.#failures.delete(key)
    if (this.#failures.size >= keysMax) this.#forgetOldest()
    this.#failures.set(key, failure)
    return failure
  }

  succeed(key: string): void {
    this.#failures.delete(key)
  }

  #forgetOldest(): void {
    for (const key of this.#failures.keys()) {
      this.#failures.delete(key)
      return
    }
  }
}
