import type { AuditLosses } from '#core/audit/audit-share.ts'
import type { AuditRing } from './audit-ring.ts'
import type { Database } from './database.ts'

export type AuditWriter = {
  /** Stores the oldest batch of the ring, or drops it when the store refuses it twice. Never rejects. */
  writeBatch(): Promise<void>
  /** Batches dropped since the start. */
  refusedCount(): number
  lastRefusal(): unknown
}

type Options = {
  database: Pick<Database, 'insertAuditEvents'>
  batchMax: number
  /** Where what was dropped is counted. */
  losses: AuditLosses
  onRefused?: (cause: unknown, lostCount: number) => void
}

export function createAuditWriter(ring: AuditRing, { database, batchMax, losses, onRefused }: Options): AuditWriter {
  let refusedCount = 0
  let lastRefusal: unknown
  return {
    async writeBatch() {
      const batch = ring.oldest(batchMax)
      const attempt = () => database.insertAuditEvents(batch)
      // The events stay in the ring meanwhile, so they count against its limit.
      const outcome = await attempt()
        .catch(attempt)
        .then(
          () => ({ isStored: true, cause: null }),
          (cause: unknown) => ({ isStored: false, cause }),
        )
      ring.release(batch.length)
      if (outcome.isStored) return
      for (const event of batch) losses.add(event)
      refusedCount++
      lastRefusal = outcome.cause
      onRefused?.(outcome.cause, batch.length)
    },
    refusedCount: () => refusedCount,
    lastRefusal: () => lastRefusal,
  }
}
