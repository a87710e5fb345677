/** Step 9 of a call: one AuditEvent, whatever happened. A request that ends before it is a call leaves one as well. */
import type { ErrorCode, GatewayError } from '#contract/errors.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditPayload, AuditRecorder } from '#core/audit/audit-recorder.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import { whatIs, type AuditWhat } from '#core/audit/audit-what.ts'
import { nobodyWho, systemWho, whoIs, type AuditWho } from '#core/audit/audit-who.ts'
import type { Principal } from '#core/identity/principal.ts'
import { toOutcome, type RpcRequest } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { Address } from './endpoint.ts'
import { parseMessage, rawText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

/** What becomes known of a call on its way. */
export type CallFacts = {
  server: string
  target: string
  effect: AuditEvent['effect']
  reason: string
  /** What the server was asked with, see AuditEvent. */
  credential: string
  /** When the server was asked, Unix time in milliseconds; 0: it was not. */
  sentAt: number
}

type CallEnd = { facts: CallFacts; outcome: string; at: number; answer: Answer | null }

/** One literal with every member in its place: this runs for each call. */
export function recordCall(audit: AuditRecorder, call: ClientCall, end: CallEnd): void {
  const { facts, outcome, at, answer } = end
  const { principal, receivedAt, message } = call
  const record: AuditRecord = {
    at: receivedAt,
    requestId: call.requestId,
    outcome,
    durationMs: at - receivedAt,
    upstreamMs: facts.sentAt === 0 ? null : at - facts.sentAt,
    argumentsDigest: '',
    arguments: '',
    result: '',
    who: whoIs(principal, outcome.startsWith('credential_') ? '' : facts.credential),
    what: whatOf(call, facts),
  }
  audit.take(record, payloadOf(message, audit.keepsPayloads === true ? answer : null))
}

function whatOf({ principal, endpoint, address, message }: ClientCall, facts: CallFacts): AuditWhat {
  return whatIs({
    kind: 'call',
    changedBy: '',
    project: address.scope === 'project' ? address.names : '',
    toolset: address.scope === 'toolset' ? address.names : (principal.toolset ?? ''),
    endpoint: endpoint.key,
    method: message.method.slice(0, 128),
    server: facts.server,
    target: facts.target.slice(0, 512),
    targetId: '',
    calledAs: calledAs(message, facts.target),
    effect: facts.effect,
    reason: facts.reason,
  })
}

/** What the caller said, where the server has another name for it. */
function calledAs({ params }: RpcRequest, target: string): string {
  const said = params?.['name'] ?? params?.['uri']
  return typeof said !== 'string' || said === target ? '' : said.slice(0, 512)
}

function payloadOf({ method, params }: RpcRequest, answer: Answer | null): AuditPayload | null {
  if (method !== 'tools/call' && method !== 'prompts/get') return null
  const args = params?.['arguments']
  return args === undefined && answer === null ? null : { arguments: args, result: resultOf(answer) }
}

/** Longer results go through as bytes, and are not read for the record. */
const rawCharsMax = 65_536

function resultOf(answer: Answer | null): unknown {
  if (answer === null) return undefined
  if ('result' in answer) return answer.result
  if ('error' in answer) return answer.error
  if (!('raw' in answer) || answer.raw.length > rawCharsMax) return undefined
  const outcome = toOutcome(parseMessage(rawText(answer)) ?? {})
  return outcome && ('result' in outcome ? outcome.result : outcome.error)
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
  /** Where it was, if that is known. */
  address?: Address | undefined
}

type Taker = Pick<AuditRecorder, 'take'>

type PlainEnd = Pick<AuditEvent, 'kind' | 'server' | 'effect' | 'reason' | 'outcome'> & {
  at: number
  /** Of what nobody asked for. */
  who?: AuditWho
  target?: string
}

function recordPlain(audit: Taker, request: PlainRequest, end: PlainEnd): void {
  const { requestId, receivedAt, principal, endpoint, method, address } = request
  audit.take({
    at: receivedAt,
    requestId,
    outcome: end.outcome,
    durationMs: end.at - receivedAt,
    upstreamMs: null,
    argumentsDigest: '',
    arguments: '',
    result: '',
    who: principal ? whoIs(principal) : (end.who ?? nobodyWho),
    what: whatIs({
      kind: end.kind,
      changedBy: '',
      project: address?.scope === 'project' ? address.names : '',
      toolset: address?.scope === 'toolset' ? address.names : (principal?.toolset ?? ''),
      endpoint: endpoint.slice(0, 256),
      method: method.slice(0, 128),
      server: end.server,
      target: end.target ?? '',
      targetId: '',
      calledAs: '',
      effect: end.effect,
      reason: end.reason,
    }),
  })
}

/** A request that ended before it was a call. */
export function recordRefusal(audit: Taker, request: PlainRequest, end: { error: GatewayError; at: number }): void {
  const { code } = end.error
  const kind = code === 'unauthorized' ? 'auth_failure' : 'refusal'
  recordPlain(audit, request, { kind, server: '', effect: 'deny', reason: code, outcome: code, at: end.at })
}

/** `initialize`. @param end.error why no session was opened; null where one was */
export function recordOpening(
  audit: Taker,
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

export function recordSessionEnd(audit: Taker, request: PlainRequest, end: { at: number }): void {
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
export function recordConfigChange(audit: Taker, change: { at: number; outcome: 'ok' | ErrorCode }): void {
  const { at, outcome } = change
  const request = { requestId: '', receivedAt: at, principal: null, endpoint: '', method: '' }
  const isApplied = outcome === 'ok'
  recordPlain(audit, request, {
    kind: 'config_change',
    who: systemWho,
    server: '',
    effect: isApplied ? 'allow' : 'deny',
    reason: isApplied ? '' : outcome,
    outcome,
    at,
  })
}

/** @param removal.before Unix time in milliseconds: events from before it were removed */
export function recordRetention(audit: Taker, removal: { at: number; removed: number; before: number }): void {
  const { at, removed, before } = removal
  const request = { requestId: '', receivedAt: at, principal: null, endpoint: '', method: 'delete audit_event' }
  recordPlain(audit, request, {
    kind: 'retention',
    who: systemWho,
    server: '',
    effect: 'allow',
    reason: `removed ${removed} from before ${new Date(before).toISOString()}`,
    outcome: 'ok',
    at,
  })
}

/** @param rotation.keyId the new key's */
export function recordKeyRotation(
  audit: Taker,
  { at, keyId, reason }: { at: number; keyId: string; reason: string },
): void {
  const request = { requestId: '', receivedAt: at, principal: null, endpoint: '', method: 'rotate vault_key' }
  const end = { who: systemWho, server: '', effect: 'allow', outcome: 'ok', target: keyId } as const
  recordPlain(audit, request, { kind: 'key_rotation', ...end, reason, at })
}

/** Whether the caller was refused, before any upstream was asked. */
export function isRefusal({ code }: GatewayError): boolean {
  return code === 'forbidden' || code === 'rate_limited' || code === 'too_many_sessions' || code.endsWith('_not_found')
}
