/** The channels (SSE, WebSocket) that each token has open, whether a session was opened on them yet or not. */
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Principal } from '#core/identity/principal.ts'

export class ChannelCounts {
  readonly #limits: Limits
  readonly #byToken = new Map<string, number>()
  #all = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /**
   * @returns what must be called once, at the channel's end
   * @throws GatewayError `too_many_sessions`
   */
  add({ tokenId }: Principal): () => void {
    const { sessionsMax, sessionsPerTokenMax } = this.#limits
    const own = this.#byToken.get(tokenId) ?? 0
    if (this.#all >= sessionsMax) throw new GatewayError('too_many_sessions', { details: { sessionsMax } })
    if (own >= sessionsPerTokenMax) throw new GatewayError('too_many_sessions', { details: { sessionsPerTokenMax } })
    this.#all++
    this.#byToken.set(tokenId, own + 1)
    return () => this.#remove(tokenId)
  }

  #remove(tokenId: string): void {
    this.#all--
    const left = (this.#byToken.get(tokenId) ?? 1) - 1
    if (left === 0) this.#byToken.delete(tokenId)
    else this.#byToken.set(tokenId, left)
  }
}
