import type { Selectable, Transaction } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import type { KeyStore, StoredKey } from '#core/vault/key-store.ts'
import type { Database } from './database.ts'
import { isForeignKeyBroken } from './foreign-keys.ts'
import type { Tables, VaultKeyTable } from './tables.ts'

export function createSqlKeyStore({ queries }: Pick<Database, 'queries'>): KeyStore {
  return {
    async list() {
      const rows = await queries.selectFrom('vault_key').selectAll().orderBy('created_at').orderBy('id').execute()
      return rows.map(toStoredKey)
    },
    add: (key, after) => queries.transaction().execute((transaction) => add(transaction, key, after)),
    rewrap: (seen, next) =>
      queries.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('vault_key')
          .set({ wrapped: next.wrapped, wrapped_by: next.wrappedBy })
          .where((is) => is.and({ id: seen.id, wrapped: seen.wrapped }))
          .executeTakeFirstOrThrow()
        return numUpdatedRows === 1n
      }),
    delete: (id) => deleteUnused({ queries }, id),
  }
}

async function add(
  transaction: Transaction<Tables>,
  { id, wrapped, wrappedBy, createdAt }: Omit<StoredKey, 'retiredAt'>,
  after: string | null,
): Promise<boolean> {
  if (after !== null) {
    const { numUpdatedRows } = await transaction
      .updateTable('vault_key')
      .set({ retired_at: createdAt })
      .where('id', '=', after)
      .where('retired_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) return false
  }
  // Who comes second waits here for the first one's end, and then inserts nothing.
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto('vault_key')
    .values({ id, wrapped, wrapped_by: wrappedBy, created_at: createdAt, retired_at: null })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  const isAdded = numInsertedOrUpdatedRows === 1n
  // One was retired, so only the id can be in the way: what is thrown brings the retired one back.
  if (!isAdded && after !== null)
    throw new GatewayError('internal', { details: { reason: 'A new data key has the id of another.' } })
  return isAdded
}

async function deleteUnused({ queries }: Pick<Database, 'queries'>, id: string): Promise<boolean> {
  try {
    return await queries.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('vault_key')
        .where('id', '=', id)
        .where('retired_at', 'is not', null)
        .executeTakeFirstOrThrow()
      return numDeletedRows === 1n
    })
  } catch (error) {
    if (isForeignKeyBroken(error)) return false
    throw error
  }
}

function toStoredKey(row: Selectable<VaultKeyTable>): StoredKey {
  const { id, wrapped, wrapped_by: wrappedBy, created_at: createdAt, retired_at: retiredAt } = row
  return { id, wrapped, wrappedBy, createdAt, retiredAt }
}
