import type { Kysely } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { isForeignKeyBroken } from './foreign-keys.ts'
import type { Tables } from './tables.ts'

/**
 * For a write of what is sealed under these data keys. A row names the key that it is sealed under, so the database refuses what is under one
 * that is deleted.
 * @throws GatewayError `sealing_key_replaced` then
 */
export async function withSealingKeys<Result>(
  queries: Kysely<Tables>,
  keyIds: readonly string[],
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    if (keyIds.length === 0 || !isForeignKeyBroken(error) || (await areThere(queries, keyIds))) throw error
    throw new GatewayError('sealing_key_replaced', { cause: error })
  }
}

async function areThere(queries: Kysely<Tables>, keyIds: readonly string[]): Promise<boolean> {
  const wanted = [...new Set(keyIds)]
  const found = await queries.selectFrom('vault_key').select('id').where('id', 'in', wanted).execute()
  return found.length === wanted.length
}
