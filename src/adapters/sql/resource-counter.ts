/** The numbers of changes: given out one transaction after another, so that they rise in the order in which they can be seen. */
import type { Kysely, Transaction } from 'kysely'
import type { ResourceTarget } from '#core/resources/apply-changes.ts'
import type { ChangeNumber } from '#core/resources/resource-store.ts'
import { chunksOf } from './chunks.ts'
import type { Tables } from './tables.ts'

export type ResourceCounter = {
  last: ChangeNumber
  /** Changes up to this number have no row any more. */
  forgotten: ChangeNumber
}

const columns = ['last', 'forgotten'] as const

/**
 * Holds the one row until the transaction ends. Whoever comes later waits here, and sees everything then; so a change
 * becomes visible before one with a higher number, and no reader can have passed it.
 */
export async function lockCounter(transaction: Transaction<Tables>): Promise<ResourceCounter> {
  return transaction
    .updateTable('resource_counter')
    .set((is) => ({ last: is.ref('last') }))
    .returning(columns)
    .executeTakeFirstOrThrow()
}

export async function readCounter(queries: Kysely<Tables>): Promise<ResourceCounter> {
  return queries.selectFrom('resource_counter').select(columns).executeTakeFirstOrThrow()
}

/** Gives each of them a number. The oldest rows are forgotten in portions, so that not every write deletes some. */
export async function countChanges(
  transaction: Transaction<Tables>,
  targets: readonly ResourceTarget[],
  { counter, historyMax }: { counter: ResourceCounter; historyMax: number },
): Promise<ChangeNumber> {
  const rows = targets.map(({ kind, id }, index) => ({ number: counter.last + index + 1, kind, id }))
  for (const chunk of chunksOf(rows, 3)) await transaction.insertInto('resource_change').values(chunk).execute()
  const last = counter.last + targets.length
  const isLong = last - counter.forgotten > historyMax * 1.25
  const forgotten = isLong ? last - historyMax : counter.forgotten
  if (isLong) await transaction.deleteFrom('resource_change').where('number', '<=', forgotten).execute()
  await transaction.updateTable('resource_counter').set({ last, forgotten }).execute()
  return last
}
