/** Calls of modern clients that wait, inside a legacy upstream, for the client's answer. A handle opens one only for who parked it. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { LegacyRun } from './legacy-run.ts'

type Parked = { run: LegacyRun; binding: string; cancelTimer: () => void }

export type ParkedCallsDeps = {
  clock: Clock
  randomId: (prefix: string) => string
  parkedCallsMax: number
  parkedCallMs: number
}

export class ParkedCalls {
  readonly #deps: ParkedCallsDeps
  readonly #parked = new Map<string, Parked>()

  constructor(deps: ParkedCallsDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#parked.size
  }

  /**
   * @param binding principal, method and parameters: what the retry must equal
   * @returns the `requestState`: a random handle that says nothing
   * @throws GatewayError `rate_limited`
   */
  park(run: LegacyRun, binding: string): string {
    const { clock, randomId, parkedCallsMax, parkedCallMs } = this.#deps
    if (this.#parked.size >= parkedCallsMax) {
      run.abandon()
      throw new GatewayError('rate_limited', { details: { parkedCallsMax } })
    }
    const handle = randomId('prk')
    const cancelTimer = clock.after(parkedCallMs, () => {
      this.#parked.delete(handle)
      run.abandon()
    })
    this.#parked.set(handle, { run, binding, cancelTimer })
    return handle
  }

  /** @throws GatewayError `request_state_invalid`, the same for every reason */
  find(handle: string, binding: string): LegacyRun {
    const parked = this.#parked.get(handle)
    if (!parked || parked.binding !== binding) throw new GatewayError('request_state_invalid')
    return parked.run
  }

  take(handle: string): void {
    this.#parked.get(handle)?.cancelTimer()
    this.#parked.delete(handle)
  }

  close(): void {
    for (const { run, cancelTimer } of this.#parked.values()) {
      cancelTimer()
      run.abandon()
    }
    this.#parked.clear()
  }
}
