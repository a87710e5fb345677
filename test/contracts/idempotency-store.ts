/** What every IdempotencyStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { IdempotencyStore } from '#core/resources/idempotency-store.ts'

const request = { scope: 'usr_ann', key: 'k1', fingerprint: 'POST /api/v1/teams abc' }
const answer = { status: 201, body: `{"name":"blue \\u0000 '; drop table idempotency_key"}` }
const day = 86_400_000
const now = 1_732_180_000_000
const times = { now, unknownFrom: now + 60_000, until: now + day }

/** `createStore` gives an empty store. */
export function idempotencyStoreContract(createStore: () => Promise<IdempotencyStore>): void {
  describe('an IdempotencyStore', () => {
    it('gives a key to the first, and the answer to those who repeat the request', async () => {
      const store = await createStore()
      expect(await store.claim(request, times)).toEqual({ state: 'claimed' })
      expect(await store.claim(request, times)).toEqual({ state: 'under_way' })
      await store.settle(request, answer, times.until)
      expect(await store.claim(request, times)).toEqual({ state: 'settled', answer })
      expect(await store.claim(request, { ...times, now: times.unknownFrom + 1 })).toEqual({
        state: 'settled',
        answer,
      })
    })

    it('gives it to one of those who ask at the same time', async () => {
      const store = await createStore()
      const claims = await Promise.all(Array.from({ length: 10 }, () => store.claim(request, times)))
      expect(claims.map(({ state }) => state).toSorted()).toEqual([
        'claimed',
        ...Array.from({ length: 9 }, () => 'under_way'),
      ])
    })

    it('refuses a key that stands for another request, done or not', async () => {
      const store = await createStore()
      const other = { ...request, fingerprint: 'POST /api/v1/teams xyz' }
      await store.claim(request, times)
      expect(await store.claim(other, times)).toEqual({ state: 'other_request' })
      await store.release(other)
      await store.settle(other, { status: 500, body: '' }, times.until)
      await store.settle(request, answer, times.until)
      expect(await store.claim(other, times)).toEqual({ state: 'other_request' })
      expect(await store.claim(request, times)).toEqual({ state: 'settled', answer })
    })

    it('tells the keys of one caller from those of another', async () => {
      const store = await createStore()
      await store.claim(request, times)
      await store.settle(request, answer, times.until)
      expect(await store.claim({ ...request, scope: 'usr_bob' }, times)).toEqual({ state: 'claimed' })
      expect(await store.claim({ ...request, key: 'k2' }, times)).toEqual({ state: 'claimed' })
    })

    it('frees a key that is released, but not one that is settled', async () => {
      const store = await createStore()
      await store.claim(request, times)
      await store.release(request)
      expect(await store.claim(request, times)).toEqual({ state: 'claimed' })
      await store.settle(request, answer, times.until)
      await store.release(request)
      expect(await store.claim(request, times)).toEqual({ state: 'settled', answer })
    })

    it('says that nobody knows how a request ended that nobody has settled in time, and gives its key to nobody', async () => {
      const store = await createStore()
      await store.claim(request, times)
      const justBefore = { ...times, now: times.unknownFrom - 1 }
      expect(await store.claim(request, justBefore)).toEqual({ state: 'under_way' })
      const after = { ...times, now: times.unknownFrom }
      expect(await store.claim(request, after)).toEqual({ state: 'unknown' })
      expect(await store.claim(request, { ...after, unknownFrom: after.now + 60_000 })).toEqual({ state: 'unknown' })
      expect(await store.claim({ ...request, fingerprint: 'another' }, after)).toEqual({ state: 'other_request' })
      // It took its time, and now it is known.
      await store.settle(request, answer, times.until)
      expect(await store.claim(request, after)).toEqual({ state: 'settled', answer })
    })

    it('says so at once of a request that was abandoned', async () => {
      const store = await createStore()
      await store.claim(request, times)
      await store.abandon({ ...request, fingerprint: 'another' })
      expect(await store.claim(request, times)).toEqual({ state: 'under_way' })
      await store.abandon(request)
      expect(await store.claim(request, times)).toEqual({ state: 'unknown' })
    })

    it('keeps an answer that is there, whoever abandons its request', async () => {
      const store = await createStore()
      await store.claim(request, times)
      await store.settle(request, answer, times.until)
      await store.abandon(request)
      expect(await store.claim(request, times)).toEqual({ state: 'settled', answer })
    })

    it('frees a key whose time is over, for another request as well', async () => {
      const store = await createStore()
      await store.claim(request, times)
      const later = { now: times.until, unknownFrom: times.until + 60_000, until: times.until + day }
      const other = { ...request, fingerprint: 'another' }
      expect(await store.claim(other, later)).toEqual({ state: 'claimed' })
      // Who was too slow settles nothing for those who came after.
      await store.settle(request, answer, later.until)
      await store.abandon(request)
      expect(await store.claim(other, later)).toEqual({ state: 'under_way' })
    })

    it('settles once', async () => {
      const store = await createStore()
      await store.claim(request, times)
      await store.settle(request, answer, times.until)
      await store.settle(request, { status: 500, body: 'late' }, times.until)
      expect(await store.claim(request, times)).toEqual({ state: 'settled', answer })
    })

    it('deletes what has run out, so many at a time', async () => {
      const store = await createStore()
      for (let index = 0; index < 5; index++)
        await store.claim({ ...request, key: `k${index}` }, { ...times, until: times.now + index })
      expect(await store.deleteExpired(times.now + 3, 3)).toBe(3)
      expect(await store.deleteExpired(times.now + 3, 3)).toBe(1)
      expect(await store.deleteExpired(times.now + 3, 3)).toBe(0)
      expect(await store.claim({ ...request, key: 'k4' }, { ...times, now: times.now + 3 })).toEqual({
        state: 'under_way',
      })
    })
  })
}
