/** One timer for both limits of a call over HTTP: how long the upstream may be silent, and how long the call may take in all. */
import type { Clock } from '#core/clock.ts'

export type WatchHost = {
  readonly clock: Clock
  /** How long a call may be silent. */
  readonly timeoutMs: number
  readonly timeoutTotalMs: number
}

export class SilenceWatch {
  readonly #host: WatchHost
  readonly #expired: () => void
  readonly #until: number
  #aliveAt: number
  #pauses = 0
  #cancel: () => void

  constructor(host: WatchHost, expired: () => void) {
    this.#host = host
    this.#expired = expired
    this.#aliveAt = host.clock.now()
    this.#until = this.#aliveAt + host.timeoutTotalMs
    this.#cancel = this.#wait(this.#aliveAt)
  }

  /** The upstream was heard of, or will be silent for `delayMs` because it said so. */
  alive(delayMs = 0): void {
    this.#aliveAt = this.#host.clock.now() + delayMs
  }

  /** The silence is ours: the upstream waits for us. Each is ended by one `resume`. */
  pause(): void {
    this.#pauses++
  }

  resume(): void {
    this.#pauses--
    this.alive()
  }

  stop(): void {
    this.#cancel()
  }

  #wait(now: number): () => void {
    const { clock, timeoutMs } = this.#host
    const silentAt = (this.#pauses > 0 ? now : this.#aliveAt) + timeoutMs
    return clock.after(Math.min(silentAt, this.#until) - now, () => this.#look())
  }

  #look(): void {
    const now = this.#host.clock.now()
    const isSilent = this.#pauses === 0 && now - this.#aliveAt >= this.#host.timeoutMs
    if (isSilent || now >= this.#until) this.#expired()
    else this.#cancel = this.#wait(now)
  }
}
