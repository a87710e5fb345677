/** All that ties an AuditEvent to its table: the columns in their order, the insert, and the way back. */
import type { Selectable } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { type AuditEvent, auditKinds, toStorableAuditEvent } from '#core/audit/audit-event.ts'
import type { AuditEventTable } from './tables.ts'

export const auditColumns = [
  'at',
  'kind',
  'token_id',
  'token_name',
  'request_id',
  'endpoint',
  'method',
  'server',
  'target',
  'effect',
  'reason',
  'outcome',
  'duration_ms',
] as const satisfies readonly (keyof AuditEventTable)[]

/** The one statement that is not built per query: it runs for each call, and the builder would cost more than the insert. */
export const insertAuditEventSql = `insert into audit_event (${auditColumns.join(', ')}) values (${auditColumns.map(() => '?').join(', ')})`

/** The values of `auditColumns`, in their order. */
export type AuditRow = [number, ...texts: [...TenTexts, string], number]
type TenTexts = [string, string, string, string, string, string, string, string, string, string]

export function toAuditRow(event: AuditEvent): AuditRow {
  const e = toStorableAuditEvent(event)
  return [
    e.at,
    e.kind,
    e.tokenId,
    e.tokenName,
    e.requestId,
    e.endpoint,
    e.method,
    e.server,
    e.target,
    e.effect,
    e.reason,
    e.outcome,
    e.durationMs,
  ]
}

/** Stored data is input too: a row that is no event is a defect, not an event of another kind. */
export function toAuditEvent(row: Selectable<AuditEventTable>): AuditEvent {
  const kind = auditKinds.find((kind) => kind === row.kind)
  if (kind === undefined || (row.effect !== 'allow' && row.effect !== 'deny')) {
    throw new GatewayError('internal', { details: { reason: 'A stored audit event cannot be read.', id: row.id } })
  }
  return {
    at: row.at,
    kind,
    tokenId: row.token_id,
    tokenName: row.token_name,
    requestId: row.request_id,
    endpoint: row.endpoint,
    method: row.method,
    server: row.server,
    target: row.target,
    effect: row.effect,
    reason: row.reason,
    outcome: row.outcome,
    durationMs: row.duration_ms,
  }
}
