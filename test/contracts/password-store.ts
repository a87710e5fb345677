/** What every PasswordStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { PasswordStore } from '#core/identity/password-store.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'
import { create, remove, update } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'

type Stores = { passwords: PasswordStore; resources: ResourceStore }

/** `createStores` gives empty stores. */
export function passwordStoreContract(createStores: () => Promise<Stores>): void {
  describe('a PasswordStore', () => {
    const ann = resource('user', 'ann')
    const first = { phc: '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA', setAt: 1_732_180_000_000 }
    const withUsers = async () => {
      const stores = await createStores()
      await stores.resources.write([create(ann), create(resource('user', 'bob')), create(resource('team', 'blue'))])
      return stores
    }

    it('has none at first', async () => {
      const { passwords } = await withUsers()
      expect(await passwords.get('usr_ann')).toBeNull()
      await passwords.delete('usr_ann')
      expect(await passwords.get('usr_nobody')).toBeNull()
    })

    it('keeps one for each user, the last one', async () => {
      const { passwords } = await withUsers()
      await passwords.put('usr_ann', first)
      expect(await passwords.get('usr_ann')).toEqual(first)
      expect(await passwords.get('usr_bob')).toBeNull()
      await passwords.put('usr_ann', { phc: 'other', setAt: 2 })
      expect(await passwords.get('usr_ann')).toEqual({ phc: 'other', setAt: 2 })
      await passwords.delete('usr_ann')
      expect(await passwords.get('usr_ann')).toBeNull()
    })

    it.each(['usr_nobody', 'team_blue', `usr_ann' or '1'='1`])('has none for %s, who is no user', async (id) => {
      const { passwords } = await withUsers()
      await expect(passwords.put(id, first)).rejects.toMatchObject({ code: 'no_such_resource' })
      expect(await passwords.get(id)).toBeNull()
    })

    it('keeps it while the user is changed, and is no change of the user', async () => {
      const { passwords, resources } = await withUsers()
      const last = await resources.lastChange()
      await passwords.put('usr_ann', first)
      expect(await resources.lastChange()).toBe(last)
      await resources.write([update({ ...ann, name: 'anna' })])
      expect(await passwords.get('usr_ann')).toEqual(first)
    })

    it('forgets it with the user, also where the same one is made again', async () => {
      const { passwords, resources } = await withUsers()
      await passwords.put('usr_ann', first)
      await resources.write([remove(ann)])
      expect(await passwords.get('usr_ann')).toBeNull()
      await resources.write([create(ann)])
      expect(await passwords.get('usr_ann')).toBeNull()
    })
  })
}
