import { describe, expect, it } from 'vitest'
import type { Introspection } from '#core/identity/introspection-cache.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { introspectionCacheContract } from '#test/contracts/introspection-cache.ts'
import { createMemoryBus } from './bus.ts'
import { createMemoryIntrospectionCache } from './introspection-cache.ts'

async function create() {
  const clock = new FakeClock()
  const bus = createMemoryBus()
  const [one, two] = [createMemoryIntrospectionCache({ clock, bus }), createMemoryIntrospectionCache({ clock, bus })]
  await settled()
  return { clock, bus, one, two, now: () => clock.now(), pass: (ms: number) => clock.advance(ms), settle: settled }
}

introspectionCacheContract(create)

const digest = 'a'.repeat(64)

describe('createMemoryIntrospectionCache', () => {
  it.each([
    ['good', { isActive: true, expiresAt: null, claims: {} }, 30_000],
    ['bad', { isActive: false, reason: 'unknown' }, 5_000],
  ] satisfies [string, Introspection, number][])(
    'remembers a token that is %s for its time',
    async (_what, answer, ms) => {
      const { one, clock } = await create()
      let asked = 0
      const ask = async () => {
        asked++
        return answer
      }
      await one.introspect(digest, ask)
      await clock.advance(ms - 1)
      await one.introspect(digest, ask)
      expect(asked).toBe(1)
      await clock.advance(1)
      await one.introspect(digest, ask)
      expect(asked).toBe(2)
    },
  )

  it('forgets everything when it may have missed a word of the others', async () => {
    const clock = new FakeClock()
    let tellGap = (): void => undefined
    const bus = createMemoryBus()
    const cache = createMemoryIntrospectionCache({
      clock,
      bus: {
        publish: (topic, message) => bus.publish(topic, message),
        subscribe(topic, listener) {
          tellGap = () => listener.onGap()
          return bus.subscribe(topic, listener)
        },
      },
    })
    await settled()
    await cache.introspect(digest, async () => ({ isActive: true, expiresAt: null, claims: {} }))
    tellGap()
    const refused: Introspection = { isActive: false, reason: 'revoked' }
    expect(await cache.introspect(digest, async () => refused)).toEqual(refused)
  })

  it('says so where the others could not be told', async () => {
    const clock = new FakeClock()
    const cache = createMemoryIntrospectionCache({
      clock,
      bus: { publish: () => Promise.resolve(false), subscribe: () => () => undefined },
    })
    await expect(cache.forget(digest)).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})
