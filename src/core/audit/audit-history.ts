/** Port: reading what was recorded, and removing what is old. */
import type { AuditEvent } from './audit-event.ts'

/** `id` rises in the order of storing. */
export type StoredAuditEvent = AuditEvent & { id: number }

/** Parts of an event by which it can be found: each equal to what is asked for. */
export const auditFilterKeys = [
  'kind',
  'principalKind',
  'principalId',
  'principalName',
  'tokenId',
  'tokenName',
  'tokenHash',
  'sessionId',
  'credential',
  'changedBy',
  'requestId',
  'project',
  'toolset',
  'endpoint',
  'method',
  'server',
  'target',
  'targetId',
  'calledAs',
  'effect',
  'reason',
  'outcome',
  'argumentsDigest',
] as const satisfies readonly (keyof AuditEvent)[]

export type AuditFilter = Partial<Pick<AuditEvent, (typeof auditFilterKeys)[number]>> & {
  /** Unix milliseconds; events at or after. */
  since?: number
  /** Events before. */
  until?: number
}

export type AuditPage = {
  events: StoredAuditEvent[]
  /** The `before` of the next page; null: there is nothing older. A page may be short, or empty, and still have a next one. */
  next: number | null
}

export interface AuditHistory {
  /**
   * The newest first.
   * @param query.limit 1 to 1,000; `before`: only ids below it
   */
  read(query: { limit: number; before?: number | undefined; filter?: AuditFilter }): Promise<AuditPage>
  /** Removes the oldest events before a time, in Unix milliseconds, at most `limit` of them. @returns how many */
  deleteBefore(time: number, limit: number): Promise<number>
}
