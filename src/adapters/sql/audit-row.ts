/** All that ties an AuditEvent to its table: the columns in their order, the inserts, and the way back. */
import type { Selectable } from 'kysely'
import { auditKinds, principalKinds } from '#contract/audit.ts'
import { GatewayError } from '#contract/errors.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import type { AuditWhat } from '#core/audit/audit-what.ts'
import { whatColumnOf } from './audit-parts.ts'
import type { AuditEventTable, AuditView } from './tables.ts'

/** In which column each part of an event stands that is its own. Who did it, and what, stand elsewhere (see audit-parts.ts). */
export const ownColumnOf = {
  at: 'at',
  requestId: 'request_id',
  outcome: 'outcome',
  durationMs: 'duration_ms',
  upstreamMs: 'upstream_ms',
  argumentsDigest: 'arguments_digest',
  arguments: 'arguments',
  result: 'result',
} as const satisfies Record<Exclude<keyof AuditRecord, 'who' | 'what'>, keyof AuditEventTable>

const ownColumns = ['who', ...Object.values(ownColumnOf)]
/** Of most events, where nothing is kept of what a call was given and gave. */
const usualColumns = ownColumns.slice(0, -2)
const whatColumns = Object.values(whatColumnOf)
/** They have no default, and stand empty in events that name who did it, and what. */
const emptyOfWho = ['token_id', 'token_name']
const emptyOfWhat = whatColumns.slice(0, 7)

/**
 * The only statements that are not built per query: they run for each call, and the builder would cost more than the insert. Each value that
 * is bound costs some 0.1 µs.
 */
export const auditInserts = {
  usual: insertOf([...usualColumns, 'what'], emptyOfWhat),
  named: insertOf([...ownColumns, 'what'], emptyOfWhat),
  whole: insertOf([...ownColumns, ...whatColumns]),
}

function insertOf(columns: readonly string[], empty: readonly string[] = []): string {
  const without = [...emptyOfWho, ...empty]
  const values = [...columns.map(() => '?'), ...without.map(() => `''`)]
  return `insert into audit_event (${[...columns, ...without].join(', ')}) values (${values.join(', ')})`
}

export type AuditValue = string | number | null

/** Whether nothing of its payloads is kept. */
export function isUsual(record: AuditRecord): boolean {
  return record.arguments === '' && record.result === ''
}

/** The ids of rows. */
type Named = { who: string; what: string }

/** Written out, and with all in its place: this runs for each call. @param r as `toStorableRecord` gives it */
export function toUsualValues(r: AuditRecord, { who, what }: Named): AuditValue[] {
  return [who, r.at, r.requestId, r.outcome, r.durationMs, r.upstreamMs, r.argumentsDigest, what]
}

export function toNamedValues(r: AuditRecord, { who, what }: Named): AuditValue[] {
  return [...toOwnValues(r, who), what]
}

export function toWholeValues(r: AuditRecord, who: string): AuditValue[] {
  return [...toOwnValues(r, who), ...toWhatValues(r.what)]
}

/** For both ways at once. */
export const auditColumns: readonly string[] = [...ownColumns, 'what', ...whatColumns, ...emptyOfWho]

/** @param what null: the event says it itself */
export function toAuditValues(r: AuditRecord, who: string, what: string | null): AuditValue[] {
  const said = what === null ? toWhatValues(r.what) : whatColumns.map(() => '')
  return [...toOwnValues(r, who), what ?? '', ...said, ...emptyOfWho.map(() => '')]
}

function toOwnValues(r: AuditRecord, who: string): AuditValue[] {
  return [who, r.at, r.requestId, r.outcome, r.durationMs, r.upstreamMs, r.argumentsDigest, r.arguments, r.result]
}

/** In the order of `whatColumnOf`. */
function toWhatValues(what: AuditWhat): string[] {
  const { kind, endpoint, method, server, target, effect, reason } = what
  const { calledAs, changedBy, project, toolset, targetId } = what
  return [kind, endpoint, method, server, target, effect, reason, calledAs, changedBy, project, toolset, targetId]
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
    credential: row.credential,
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
