/**
 * An event on its way into a log: what it says alike with others is there once, by reference. So it costs little to make, to hold and to
 * write: what waits is copied each time that the engine clears away what is young.
 */
import { cutText, hasStorableNumbers, toStorableAuditEvent, toStorableNumbers, type AuditEvent } from './audit-event.ts'
import { whatIs, type AuditWhat } from './audit-what.ts'
import type { AuditWho } from './audit-who.ts'

/** The members are those of AuditEvent. */
export type AuditRecord = Pick<AuditEvent, 'at' | 'requestId' | 'outcome' | 'durationMs' | 'upstreamMs'> &
  Pick<AuditEvent, 'argumentsDigest' | 'arguments' | 'result'> & {
    who: AuditWho
    /** As `whatIs` gives it. */
    readonly what: AuditWhat
  }

/** Written out: a program that calls through the library has this for each call. */
export function toAuditEvent(record: AuditRecord): AuditEvent {
  const { who, what } = record
  return {
    at: record.at,
    kind: what.kind,
    principalKind: who.principalKind,
    principalId: who.principalId,
    principalName: who.principalName,
    tokenId: who.tokenId,
    tokenName: who.tokenName,
    tokenHash: who.tokenHash,
    sessionId: who.sessionId,
    credential: who.credential,
    changedBy: what.changedBy,
    requestId: record.requestId,
    project: what.project,
    toolset: what.toolset,
    endpoint: what.endpoint,
    method: what.method,
    server: what.server,
    target: what.target,
    targetId: what.targetId,
    calledAs: what.calledAs,
    effect: what.effect,
    reason: what.reason,
    outcome: record.outcome,
    durationMs: record.durationMs,
    upstreamMs: record.upstreamMs,
    argumentsDigest: record.argumentsDigest,
    arguments: record.arguments,
    result: record.result,
  }
}

export function toAuditRecord(given: AuditEvent): AuditRecord {
  const event = toStorableAuditEvent(given)
  const { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId, credential } = event
  return {
    at: event.at,
    requestId: event.requestId,
    outcome: event.outcome,
    durationMs: event.durationMs,
    upstreamMs: event.upstreamMs,
    argumentsDigest: event.argumentsDigest,
    arguments: event.arguments,
    result: event.result,
    who: { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId, credential },
    what: whatIs(event),
  }
}

/** As `toStorableAuditEvent`; who and what are storable as they are made. */
export function toStorableRecord(record: AuditRecord): AuditRecord {
  if (hasStorableNumbers(record) && record.requestId.length + record.outcome.length <= textCharsMax) return record
  const { requestId, outcome } = record
  return { ...record, ...toStorableNumbers(record), requestId: cutText(requestId), outcome: cutText(outcome) }
}

/** Both are far shorter. */
const textCharsMax = 512
