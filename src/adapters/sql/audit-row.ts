/** All that ties an AuditEvent to its table: the columns in their order, the insert, and the way back. */
import type { Selectable } from 'kysely'
import { auditKinds, principalKinds } from '#contract/audit.ts'
import { GatewayError } from '#contract/errors.ts'
import { type AuditEvent, toStorableAuditEvent } from '#core/audit/audit-event.ts'
import type { AuditEventTable } from './tables.ts'

/** In which column each part of an event stands. */
export const auditColumnOf = {
  at: 'at',
  kind: 'kind',
  principalKind: 'principal_kind',
  principalId: 'principal_id',
  principalName: 'principal_name',
  tokenId: 'token_id',
  tokenName: 'token_name',
  tokenHash: 'token_hash',
  sessionId: 'session_id',
  changedBy: 'changed_by',
  requestId: 'request_id',
  project: 'project',
  toolset: 'toolset',
  endpoint: 'endpoint',
  method: 'method',
  server: 'server',
  target: 'target',
  targetId: 'target_id',
  calledAs: 'called_as',
  effect: 'effect',
  reason: 'reason',
  outcome: 'outcome',
  durationMs: 'duration_ms',
  upstreamMs: 'upstream_ms',
  argumentsDigest: 'arguments_digest',
  arguments: 'arguments',
  result: 'result',
} as const satisfies Record<keyof AuditEvent, keyof AuditEventTable>

export const auditColumns: readonly (keyof AuditEventTable)[] = Object.values(auditColumnOf)

/** The one statement that is not built per query: it runs for each call, and the builder would cost more than the insert. */
export const insertAuditEventSql = `insert into audit_event (${auditColumns.join(', ')}) values (${auditColumns.map(() => '?').join(', ')})`

/** The values of `auditColumns`, in their order. Written out: this runs for each call. */
export function toAuditRow(event: AuditEvent): (string | number | null)[] {
  const e = toStorableAuditEvent(event)
  return [
    e.at,
    e.kind,
    e.principalKind,
    e.principalId,
    e.principalName,
    e.tokenId,
    e.tokenName,
    e.tokenHash,
    e.sessionId,
    e.changedBy,
    e.requestId,
    e.project,
    e.toolset,
    e.endpoint,
    e.method,
    e.server,
    e.target,
    e.targetId,
    e.calledAs,
    e.effect,
    e.reason,
    e.outcome,
    e.durationMs,
    e.upstreamMs,
    e.argumentsDigest,
    e.arguments,
    e.result,
  ]
}

/** Stored data is input too: a row that is no event is a defect, not an event of another kind. */
export function toAuditEvent(row: Selectable<AuditEventTable>): AuditEvent {
  const kind = auditKinds.find((kind) => kind === row.kind)
  const principalKind = row.principal_kind === '' ? '' : principalKinds.find((kind) => kind === row.principal_kind)
  if (kind === undefined || principalKind === undefined || (row.effect !== 'allow' && row.effect !== 'deny')) {
    throw new GatewayError('internal', { details: { reason: 'A stored audit event cannot be read.', id: row.id } })
  }
  return {
    at: row.at,
    kind,
    principalKind,
    principalId: row.principal_id,
    principalName: row.principal_name,
    tokenId: row.token_id,
    tokenName: row.token_name,
    tokenHash: row.token_hash,
    sessionId: row.session_id,
    changedBy: row.changed_by,
    requestId: row.request_id,
    project: row.project,
    toolset: row.toolset,
    endpoint: row.endpoint,
    method: row.method,
    server: row.server,
    target: row.target,
    targetId: row.target_id,
    calledAs: row.called_as,
    effect: row.effect,
    reason: row.reason,
    outcome: row.outcome,
    durationMs: row.duration_ms,
    upstreamMs: row.upstream_ms,
    argumentsDigest: row.arguments_digest,
    arguments: row.arguments,
    result: row.result,
  }
}
