import { GatewayError } from '#contract/errors.ts'
import type { PasswordStore, StoredPassword } from '#core/identity/password-store.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'

/** A PasswordStore that ends with the process, for the users of this store. */
export function createMemoryPasswordStore(users: Pick<ResourceStore, 'get'>): PasswordStore {
  const passwords = new Map<string, StoredPassword>()
  return {
    async get(userId) {
      const user = await users.get('user', userId)
      if (!user) passwords.delete(userId)
      return structuredClone(passwords.get(userId) ?? null)
    },
    async put(userId, password) {
      const user = await users.get('user', userId)
      if (!user) throw new GatewayError('no_such_resource', { details: { kind: 'user', id: userId } })
      passwords.set(userId, structuredClone(password))
    },
    async delete(userId) {
      passwords.delete(userId)
    },
  }
}
