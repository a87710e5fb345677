import { GatewayError } from '#contract/errors.ts'
import type { PasswordStore } from '#core/identity/password-store.ts'
import type { Database } from './database.ts'

export function createSqlPasswordStore({ queries }: Pick<Database, 'queries'>): PasswordStore {
  return {
    async get(userId) {
      const row = await queries.selectFrom('user_secret').selectAll().where('user_id', '=', userId).executeTakeFirst()
      return row ? { phc: row.phc, setAt: row.set_at } : null
    },
    async put(userId, { phc, setAt }) {
      await queries.transaction().execute(async (transaction) => {
        const user = transaction.selectFrom('resource').select('id')
        const found = await user.where((is) => is.and({ id: userId, kind: 'user' })).executeTakeFirst()
        if (!found) throw new GatewayError('no_such_resource', { details: { kind: 'user', id: userId } })
        await transaction
          .insertInto('user_secret')
          .values({ user_id: userId, phc, set_at: setAt })
          .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ phc, set_at: setAt }))
          .execute()
      })
    },
    async delete(userId) {
      await queries
        .transaction()
        .execute((transaction) => transaction.deleteFrom('user_secret').where('user_id', '=', userId).execute())
    },
  }
}
