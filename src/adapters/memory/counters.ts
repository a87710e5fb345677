/** Counters of one process. */
import type { Clock } from '#core/clock.ts'
import { chargeLimit, type Count, type LimitAnswer } from '#core/limits/charge-limit.ts'
import type { Charge, ChargeVerdict, CountedLimit, Counters } from '#core/limits/counters.ts'
import { ExpiringMap } from './expiring-map.ts'

export function createMemoryCounters({ clock }: { clock: Pick<Clock, 'now'> }): Counters {
  const counts = new ExpiringMap<Count>({ now: () => clock.now() })
  return { charge: async (charges) => charge(charges, { counts, now: clock.now() }) }
}

type Counting = { counts: ExpiringMap<Count>; now: number }

function charge(charges: readonly Charge[], { counts, now }: Counting): ChargeVerdict {
  const next = new Map<string, LimitAnswer>()
  const answers = charges.map(({ key, limit, cost }) => {
    const place = placeOf(key, limit)
    const answer = chargeLimit(limit, { count: next.get(place)?.next ?? counts.get(place), cost, now })
    next.set(place, answer)
    return answer
  })
  const refusedBy = answers.findIndex(({ isAllowed }) => !isAllowed)
  if (refusedBy === -1) {
    for (const [place, answer] of next) counts.set(place, answer.next, answer.freshAt)
    return { isAllowed: true, refusedBy: null, retryAfterMs: 0, left: answers.map(({ left }) => left), isCounted: true }
  }
  const left = charges.map(
    ({ key, limit }) => chargeLimit(limit, { count: counts.get(placeOf(key, limit)), cost: 0, now }).left,
  )
  const retryAfterMs = answers.map((answer) => answer.retryAfterMs).reduce(longest, 0)
  return { isAllowed: false, refusedBy, retryAfterMs, left, isCounted: true }
}

function placeOf(key: string, { kind }: CountedLimit): string {
  return `${kind} ${key}`
}

function longest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.max(one, other)
}
