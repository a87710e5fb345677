/** What every KeyStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { KeyStore, StoredKey } from '#core/vault/key-store.ts'

const key = (id: string, createdAt: number): Omit<StoredKey, 'retiredAt'> => ({
  id,
  wrapped: `wrapped ${id}`,
  wrappedBy: 'local:12345678',
  createdAt,
})
const [first, second] = [key('aaaaaaaa', 1_732_180_000_000), key('bbbbbbbb', 1_732_180_000_001)]

/** `createStore` gives an empty store, and what makes something be sealed under a key of it. */
export function keyStoreContract(
  createStore: () => Promise<{ store: KeyStore; use: (id: string) => Promise<void> }>,
): void {
  describe('a KeyStore', () => {
    it('has no key at first, and one current key after the first was added', async () => {
      const { store } = await createStore()
      expect(await store.list()).toEqual([])
      expect(await store.add(first, null)).toBe(true)
      expect(await store.list()).toEqual([{ ...first, retiredAt: null }])
    })

    it('lets one of those be the first who start together', async () => {
      const { store } = await createStore()
      const keys = Array.from({ length: 8 }, (_, index) => key(`0000000${index}`, index))
      const added = await Promise.all(keys.map((one) => store.add(one, null)))
      expect(added.filter(Boolean)).toHaveLength(1)
      expect(await store.list()).toEqual([{ ...keys[added.indexOf(true)], retiredAt: null }])
    })

    it('retires the current key for the one who knows which it is', async () => {
      const { store } = await createStore()
      await store.add(first, null)
      expect(await store.add(second, null)).toBe(false)
      expect(await store.add(second, 'cccccccc')).toBe(false)
      expect(await store.list()).toEqual([{ ...first, retiredAt: null }])
      expect(await store.add(second, first.id)).toBe(true)
      expect(await store.list()).toEqual([
        { ...first, retiredAt: second.createdAt },
        { ...second, retiredAt: null },
      ])
    })

    it('lets one of those replace it who try together', async () => {
      const { store } = await createStore()
      await store.add(first, null)
      const keys = Array.from({ length: 8 }, (_, index) => key(`0000000${index}`, first.createdAt + 1 + index))
      const added = await Promise.all(keys.map((one) => store.add(one, first.id)))
      expect(added.filter(Boolean)).toHaveLength(1)
      const stored = await store.list()
      expect(stored.map(({ id }) => id)).toEqual([first.id, keys[added.indexOf(true)]?.id])
      expect(stored.filter(({ retiredAt }) => retiredAt === null)).toHaveLength(1)
    })

    it('wraps a key anew for who has seen how it is wrapped', async () => {
      const { store } = await createStore()
      await store.add(first, null)
      const seen = { ...first, retiredAt: null }
      const next = { wrapped: 'anew', wrappedBy: 'transit:transit/toolgate' }
      expect(await store.rewrap({ ...seen, wrapped: 'otherwise' }, next)).toBe(false)
      expect(await store.rewrap({ ...seen, id: second.id }, next)).toBe(false)
      expect(await store.rewrap(seen, next)).toBe(true)
      expect(await store.rewrap(seen, next)).toBe(false)
      expect(await store.list()).toEqual([{ ...seen, ...next }])
    })

    it('deletes a retired key, and never the current one', async () => {
      const { store } = await createStore()
      await store.add(first, null)
      expect(await store.delete(first.id)).toBe(false)
      await store.add(second, first.id)
      expect(await store.delete(second.id)).toBe(false)
      expect(await store.delete(first.id)).toBe(true)
      expect(await store.delete(first.id)).toBe(false)
      expect(await store.list()).toEqual([{ ...second, retiredAt: null }])
    })

    it('keeps a retired key that something is sealed under', async () => {
      const { store, use } = await createStore()
      await store.add(first, null)
      await use(first.id)
      await store.add(second, first.id)
      expect(await store.delete(first.id)).toBe(false)
      expect((await store.list()).map(({ id }) => id)).toEqual([first.id, second.id])
    })
  })
}
