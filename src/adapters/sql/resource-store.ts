import { applyChanges } from '#core/resources/apply-changes.ts'
import type { Change, ResourceStore } from '#core/resources/resource-store.ts'
import { sealingKeyOfResource } from '#core/resources/sealed-spec.ts'
import type { Database } from './database.ts'
import { countChanges, lockCounter, readCounter } from './resource-counter.ts'
import { findResource, listReferrers, listResources, loadResources, readChangesSince } from './resource-reading.ts'
import { createResourceTransaction } from './resource-transaction.ts'
import { withSealingKeys } from './sealing-keys.ts'
import { readLastUses, touchTokens } from './token-uses.ts'

export type SqlResourceStoreOptions = {
  database: Pick<Database, 'queries' | 'readSnapshot'>
  /** Changes that stay known: who was away for longer loads everything. 10,000 where it is not given. */
  historyMax?: number
}

export function createSqlResourceStore({ database, historyMax = 10_000 }: SqlResourceStoreOptions): ResourceStore {
  const { queries } = database
  return {
    get: (kind, id) => findResource(queries, kind, { id }),
    find: (kind, name) => findResource(queries, kind, { name }),
    list: (kind, query) => listResources(queries, kind, query),
    referrers: (kind, id, limit) => listReferrers(queries, { kind, id }, limit),
    write: (changes) =>
      withSealingKeys(queries, keysOf(changes), () =>
        queries.transaction().execute(async (transaction) => {
          const counter = await lockCounter(transaction)
          const done = await applyChanges(changes, createResourceTransaction(transaction))
          return countChanges(transaction, done, { counter, historyMax })
        }),
      ),
    load: () => database.readSnapshot(loadResources),
    changesSince: (number) => database.readSnapshot((snapshot) => readChangesSince(snapshot, number)),
    lastChange: async () => (await readCounter(queries)).last,
    touchTokens: (uses) => touchTokens(queries, uses),
    lastUses: (tokenIds) => readLastUses(queries, tokenIds),
  }
}

function keysOf(changes: readonly Change[]): string[] {
  return changes.flatMap((change) => (change.do === 'delete' ? [] : (sealingKeyOfResource(change.resource) ?? [])))
}
