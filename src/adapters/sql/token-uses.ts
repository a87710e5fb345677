/** Last uses of tokens. They are no changes of the tokens, so that a busy token does not keep every replica busy. */
import type { Kysely, Transaction } from 'kysely'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import { chunksOf } from './chunks.ts'
import type { Tables } from './tables.ts'

/** @param uses Unix milliseconds by token id */
export async function touchTokens(queries: Kysely<Tables>, uses: ReadonlyMap<string, number>): Promise<void> {
  // In one order, so that two replicas who tell of the same tokens never wait for each other in a circle.
  const ordered = [...uses].toSorted(([one], [other]) => (one < other ? -1 : 1))
  for (const chunk of chunksOf(ordered, 2))
    await queries.transaction().execute(async (transaction) => {
      const known = await findKnown(
        transaction,
        chunk.map(([id]) => id),
      )
      const rows = chunk.filter(([id]) => known.has(id)).map(([id, at]) => ({ token_id: id, at }))
      if (rows.length === 0) return
      await transaction
        .insertInto('token_use')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .column('token_id')
            .doUpdateSet((is) => ({ at: is.ref('excluded.at') }))
            .whereRef('excluded.at', '>', 'token_use.at'),
        )
        .execute()
    })
}

export async function readLastUses(queries: Kysely<Tables>, tokenIds: readonly string[]): Promise<Map<string, number>> {
  const uses = new Map<string, number>()
  for (const chunk of chunksOf(tokenIds)) {
    const rows = await queries.selectFrom('token_use').selectAll().where('token_id', 'in', chunk).execute()
    for (const row of rows) uses.set(row.token_id, row.at)
  }
  return uses
}

/** A use may be told of after its token was deleted: it would be a row for ever. What is declared has no row of its own. */
async function findKnown(transaction: Transaction<Tables>, ids: readonly string[]): Promise<Set<string>> {
  const stored = ids.filter((id) => !isDeclaredId(id))
  const known = new Set(ids.filter(isDeclaredId))
  if (stored.length === 0) return known
  const rows = await transaction.selectFrom('resource').select('id').where('id', 'in', stored).execute()
  for (const { id } of rows) known.add(id)
  return known
}
