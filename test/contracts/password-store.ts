/** What every store does with passwords, whatever it stores in: they are written with their users, and read apart from them. */
import { describe, expect, it } from 'vitest'
import type { PasswordStore, StoredPassword } from '#core/identity/password-store.ts'
import type { Change, Resource, ResourceStore } from '#core/resources/resource-store.ts'
import { create, remove, update } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'

type Stores = { passwords: PasswordStore; resources: ResourceStore }

/** `createStores` gives empty stores. */
export function passwordStoreContract(createStores: () => Promise<Stores>): void {
  describe('a PasswordStore', () => {
    const ann = resource('user', 'ann')
    const first = { phc: '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA', setAt: 1_732_180_000_000 }
    const second = { phc: 'other', setAt: 2 }
    const setting = (user: Resource<'user'>, password: StoredPassword): Change => ({
      do: 'update',
      resource: user,
      password,
    })
    const withUsers = async () => {
      const stores = await createStores()
      await stores.resources.write([create(ann), create(resource('user', 'bob')), create(resource('team', 'blue'))])
      return stores
    }

    it.each(['usr_ann', 'usr_nobody', 'team_blue', `usr_ann' or '1'='1`])('has none for %s at first', async (id) => {
      const { passwords } = await withUsers()
      expect(await passwords.get(id)).toBeNull()
    })

    it('keeps one for each user, the last one', async () => {
      const { passwords, resources } = await withUsers()
      await resources.write([setting(ann, first)])
      expect(await passwords.get('usr_ann')).toEqual(first)
      expect(await passwords.get('usr_bob')).toBeNull()
      await resources.write([setting({ ...ann, version: 2 }, second)])
      expect(await passwords.get('usr_ann')).toEqual(second)
    })

    it('has one from the start where the user is made with it', async () => {
      const { passwords, resources } = await createStores()
      await resources.write([{ do: 'create', resource: ann, password: first }])
      expect(await passwords.get('usr_ann')).toEqual(first)
      expect((await resources.get('user', 'usr_ann'))?.version).toBe(1)
    })

    it('changes a user and its password together, or neither', async () => {
      const { passwords, resources } = await withUsers()
      await resources.write([setting(ann, first)])
      const renamed = { ...ann, name: 'anna', version: 2 }
      const refused = resources.write([setting(renamed, second), create(resource('user', 'bob'))])
      await expect(refused).rejects.toMatchObject({ code: 'already_exists' })
      const stale = resources.write([setting({ ...renamed, version: 1 }, second)])
      await expect(stale).rejects.toMatchObject({ code: 'version_conflict' })
      expect(await passwords.get('usr_ann')).toEqual(first)
      expect(await resources.get('user', 'usr_ann')).toMatchObject({ name: 'ann', version: 2 })
      const last = await resources.lastChange()
      await resources.write([setting(renamed, second)])
      expect(await passwords.get('usr_ann')).toEqual(second)
      expect(await resources.get('user', 'usr_ann')).toMatchObject({ name: 'anna', version: 3 })
      expect(await resources.lastChange()).toBe(last + 1)
    })

    it('keeps it while the user is changed in other ways, and shows it to no reader of users', async () => {
      const { passwords, resources } = await withUsers()
      await resources.write([setting(ann, first)])
      await resources.write([update({ ...ann, version: 2, name: 'anna' })])
      expect(await passwords.get('usr_ann')).toEqual(first)
      expect(JSON.stringify(await resources.load())).not.toContain(first.phc)
    })

    it('forgets it with the user, also where the same one is made again', async () => {
      const { passwords, resources } = await withUsers()
      await resources.write([setting(ann, first)])
      await resources.write([remove(ann)])
      expect(await passwords.get('usr_ann')).toBeNull()
      await resources.write([create(ann)])
      expect(await passwords.get('usr_ann')).toBeNull()
    })
  })
}
