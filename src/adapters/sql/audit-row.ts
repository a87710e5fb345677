/** All that ties an AuditEvent to its table: the columns in their order, the insert, and the way back. */
import type { Selectable } from 'kysely'
import { auditKinds, principalKinds } from '#contract/audit.ts'
import { GatewayError } from '#contract/errors.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditWho } from '#core/audit/audit-who.ts'
import type { AuditEventTable, AuditView } from './tables.ts'

/** In which column each part of an event stands. Who did it stands elsewhere (see audit-who.ts). */
export const auditColumnOf = {
  at: 'at',
  kind: 'kind',
  requestId: 'request_id',
  endpoint: 'endpoint',
  method: 'method',
  server: 'server',
  target: 'target',
  effect: 'effect',
  reason: 'reason',
  outcome: 'outcome',
  durationMs: 'duration_ms',
  upstreamMs: 'upstream_ms',
  argumentsDigest: 'arguments_digest',
  calledAs: 'called_as',
  changedBy: 'changed_by',
  project: 'project',
  toolset: 'toolset',
  targetId: 'target_id',
  arguments: 'arguments',
  result: 'result',
} as const satisfies Record<Exclude<keyof AuditEvent, keyof AuditWho>, keyof AuditEventTable>

/** Of events that say nothing in the others, where the database fills in an empty text. */
const usualColumns = ['who', ...Object.values(auditColumnOf).slice(0, 13)]
const auditColumns = [...usualColumns, ...Object.values(auditColumnOf).slice(13)]
/** They have no default, and stand empty in events that name who did it. */
const emptyColumns = ['token_id', 'token_name']

/**
 * The only statements that are not built per query: they run for each call, and the builder would cost more than the insert. Each value that
 * is bound costs some 0.1 µs.
 */
export const insertAuditEventSql = insertOf(auditColumns)
export const insertUsualEventSql = insertOf(usualColumns)
export const auditInsertColumns: readonly string[] = [...auditColumns, ...emptyColumns]

function insertOf(columns: readonly string[]): string {
  const values = [...columns.map(() => '?'), ...emptyColumns.map(() => `''`)]
  return `insert into audit_event (${[...columns, ...emptyColumns].join(', ')}) values (${values.join(', ')})`
}

type AuditValue = string | number | null

/** @param e as `toStorableAuditEvent` gives it; `who`: its id */
export function toAuditRow(e: AuditEvent, who: string): AuditValue[] {
  return [...toUsualRow(e, who), e.calledAs, e.changedBy, e.project, e.toolset, e.targetId, e.arguments, e.result]
}

/** Whether the first columns say all. */
export function isUsual(e: AuditEvent): boolean {
  const { calledAs, changedBy, project, toolset, targetId } = e
  return calledAs + changedBy + project + toolset + targetId === '' && e.arguments === '' && e.result === ''
}

/** The values of the first columns. Written out: this runs for each call. */
export function toUsualRow(e: AuditEvent, who: string): AuditValue[] {
  return [
    who,
    e.at,
    e.kind,
    e.requestId,
    e.endpoint,
    e.method,
    e.server,
    e.target,
    e.effect,
    e.reason,
    e.outcome,
    e.durationMs,
    e.upstreamMs,
    e.argumentsDigest,
  ]
}

/** Stored data is input too: a row that is no event is a defect, not an event of another kind. */
export function toAuditEvent(row: Selectable<AuditView>): AuditEvent {
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
