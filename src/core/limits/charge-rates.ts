/** How often the same may be asked for, over all replicas. */
import { GatewayError } from '#contract/errors.ts'
import type { Charge, Counters } from './counters.ts'

/** So much at once, and so much in the long run. */
export type Rate = { burst: number; perSecond: number }

/** As many at once as in a minute. */
export function perMinute(max: number): Rate {
  return { burst: max, perSecond: max / 60 }
}

/**
 * One time more, under each of these keys. With the counters away nobody is kept from anything.
 * @param details what the refusal says of the limit
 * @throws GatewayError `rate_limited` with `retryAfterMs`
 */
export async function chargeRates(
  counters: Counters,
  rates: readonly (readonly [key: string, rate: Rate])[],
  details: { limit: string } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const charges = rates.map(([key, rate]): Charge => ({
    key,
    limit: { kind: 'bucket', ...rate },
    cost: 1,
  }))
  const { isAllowed, retryAfterMs } = await counters.charge(charges)
  if (!isAllowed) throw new GatewayError('rate_limited', { details: { ...details, retryAfterMs } })
}
