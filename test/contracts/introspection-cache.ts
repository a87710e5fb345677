/** What every IntrospectionCache does, wherever it remembers. */
import { describe, expect, it } from 'vitest'
import type { Introspection, IntrospectionCache } from '#core/identity/introspection-cache.ts'

export type CacheHouse = {
  /** Two replicas' ends. */
  one: IntrospectionCache
  two: IntrospectionCache
  now: () => number
  /** Lets time pass, for what the cache decides itself. */
  pass: (ms: number) => Promise<void>
  /** Whether `forget` is done everywhere when it resolves, or a moment later. */
  settle: () => Promise<void>
}

const digest = 'a'.repeat(64)
const active = (changes: object = {}): Introspection => ({
  isActive: true,
  expiresAt: null,
  claims: { tokenId: 'tok_1', project: 'é' },
  ...changes,
})
const inactive: Introspection = { isActive: false, reason: 'revoked' }

/** An authority that counts how often it is asked. */
function authority(answer: () => Introspection) {
  const asked = { times: 0 }
  const ask = async (): Promise<Introspection> => {
    asked.times++
    return answer()
  }
  return { asked, ask }
}

export function introspectionCacheContract(create: () => Promise<CacheHouse>): void {
  describe('an IntrospectionCache', () => {
    it.each([active(), inactive])('asks once, and remembers: %o', async (answer) => {
      const { one } = await create()
      const { asked, ask } = authority(() => answer)
      for (let n = 0; n < 3; n++) expect(await one.introspect(digest, ask)).toEqual(answer)
      expect(asked.times).toBe(1)
      await one.introspect('b'.repeat(64), ask)
      expect(asked.times).toBe(2)
    })

    it('asks once for all who ask meanwhile', async () => {
      const { one } = await create()
      const { asked, ask } = authority(() => active())
      await Promise.all(Array.from({ length: 50 }, () => one.introspect(digest, ask)))
      expect(asked.times).toBe(1)
    })

    it('does not remember a failure', async () => {
      const { one } = await create()
      const fail = (): Promise<Introspection> => Promise.reject(new Error('away'))
      await expect(one.introspect(digest, fail)).rejects.toThrow('away')
      expect(await one.introspect(digest, async () => active())).toEqual(active())
    })

    it('remembers nothing past its expiry', async () => {
      const { one, now, pass } = await create()
      const expiring = authority(() => active({ expiresAt: now() + 1_000 }))
      await one.introspect(digest, expiring.ask)
      await one.introspect(digest, expiring.ask)
      expect(expiring.asked.times).toBe(1)
      await pass(1_000)
      await one.introspect(digest, expiring.ask)
      expect(expiring.asked.times).toBe(2)
      const expired = authority(() => active({ expiresAt: now() }))
      await one.introspect('b'.repeat(64), expired.ask)
      await one.introspect('b'.repeat(64), expired.ask)
      expect(expired.asked.times).toBe(2)
    })

    it('forgets on every replica', async () => {
      const { one, two, settle } = await create()
      await one.introspect(digest, async () => active())
      await two.introspect(digest, async () => active())
      await one.forget(digest)
      await settle()
      expect(await one.introspect(digest, async () => inactive)).toEqual(inactive)
      expect(await two.introspect(digest, async () => inactive)).toEqual(inactive)
    })

    it.each(['here', 'elsewhere'])('does not remember what was asked before it was forgotten %s', async (where) => {
      const { one, two, settle } = await create()
      const answer = Promise.withResolvers<Introspection>()
      const isAsked = Promise.withResolvers<void>()
      const early = one.introspect(digest, () => {
        isAsked.resolve()
        return answer.promise
      })
      await isAsked.promise
      await (where === 'here' ? one : two).forget(digest)
      await settle()
      const later = authority(() => inactive)
      answer.resolve(active())
      expect(await early).toEqual(active())
      expect(await one.introspect(digest, later.ask)).toEqual(inactive)
      expect(later.asked.times).toBe(1)
    })

    it('lends nobody its own answer', async () => {
      const { one } = await create()
      Object.assign(await one.introspect(digest, async () => active()), { expiresAt: 5 })
      Object.assign(await one.introspect(digest, async () => inactive), { expiresAt: 6 })
      expect(await one.introspect(digest, async () => inactive)).toEqual(active())
    })
  })
}
