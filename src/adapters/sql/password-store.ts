import type { PasswordStore } from '#core/identity/password-store.ts'
import type { Database } from './database.ts'

export function createSqlPasswordStore({ queries }: Pick<Database, 'queries'>): PasswordStore {
  return {
    async get(userId) {
      const row = await queries.selectFrom('user_secret').selectAll().where('user_id', '=', userId).executeTakeFirst()
      return row ? { phc: row.phc, setAt: row.set_at } : null
    },
  }
}
