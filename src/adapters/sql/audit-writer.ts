import type { AuditRing } from './audit-ring.ts'
import type { Database } from './database.ts'

export type AuditWriter = {
  /** Stores the oldest batch of the ring, or drops it when the store refuses it twice. Never rejects. */
  writeBatch(): Promise<void>
  /** Events dropped since the start. */
  refusedCount(): number
  lastRefusal(): unknown
}

type Options = {
  database: Pick<Database, 'insertAuditEvents'>
  batchMax: number
  onRefused?: (cause: unknown, lostCount: number) => void
}

export function createAuditWriter(ring: AuditRing, { database, batchMax, onRefused }: Options): AuditWriter {
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
      refusedCount += batch.length
      lastRefusal = outcome.cause
      onRefused?.(outcome.cause, batch.length)
    },
    refusedCount: () => refusedCount,
    lastRefusal: () => lastRefusal,
  }
}
