/** Step 9 of a call: one AuditEvent, whatever happened. A request that ends before it is a call leaves one as well. */
import type { ErrorCode, GatewayError } from '#contract/errors.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'

/** What becomes known of a call on its way. */
export type CallFacts = {
  server: string
  target: string
  effect: AuditEvent['effect']
  reason: string
}

export function recordCall(
  audit: AuditLog,
  call: ClientCall,
  end: { facts: CallFacts; outcome: string; at: number },
): void {
  const { facts, outcome, at } = end
  audit.append({
    at: call.receivedAt,
    kind: 'call',
    tokenId: call.principal.tokenId,
    tokenName: call.principal.tokenName,
    requestId: call.requestId,
    endpoint: call.endpoint.key,
    method: call.message.method.slice(0, 128),
    server: facts.server,
    target: facts.target.slice(0, 512),
    effect: facts.effect,
    reason: facts.reason,
    outcome,
    durationMs: at - call.receivedAt,
  })
}

/** A request that speaks of a session, or of nothing that is served. */
export type PlainRequest = {
  requestId: string
  /** Unix time in milliseconds. */
  receivedAt: number
  /** Null where nobody was identified. */
  principal: Principal | null
  /** The endpoint's key, or the path where the endpoint is not known. */
  endpoint: string
  /** The MCP method, or the HTTP method where no message was read. */
  method: string
}

type PlainEnd = Pick<AuditEvent, 'kind' | 'server' | 'effect' | 'reason' | 'outcome'> & { at: number }

function recordPlain(audit: AuditLog, request: PlainRequest, end: PlainEnd): void {
  const { requestId, receivedAt, principal, endpoint, method } = request
  audit.append({
    at: receivedAt,
    kind: end.kind,
    tokenId: principal?.tokenId ?? '',
    tokenName: principal?.tokenName ?? '',
    requestId,
    endpoint: endpoint.slice(0, 256),
    method: method.slice(0, 128),
    server: end.server,
    target: '',
    effect: end.effect,
    reason: end.reason,
    outcome: end.outcome,
    durationMs: end.at - receivedAt,
  })
}

/** A request that ended before it was a call. */
export function recordRefusal(audit: AuditLog, request: PlainRequest, end: { error: GatewayError; at: number }): void {
  const { code } = end.error
  const kind = code === 'unauthorized' ? 'auth_failure' : 'refusal'
  recordPlain(audit, request, { kind, server: '', effect: 'deny', reason: code, outcome: code, at: end.at })
}

/** `initialize`. @param end.error why no session was opened; null where one was */
export function recordOpening(
  audit: AuditLog,
  request: PlainRequest,
  end: { server: string; error: GatewayError | null; at: number },
): void {
  const { server, error, at } = end
  const isRefused = error !== null && isRefusal(error)
  recordPlain(audit, request, {
    kind: 'call',
    server,
    effect: isRefused ? 'deny' : 'allow',
    reason: isRefused ? error.code : '',
    outcome: error?.code ?? 'ok',
    at,
  })
}

export function recordSessionEnd(audit: AuditLog, request: PlainRequest, end: { at: number }): void {
  recordPlain(audit, request, {
    kind: 'session_end',
    server: '',
    effect: 'allow',
    reason: '',
    outcome: 'ok',
    at: end.at,
  })
}

/** @param change.outcome `ok` where the gateway runs with it from now on, else why it does not */
export function recordConfigChange(audit: AuditLog, change: { at: number; outcome: 'ok' | ErrorCode }): void {
  const { at, outcome } = change
  const request = { requestId: '', receivedAt: at, principal: null, endpoint: '', method: '' }
  const isApplied = outcome === 'ok'
  recordPlain(audit, request, {
    kind: 'config_change',
    server: '',
    effect: isApplied ? 'allow' : 'deny',
    reason: isApplied ? '' : outcome,
    outcome,
    at,
  })
}

/** Whether the caller was refused, before any upstream was asked. */
export function isRefusal({ code }: GatewayError): boolean {
  return code === 'forbidden' || code === 'rate_limited' || code === 'too_many_sessions' || code.endsWith('_not_found')
}
