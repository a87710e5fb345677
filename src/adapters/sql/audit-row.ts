/** All that ties an AuditEvent to its table: the columns in their order, the insert, and the way back. */
import type { Selectable } from 'kysely'
import { auditKinds, principalKinds } from '#contract/audit.ts'
import { GatewayError } from '#contract/errors.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditEventTable } from './tables.ts'

/** In which column each part of an event stands. What most calls have nothing to say of comes last. */
export const auditColumnOf = {
  at: 'at',
  kind: 'kind',
  principalKind: 'principal_kind',
  principalId: 'principal_id',
  principalName: 'principal_name',
  tokenId: 'token_id',
  tokenName: 'token_name',
  tokenHash: 'token_hash',
  requestId: 'request_id',
  endpoint: 'endpoint',
  method: 'method',
  server: 'server',
  target: 'target',
  calledAs: 'called_as',
  effect: 'effect',
  reason: 'reason',
  outcome: 'outcome',
  durationMs: 'duration_ms',
  upstreamMs: 'upstream_ms',
  argumentsDigest: 'arguments_digest',
  sessionId: 'session_id',
  changedBy: 'changed_by',
  project: 'project',
  toolset: 'toolset',
  targetId: 'target_id',
  arguments: 'arguments',
  result: 'result',
} as const satisfies Record<keyof AuditEvent, keyof AuditEventTable>

export const auditColumns: readonly (keyof AuditEventTable)[] = Object.values(auditColumnOf)
/** Of events that say nothing in the last ones, where the database fills in an empty text. */
const usualColumns = auditColumns.slice(0, 20)

/**
 * The only statements that are not built per query: they run for each call, and the builder would cost more than the insert. Each value that
 * is bound costs some 0.1 µs.
 */
export const insertAuditEventSql = insertOf(auditColumns)
export const insertUsualEventSql = insertOf(usualColumns)

function insertOf(columns: readonly string[]): string {
  return `insert into audit_event (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`
}

type AuditValue = string | number | null

/** The values of `auditColumns`, in their order. @param e as `toStorableAuditEvent` gives it */
export function toAuditRow(e: AuditEvent): AuditValue[] {
  return [...toUsualRow(e), e.sessionId, e.changedBy, e.project, e.toolset, e.targetId, e.arguments, e.result]
}

/** Whether the first columns say all. */
export function isUsual(e: AuditEvent): boolean {
  const { sessionId, changedBy, project, toolset, targetId } = e
  return sessionId + changedBy + project + toolset + targetId === '' && e.arguments === '' && e.result === ''
}

/** The values of the first columns. Written out: this runs for each call. */
export function toUsualRow(e: AuditEvent): AuditValue[] {
  return [
    e.at,
    e.kind,
    e.principalKind,
    e.principalId,
    e.principalName,
    e.tokenId,
    e.tokenName,
    e.tokenHash,
    e.requestId,
    e.endpoint,
    e.method,
    e.server,
    e.target,
    e.calledAs,
    e.effect,
    e.reason,
    e.outcome,
    e.durationMs,
    e.upstreamMs,
    e.argumentsDigest,
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
