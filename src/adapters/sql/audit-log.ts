import { type AuditEvent, checkAuditListLimit } from '#core/audit/audit-event.ts'
import { toAuditRecord, type AuditRecord } from '#core/audit/audit-record.ts'
import type { AuditRecordLog } from '#core/audit/audit-log.ts'
import type { Clock } from '#core/clock.ts'
import { createAuditIntake } from './audit-intake.ts'
import { createAuditPump } from './audit-pump.ts'
import { toAuditEvent } from './audit-row.ts'
import { createAuditWriter } from './audit-writer.ts'
import type { Database } from './database.ts'

export type SqlAuditLogOptions = {
  database: Pick<Database, 'queries' | 'insertAuditEvents'>
  clock?: Pick<Clock, 'after'>
  /** Events in one transaction, 1 to 1,000 (250 where it is not given); so many waiting events are stored without waiting for the timer. */
  batchMax?: number
  /** How long an event waits at most before it is stored. */
  flushMs?: number
  /** Calls that may wait, a few hundred bytes each. 65,536 where it is not given. Refusals have room of their own beside them. */
  ringMax?: number
  /** Told why the store refused a batch, and how many events were lost with it. Must not throw. */
  onRefused?: (cause: unknown, lostCount: number) => void
  /** Told, some time after it happened, of events that found no room since it was told last. Must not throw. */
  onLost?: (lost: { calls: number; refusals: number }) => void
  /** Told once when the store cannot be asked, with the cause, and once when it can be again, with null; and how many events wait. */
  onReach?: (cause: unknown, waitingCount: number) => void
}

/** They are written while all else waits: a larger batch costs an event no less, and each call that comes meanwhile more. */
const batchUsual = 250

/**
 * An AuditLog over a ring: `take` stores a pointer, and a batch at a time is written, each in a transaction of its own.
 * Between two batches everything else that waits gets its turn, however long the backlog. The timer runs only while
 * events wait. While the store is away events wait in the ring, as many as it holds. The database stays open after `close`.
 */
export function createSqlAuditLog(options: SqlAuditLogOptions): AuditRecordLog {
  const { database, clock = unheldClock, flushMs = 75 } = options
  const batchMax = Math.min(options.batchMax ?? batchUsual, 1_000)
  const intake = createAuditIntake({ ringMax: options.ringMax ?? 65_536, clock, onLost: options.onLost })
  const { ring, losses } = intake
  const writer = createAuditWriter(ring, { ...options, batchMax, losses })
  const pump = createAuditPump(ring, writer, { clock, flushMs, batchMax, onReach: options.onReach })
  const take = (record: AuditRecord): void => {
    if (intake.take(record)) pump.schedule()
  }
  return {
    take,
    append: (event) => take(toAuditRecord(event)),
    flush: () => pump.flush(),
    dropped: () => losses.calls,
    droppedRefusals: () => losses.refusals,
    list: (query) => listAuditEvents(database, query),
    async close() {
      intake.close()
      await pump.flush().catch(() => {
        // Counted, and told to onRefused.
      })
      pump.stop()
      // What the store cannot be given now it will not be given any more.
      writer.dropAll()
      intake.tell()
    },
  }
}

async function listAuditEvents(
  { queries }: Pick<Database, 'queries'>,
  query: { limit: number },
): Promise<AuditEvent[]> {
  const limit = checkAuditListLimit(query.limit)
  const rows = await queries.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit).execute()
  return rows.map(toAuditEvent)
}

/** A gateway that has nothing else to do may end; `close` has stored what waited. */
const unheldClock: Pick<Clock, 'after'> = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
