import type { Kysely } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
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

export function sealingKeysOf(entries: readonly { sealed: string }[]): string[] {
  return entries.flatMap(({ sealed }) => sealingKeyOf(sealed) ?? [])
}

/** What is under no key is counted under the empty text. */
export function toCounts(rows: readonly { sealed_by: string | null; count: number }[]): Map<string, number> {
  return new Map(rows.map(({ sealed_by: keyId, count }) => [keyId ?? '', count]))
}
