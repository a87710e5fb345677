/** Access tokens that the gateway gets for itself whenever it needs one: in memory, and nowhere else. */
import type { Clock } from '#core/clock.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import { BackOff } from './back-off.ts'
import { credentialUnavailable, reasonOf } from './credential-refusals.ts'
import { renewAtOf } from './grant-life.ts'

export type CachedToken = {
  text: string
  /** What it was made from, where that can change: a token of something else is none. */
  of: string
  /** Unix times in milliseconds: until when it is used without asking again, and when it ends. Infinity: it is not known to end. */
  goodUntil: number
  endsAt: number
}

/** How a token is got, where none is good. */
export type TokenAsk = {
  key: string
  of: string
  /** For errors. */
  serverName: string
  /** `expiresAt` as `TokenSet` has it. Rejects as `OAuthClient` does. */
  get(): Promise<{ accessToken: string; expiresAt: number | null }>
}

export class TokenCache {
  readonly #clock: Pick<Clock, 'now'>
  readonly #tokensMax: number
  readonly #tokens = new Map<string, CachedToken>()
  readonly #asks = new SharedAsks<CachedToken>()
  readonly #backOff: BackOff

  constructor({ clock, tokensMax }: { clock: Pick<Clock, 'now'>; tokensMax: number }) {
    this.#clock = clock
    this.#tokensMax = tokensMax
    this.#backOff = new BackOff(clock)
  }

  /**
   * At once where there is a good one. Who asks while one is got gets the same one.
   * @throws GatewayError `credential_unavailable`, or rejects with it: at once where asking has failed a moment ago
   */
  current(ask: TokenAsk): CachedToken | Promise<CachedToken> {
    const { key, of } = ask
    const known = this.#tokens.get(key)
    if (known?.of === of && this.#clock.now() < known.goodUntil) return known
    const failure = this.#backOff.find(key)
    if (failure) return this.#whileFailing(ask, failure)
    return this.#asks.run(`${key} ${of}`, () => this.#get(ask))
  }

  /** Not used any more, if it is the one that is kept. */
  drop(key: string, text: string): void {
    if (this.#tokens.get(key)?.text === text) this.#tokens.delete(key)
  }

  async #get(ask: TokenAsk): Promise<CachedToken> {
    const { key, of } = ask
    try {
      const askedAt = this.#clock.now()
      const { accessToken: text, expiresAt } = await ask.get()
      const token = { text, of, goodUntil: renewAtOf(askedAt, expiresAt), endsAt: expiresAt ?? Infinity }
      this.#backOff.succeed(key)
      this.#keep(key, token)
      return token
    } catch (error) {
      return this.#whileFailing(ask, this.#backOff.fail(key, reasonOf(error)))
    }
  }

  /** A token that should be renewed and cannot be now is good until it ends. */
  #whileFailing(
    { key, of, serverName }: TokenAsk,
    { retryAt, reason }: { retryAt: number; reason: string },
  ): CachedToken {
    const known = this.#tokens.get(key)
    if (known?.of !== of || this.#clock.now() >= known.endsAt) throw credentialUnavailable(serverName, reason)
    return { ...known, goodUntil: Math.min(retryAt, known.endsAt) }
  }

  #keep(key: string, token: CachedToken): void {
    // Put last: those that were got longest ago are the first to go.
    this.#tokens.delete(key)
    this.#tokens.set(key, token)
    if (this.#tokens.size <= this.#tokensMax) return
    const now = this.#clock.now()
    for (const [other, { endsAt }] of this.#tokens) if (endsAt <= now) this.#tokens.delete(other)
    for (const other of this.#tokens.keys()) {
      if (this.#tokens.size <= this.#tokensMax) return
      this.#tokens.delete(other)
    }
  }
}
