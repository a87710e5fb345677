/** What every TokenStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { StoredToken, TokenStore } from '#core/identity/token-store.ts'

export function storedToken(index: number, changes: Partial<StoredToken> = {}): StoredToken {
  return {
    id: `tok_${index}`,
    name: `token-${index}`,
    hash: index.toString(16).padStart(64, '0'),
    policies: ['read-only'],
    expiresAt: null,
    createdAt: 1_732_180_000_000 + index,
    ...changes,
  }
}

/** `create` gives an empty store. */
export function tokenStoreContract(create: () => Promise<TokenStore>): void {
  describe('a TokenStore', () => {
    it('is empty at first', async () => {
      const store = await create()
      expect(await store.listTokens()).toEqual([])
    })

    it('lists tokens with every field, the oldest first', async () => {
      const store = await create()
      const first = storedToken(1, { policies: [], expiresAt: 1_800_000_000_000 })
      const second = storedToken(2, { policies: ['b', 'a', `o'brien "x"`] })
      await store.putToken(second)
      await store.putToken(first)
      expect(await store.listTokens()).toEqual([first, second])
    })

    it('orders tokens of one moment by id', async () => {
      const store = await create()
      for (const index of [3, 1, 2]) await store.putToken(storedToken(index, { createdAt: 5 }))
      expect((await store.listTokens()).map((token) => token.id)).toEqual(['tok_1', 'tok_2', 'tok_3'])
    })

    it('replaces the token of the same name', async () => {
      const store = await create()
      await store.putToken(storedToken(1))
      await store.putToken(storedToken(2))
      const renewed = storedToken(3, { name: 'token-1' })
      await store.putToken(renewed)
      expect(await store.listTokens()).toEqual([storedToken(2), renewed])
    })

    it('replaces the token of the same id', async () => {
      const store = await create()
      await store.putToken(storedToken(1))
      const renamed = storedToken(1, { name: 'other', policies: ['admin'] })
      await store.putToken(renamed)
      expect(await store.listTokens()).toEqual([renamed])
    })

    it('puts the same token twice without a trace', async () => {
      const store = await create()
      await store.putToken(storedToken(1))
      await store.putToken(storedToken(1))
      expect(await store.listTokens()).toEqual([storedToken(1)])
    })

    it('refuses the hash of another token and keeps what was there', async () => {
      const store = await create()
      await store.putToken(storedToken(1))
      await store.putToken(storedToken(2))
      const stolen = storedToken(2, { hash: storedToken(1).hash })
      await expect(store.putToken(stolen)).rejects.toMatchObject({ code: 'config_invalid' })
      expect(await store.listTokens()).toEqual([storedToken(1), storedToken(2)])
    })

    it('deletes by id, and an unknown id without complaint', async () => {
      const store = await create()
      await store.putToken(storedToken(1))
      await store.putToken(storedToken(2))
      await store.deleteToken('tok_1')
      await store.deleteToken('tok_unknown')
      expect(await store.listTokens()).toEqual([storedToken(2)])
    })

    it('does not change when a given or a listed token is changed', async () => {
      const store = await create()
      const policies = ['read-only']
      await store.putToken(storedToken(1, { policies }))
      policies.push('admin')
      for (const token of await store.listTokens()) token.name = 'changed'
      expect(await store.listTokens()).toEqual([storedToken(1)])
    })

    it('takes puts and deletes that overlap', async () => {
      const store = await create()
      const indexes = Array.from({ length: 20 }, (_, index) => index)
      await Promise.all(indexes.map((index) => store.putToken(storedToken(index))))
      await Promise.all(indexes.slice(10).map((index) => store.deleteToken(`tok_${index}`)))
      expect(await store.listTokens()).toEqual(indexes.slice(0, 10).map((index) => storedToken(index)))
    })
  })
}
