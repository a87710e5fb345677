/** Port: where AuditEvents go. Types only. */
import type { AuditEvent } from './audit-event.ts'
import type { AuditRecord } from './audit-record.ts'

export interface AuditLog {
  /**
   * Takes the event and returns at once; it is stored later, in a batch, as `toStorableAuditEvent` gives it. When the event's
   * share of the ring is full (see audit-share.ts) one event of that share is lost and counted. After `close` every event is.
   */
  append(event: AuditEvent): void
  /** Resolves when everything appended so far is stored; rejects when the store refused some of it. */
  flush(): Promise<void>
  /** Events lost since the start, because there was no room or the store refused them; refusals are counted by themselves. */
  dropped(): number
  /** The same of refusals: requests that ended before they were calls. */
  droppedRefusals(): number
  /** Stored events, the newest first. `limit` is a whole number from 0 to 10,000, else `invalid_params`. */
  list(query: { limit: number }): Promise<AuditEvent[]>
  /** Flushes and takes no more. Resolves even when the store refuses: `dropped` says so, and a shutdown must go on. */
  close(): Promise<void>
}

/** An AuditLog that also takes events as they are made. */
export interface AuditRecordLog extends AuditLog {
  /** As `append`. The record is the log's from then on. */
  take(record: AuditRecord): void
}
