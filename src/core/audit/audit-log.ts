/** Port: where AuditEvents go. Types only. */
import type { AuditEvent } from './audit-event.ts'

export interface AuditLog {
  /** Takes the event and returns at once; it is written in a batch. When the ring is full the event is dropped and counted. */
  append(event: AuditEvent): void
  /** Resolves when everything appended so far is stored. */
  flush(): Promise<void>
  /** Events lost since the start, because the ring was full or the store refused them. */
  dropped(): number
  /** The newest first. */
  list(query: { limit: number }): Promise<AuditEvent[]>
  /** Flushes and closes. */
  close(): Promise<void>
}
