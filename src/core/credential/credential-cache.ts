/** Tokens and keys that the gateway gets for itself whenever it needs one: in memory, and nowhere else. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import { BackOff } from './back-off.ts'
import { credentialUnavailable, reasonOf } from './credential-refusals.ts'
import { renewAtOf } from './grant-life.ts'

export type Cached<Value> = {
  value: Value
  /** What it was made from, where that can change: one of something else is none. */
  of: string
  /** Unix times in milliseconds: until when it is used without asking again, and when it ends. Infinity: it is not known to end. */
  goodUntil: number
  endsAt: number
}

/** How one is got, where none is good. */
export type CacheAsk<Value> = {
  key: string
  of: string
  /** For errors. */
  serverName: string
  /** `expiresAt`: Unix time in milliseconds; null: not known. Rejects as `OAuthClient` does. */
  get(): Promise<{ value: Value; expiresAt: number | null }>
}

type Options = {
  clock: Pick<Clock, 'now'>
  valuesMax: number
  /** Told of the first of several failures in a row, for the operator: `details` say at which step it was, and with which status. */
  onFailure?: (serverName: string, error: GatewayError) => void
}

export class CredentialCache<Value> {
  readonly #clock: Pick<Clock, 'now'>
  readonly #valuesMax: number
  readonly #onFailure: NonNullable<Options['onFailure']>
  readonly #values = new Map<string, Cached<Value>>()
  readonly #asks = new SharedAsks<Cached<Value>>()
  readonly #backOff: BackOff

  constructor({ clock, valuesMax, onFailure = () => undefined }: Options) {
    this.#clock = clock
    this.#valuesMax = valuesMax
    this.#onFailure = onFailure
    this.#backOff = new BackOff(clock)
  }

  /**
   * At once where there is a good one. Who asks while one is got gets the same one.
   * @throws GatewayError `credential_unavailable`, or rejects with it: at once where asking has failed a moment ago. `credential_required` of
   *   `get` is passed on
   */
  current(ask: CacheAsk<Value>): Cached<Value> | Promise<Cached<Value>> {
    const { key, of } = ask
    const known = this.#values.get(key)
    if (known?.of === of && this.#clock.now() < known.goodUntil) return known
    const failure = this.#backOff.find(key)
    if (failure) return this.#whileFailing(ask, failure)
    // Each who asked is told of its own server: the others are none of its business.
    return this.#asks
      .run(`${key} ${of}`, () => this.#get(ask))
      .catch((error: unknown) => {
        throw isRequired(error) ? error : credentialUnavailable(ask.serverName, reasonOf(error))
      })
  }

  /** Not used any more, if it is the one that is kept. */
  drop(key: string, value: Value): void {
    if (this.#values.get(key)?.value === value) this.#values.delete(key)
  }

  async #get(ask: CacheAsk<Value>): Promise<Cached<Value>> {
    const { key, of } = ask
    try {
      const askedAt = this.#clock.now()
      const { value, expiresAt } = await ask.get()
      const got = { value, of, goodUntil: renewAtOf(askedAt, expiresAt), endsAt: expiresAt ?? Infinity }
      this.#backOff.succeed(key)
      this.#keep(key, got)
      return got
    } catch (error) {
      if (isRequired(error)) throw error
      const failure = this.#backOff.fail(key, reasonOf(error))
      if (failure.count === 1) this.#onFailure(ask.serverName, toTrouble(error))
      return this.#whileFailing(ask, failure)
    }
  }

  /** One that should be renewed and cannot be now is good until it ends. */
  #whileFailing(
    { key, of, serverName }: CacheAsk<Value>,
    { retryAt, reason }: { retryAt: number; reason: string },
  ): Cached<Value> {
    const known = this.#values.get(key)
    if (known?.of !== of || this.#clock.now() >= known.endsAt) throw credentialUnavailable(serverName, reason)
    return { ...known, goodUntil: Math.min(retryAt, known.endsAt) }
  }

  #keep(key: string, got: Cached<Value>): void {
    // Put last: those that were got longest ago are the first to go.
    this.#values.delete(key)
    this.#values.set(key, got)
    if (this.#values.size <= this.#valuesMax) return
    const now = this.#clock.now()
    for (const [other, { endsAt }] of this.#values) if (endsAt <= now) this.#values.delete(other)
    for (const other of this.#values.keys()) {
      if (this.#values.size <= this.#valuesMax) return
      this.#values.delete(other)
    }
  }
}

function toTrouble(error: unknown): GatewayError {
  const told = error instanceof GatewayError ? error.details : {}
  return new GatewayError('credential_unavailable', { details: { ...told, reason: reasonOf(error) } })
}

function isRequired(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'credential_required'
}
