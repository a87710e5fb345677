import { GatewayError } from '#contract/errors.ts'
import { shareOf, type AuditLosses } from '#core/audit/audit-share.ts'
import type { AuditRing } from './audit-ring.ts'
import type { Database } from './database.ts'

/** `refused`: the store will not have the batch, now or later, and it is lost. `away`: the store cannot be asked; the batch waits in the ring. */
type Written = 'stored' | 'refused' | 'away'

export type AuditWriter = {
  /** Stores the oldest batch of the ring. Never rejects. */
  writeBatch(): Promise<Written>
  /** Gives up what is in the ring. */
  dropAll(): void
  /** Batches dropped since the start. */
  refusedCount(): number
  /** Why the last batch was not stored that was not. */
  lastFailure(): unknown
}

type Options = {
  database: Pick<Database, 'insertAuditEvents'>
  batchMax: number
  /** Where what was dropped is counted. */
  losses: AuditLosses
  onRefused?: ((cause: unknown, lostCount: number) => void) | undefined
}

export function createAuditWriter(ring: AuditRing, { database, batchMax, losses, onRefused }: Options): AuditWriter {
  let refusedCount = 0
  let lastFailure: unknown

  function drop(count: number): void {
    for (const { what, who } of ring.oldest(count)) losses.add(shareOf(what, who))
    ring.release(count)
    refusedCount++
    onRefused?.(lastFailure, count)
  }

  return {
    async writeBatch() {
      const batch = ring.oldest(batchMax)
      const attempt = () => database.insertAuditEvents(batch)
      // The events stay in the ring meanwhile, so they count against its limit.
      const failure = await attempt()
        .catch(attempt)
        .then(
          () => null,
          (cause: unknown) => ({ cause }),
        )
      if (failure === null) {
        ring.release(batch.length)
        return 'stored'
      }
      lastFailure = failure.cause
      if (failure.cause instanceof GatewayError && failure.cause.code === 'storage_unavailable') return 'away'
      drop(batch.length)
      return 'refused'
    },
    dropAll() {
      if (ring.size() > 0) drop(ring.size())
    },
    refusedCount: () => refusedCount,
    lastFailure: () => lastFailure,
  }
}
