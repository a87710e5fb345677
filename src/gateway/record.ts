/** Step 9 of a call: one AuditEvent, whatever happened. */
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
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
