import type { IdempotencyStore, IdempotentAnswer, IdempotentRequest } from '#core/resources/idempotency-store.ts'

type Kept = { fingerprint: string; answer: IdempotentAnswer | null; unknownFrom: number; until: number }

/** An IdempotencyStore that ends with the process, and forgets what has run out when somebody asks for it. */
export function createMemoryIdempotencyStore(): IdempotencyStore {
  const kept = new Map<string, Kept>()
  const keyOf = ({ scope, key }: IdempotentRequest) => JSON.stringify([scope, key])
  function underWay(request: IdempotentRequest): Kept | null {
    const known = kept.get(keyOf(request))
    return known && known.fingerprint === request.fingerprint && !known.answer ? known : null
  }
  return {
    async claim(request, { now, unknownFrom, until }) {
      const known = kept.get(keyOf(request))
      if (!known || known.until <= now) {
        kept.set(keyOf(request), { fingerprint: request.fingerprint, answer: null, unknownFrom, until })
        return { state: 'claimed' }
      }
      if (known.fingerprint !== request.fingerprint) return { state: 'other_request' }
      if (known.answer) return { state: 'settled', answer: { ...known.answer } }
      return { state: known.unknownFrom <= now ? 'unknown' : 'under_way' }
    },
    async settle(request, answer, until) {
      const known = underWay(request)
      if (known) kept.set(keyOf(request), { ...known, answer: { ...answer }, until })
    },
    async release(request) {
      if (underWay(request)) kept.delete(keyOf(request))
    },
    async abandon(request) {
      const known = underWay(request)
      if (known) known.unknownFrom = 0
    },
    async deleteExpired(now, limit) {
      const expired = [...kept].filter(([, { until }]) => until <= now).slice(0, limit)
      for (const [key] of expired) kept.delete(key)
      return expired.length
    },
  }
}
