/** What one limit says to a charge. Every counter that is asked elsewhere must come to the same. */
import type { CountedLimit } from './counters.ts'

/** `amount`: of a bucket what is in it, of a window what it has taken. `at`: when the bucket was so full, or when the window ends; Unix milliseconds. */
export type Count = { amount: number; at: number }

export type LimitAnswer = {
  isAllowed: boolean
  /** Of the limit, if all charges are allowed; else as it is. */
  left: number
  /** Milliseconds; null: never. */
  retryAfterMs: number | null
  next: Count
  /** When the count says no more than a new one would; Unix milliseconds. */
  freshAt: number
}

export function chargeLimit(
  limit: CountedLimit,
  charge: { count: Count | undefined; cost: number; now: number },
): LimitAnswer {
  return limit.kind === 'bucket' ? chargeBucket(limit, charge) : chargeWindow(limit, charge)
}

type Given = { count: Count | undefined; cost: number; now: number }

function chargeBucket(
  { burst, perSecond }: CountedLimit & { kind: 'bucket' },
  { count, cost, now }: Given,
): LimitAnswer {
  const passedMs = count ? Math.max(0, now - count.at) : 0
  const full = Math.min(burst, (count?.amount ?? burst) + (passedMs * perSecond) / 1_000)
  const isAllowed = full >= cost
  const amount = isAllowed ? full - cost : full
  return {
    isAllowed,
    left: amount,
    retryAfterMs: isAllowed ? 0 : waitMs(cost > burst, ((cost - full) / perSecond) * 1_000),
    next: { amount, at: Math.max(now, count?.at ?? 0) },
    freshAt: now + ((burst - amount) / perSecond) * 1_000,
  }
}

function chargeWindow({ max, windowMs }: CountedLimit & { kind: 'window' }, { count, cost, now }: Given): LimitAnswer {
  const { amount: used, at: endsAt } = count && count.at > now ? count : { amount: 0, at: now + windowMs }
  const isAllowed = used + cost <= max
  const amount = isAllowed ? used + cost : used
  return {
    isAllowed,
    left: Math.max(0, max - amount),
    retryAfterMs: isAllowed ? 0 : waitMs(cost > max, endsAt - now),
    next: { amount, at: endsAt },
    freshAt: endsAt,
  }
}

function waitMs(isNever: boolean, ms: number): number | null {
  return isNever ? null : Math.ceil(ms)
}
