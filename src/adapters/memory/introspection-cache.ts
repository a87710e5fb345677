/** An IntrospectionCache of each replica's own; the bus carries what is to be forgotten. */
import { GatewayError } from '#contract/errors.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Clock } from '#core/clock.ts'
import type { Introspection, IntrospectionCache } from '#core/identity/introspection-cache.ts'
import { introspectionLifeMs } from '#core/identity/introspection-life.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import { ExpiringMap } from './expiring-map.ts'

const topic = 'introspection'
const entriesMax = 100_000

export function createMemoryIntrospectionCache(deps: {
  clock: Pick<Clock, 'now'>
  bus: Bus
}): IntrospectionCache & Disposable {
  const { clock, bus } = deps
  const known = new ExpiringMap<Introspection>({ now: () => clock.now(), entriesMax })
  const asks = new SharedAsks<Introspection>()
  const forgetHere = (digest: string): void => {
    known.delete(digest)
    asks.forget(digest)
  }
  const unsubscribe = bus.subscribe(topic, {
    onMessage: ({ digest }) => forgetHere(String(digest)),
    // Among what was missed may be any token.
    onGap() {
      known.clear()
      asks.forgetAll()
    },
  })
  return {
    async introspect(digest, ask) {
      const found = known.get(digest)
      if (found) return structuredClone(found)
      return asks.run(digest, async (isCurrent) => {
        const answer = await ask()
        const lifeMs = introspectionLifeMs(answer, clock.now())
        if (isCurrent() && lifeMs > 0) known.set(digest, structuredClone(answer), clock.now() + lifeMs)
        return answer
      })
    },
    async forget(digest) {
      forgetHere(digest)
      if (!(await bus.publish(topic, { digest }))) throw new GatewayError('storage_unavailable')
    },
    [Symbol.dispose]: unsubscribe,
  }
}
