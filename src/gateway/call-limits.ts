/** Step 6 of a call: how many calls one token may begin in a minute, and have under way. */
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Clock } from '#core/clock.ts'
import { chargeLimit, type Count } from '#core/limits/charge-limit.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'

/** Of one token. */
export type Tally = { underWay: number; /** Of this minute, where nobody else counts. */ count: Count | undefined }

export type CallLimitsDeps = {
  clock: Pick<Clock, 'now'>
  limits: Pick<Limits, 'callsPerTokenMax'>
  /** Common to all replicas; without them each counts by itself, as it does while they are away. */
  counters?: Counters | undefined
}

/** What reaches a server. Lists are kept here, and what listens has nothing under way there. */
const counted: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
  'tasks/get',
  'tasks/result',
  'tasks/list',
  'tasks/update',
  'tasks/cancel',
])

const windowMs = 60_000
/** Nobody knows when a call ends. */
const retryMs = 1_000

export class CallLimits {
  readonly #deps: CallLimitsDeps
  readonly #tallies = new Map<string, Tally>()

  constructor(deps: CallLimitsDeps) {
    this.#deps = deps
  }

  /**
   * @returns what `end` takes back; null: this is not counted
   * @throws GatewayError `rate_limited`
   */
  begin({ principal, message }: Pick<ClientCall, 'principal' | 'message'>): Tally | null {
    const { token, session, tokenId } = principal
    const isCounted = (token !== null || session !== undefined) && counted.has(message.method)
    if (!isCounted) return null
    let tally = this.#tallies.get(tokenId)
    if (!tally) this.#tallies.set(tokenId, (tally = { underWay: 0, count: undefined }))
    const callsUnderWayMax = token?.limits?.callsUnderWayMax ?? this.#deps.limits.callsPerTokenMax
    if (tally.underWay >= callsUnderWayMax)
      throw new GatewayError('rate_limited', { details: { callsUnderWayMax, retryAfterMs: retryMs } })
    tally.underWay++
    return tally
  }

  end(tally: Tally): void {
    tally.underWay--
  }

  /**
   * Null: the call may go on at once. Calls that are refused later on count as well.
   * @throws GatewayError `rate_limited`; or the promise rejects with it
   */
  charge({ principal }: Pick<ClientCall, 'principal'>, tally: Tally): Promise<void> | null {
    const max = principal.token?.limits?.callsPerMinuteMax
    if (max === undefined) return null
    if (this.#deps.counters) return this.#chargeShared(this.#deps.counters, { key: principal.tokenId, max, tally })
    this.#chargeOwn(tally, max)
    return null
  }

  /** Forgets tokens that have nothing under way and nothing to count. */
  sweep(): void {
    const now = this.#deps.clock.now()
    for (const [tokenId, { underWay, count }] of this.#tallies)
      if (underWay === 0 && (count === undefined || count.at <= now)) this.#tallies.delete(tokenId)
  }

  async #chargeShared(counters: Counters, { key, max, tally }: { key: string; max: number; tally: Tally }) {
    const limit = { kind: 'window', max, windowMs } as const
    const verdict = await counters.charge([{ key: `calls ${key}`, limit, cost: 1 }])
    if (!verdict.isCounted) this.#chargeOwn(tally, max)
    else if (!verdict.isAllowed) throw tooOften(max, verdict.retryAfterMs)
  }

  #chargeOwn(tally: Tally, max: number): void {
    const charge = { count: tally.count, cost: 1, now: this.#deps.clock.now() }
    const { isAllowed, retryAfterMs, next } = chargeLimit({ kind: 'window', max, windowMs }, charge)
    tally.count = next
    if (!isAllowed) throw tooOften(max, retryAfterMs)
  }
}

function tooOften(callsPerMinuteMax: number, retryAfterMs: number | null): GatewayError {
  return new GatewayError('rate_limited', {
    details: { callsPerMinuteMax, ...(retryAfterMs === null ? {} : { retryAfterMs }) },
  })
}
