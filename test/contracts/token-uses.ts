/** What a ResourceStore keeps of the uses of tokens. */
import { describe, expect, it } from 'vitest'
import { resource } from '#test/support/resources.ts'
import { annsToken, create, type CreateResourceStore, remove } from '#test/support/resource-writes.ts'

export function tokenUsesContract(createStore: CreateResourceStore): void {
  describe('uses of tokens', () => {
    const filled = async (names: readonly string[]) => {
      const store = await createStore()
      await store.write([create(resource('user', 'ann')), ...names.map((name) => create(annsToken(name)))])
      return store
    }

    it('are kept by token, and are no change of it', async () => {
      const store = await filled(['a', 'b'])
      const last = await store.lastChange()
      await store.touchTokens(new Map([['tok_a', 1_732_180_000_000]]))
      expect(await store.lastUses(['tok_a', 'tok_b', 'tok_nobody'])).toEqual(new Map([['tok_a', 1_732_180_000_000]]))
      expect(await store.lastChange()).toBe(last)
      expect(await store.get('token', 'tok_a')).toMatchObject({ version: 1 })
    })

    it('never go back, in whatever order replicas tell of them', async () => {
      const store = await filled(['a'])
      for (const at of [5, 9, 7]) await store.touchTokens(new Map([['tok_a', at]]))
      expect(await store.lastUses(['tok_a'])).toEqual(new Map([['tok_a', 9]]))
    })

    it('are kept of tokens that the configuration declares, and of no other that is not stored', async () => {
      const store = await filled([])
      await store.touchTokens(new Map(Object.entries({ cfg_token_ci: 5, tok_gone: 6 })))
      expect(await store.lastUses(['cfg_token_ci', 'tok_gone'])).toEqual(new Map([['cfg_token_ci', 5]]))
    })

    it('end with the token', async () => {
      const store = await filled(['a', 'b'])
      await store.touchTokens(new Map(Object.entries({ tok_a: 5, tok_b: 6 })))
      await store.write([remove(annsToken('a'))])
      await store.write([create(annsToken('a'))])
      expect(await store.lastUses(['tok_a', 'tok_b'])).toEqual(new Map([['tok_b', 6]]))
      await store.write([remove(resource('user', 'ann'))])
      expect(await store.lastUses(['tok_a', 'tok_b'])).toEqual(new Map())
    })

    it('are taken and told by thousands, also at the same time', async () => {
      const names = Array.from({ length: 1_100 }, (_, index) => `t${index}`)
      const store = await filled(names)
      const ids = names.map((name) => `tok_${name}`)
      const touch = (order: readonly string[], at: number) => store.touchTokens(new Map(order.map((id) => [id, at])))
      await Promise.all([touch(ids, 3), touch(ids.toReversed(), 4), touch(ids, 5), touch(ids.toReversed(), 2)])
      expect(await store.lastUses(ids)).toEqual(new Map(ids.map((id) => [id, 5])))
      await store.touchTokens(new Map())
      expect(await store.lastUses([])).toEqual(new Map())
    })
  })
}
