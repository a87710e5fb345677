/** An IntrospectionCache in Redis, which all replicas share: one question for all of them. */
import { z } from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Introspection, IntrospectionCache } from '#core/identity/introspection-cache.ts'
import { introspectionLifeMs } from '#core/identity/introspection-life.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import type { RedisLink } from './redis-link.ts'

/**
 * For so long a token that was forgotten is not remembered again: an answer that was asked for before may still come. One that took longer
 * is not remembered at all.
 */
const forgottenMs = 15_000
const askMsMax = 10_000

const Stored = z.discriminatedUnion('isActive', [
  z.object({ isActive: z.literal(true), expiresAt: z.number().nullable(), claims: z.record(z.string(), z.unknown()) }),
  z.object({ isActive: z.literal(false), reason: z.string() }),
])

export function createRedisIntrospectionCache(deps: {
  link: RedisLink
  clock: Pick<Clock, 'now'>
}): IntrospectionCache {
  const { link, clock } = deps
  const asks = new SharedAsks<Introspection>()
  const keyOf = (digest: string): string => `${link.prefix}introspection:${digest}`
  const find = async (digest: string): Promise<Introspection | null> => {
    const text = await link.send(['GET', keyOf(digest)]).catch(() => null)
    const answer = typeof text === 'string' && text !== '' ? parse(text) : null
    return answer && introspectionLifeMs(answer, clock.now()) > 0 ? answer : null
  }
  const keep = async (digest: string, answer: Introspection, askedAt: number): Promise<void> => {
    const lifeMs = Math.floor(introspectionLifeMs(answer, clock.now()))
    if (lifeMs === 0 || clock.now() - askedAt > askMsMax) return
    // NX: what was forgotten meanwhile stands there, empty.
    await link.send(['SET', keyOf(digest), JSON.stringify(answer), 'PX', String(lifeMs), 'NX']).catch(() => undefined)
  }
  return {
    introspect: (digest, ask) =>
      asks.run(digest, async (isCurrent) => {
        const found = await find(digest)
        if (found) return found
        const askedAt = clock.now()
        const answer = await ask()
        if (isCurrent()) await keep(digest, answer, askedAt)
        return answer
      }),
    async forget(digest) {
      asks.forget(digest)
      await link.send(['SET', keyOf(digest), '', 'PX', String(forgottenMs)])
    },
  }
}

function parse(text: string): Introspection | null {
  try {
    return Stored.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
