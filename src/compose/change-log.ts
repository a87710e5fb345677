/** What is changed through the management API goes where calls are recorded. */
import type { AuditLog } from '#core/audit/audit-log.ts'
import type { ChangeEvent, ChangeLog } from '#core/audit/change-log.ts'
import { apiRoot } from '#contract/api-root.ts'

export function createChangeLog(audit: Pick<AuditLog, 'append'>): ChangeLog {
  return {
    append: (event) =>
      audit.append({
        at: event.at,
        kind: 'resource_change',
        tokenId: event.actor.id,
        tokenName: event.actor.name,
        requestId: event.requestId,
        endpoint: apiRoot,
        method: `${event.action} ${event.resource.kind}`,
        server: event.resource.kind === 'server' ? event.resource.name : '',
        target: event.resource.name,
        effect: event.outcome === 'ok' ? 'allow' : 'deny',
        reason: reasonOf(event),
        outcome: event.outcome,
        durationMs: 0,
      }),
  }
}

/** Names of members and never their values. */
function reasonOf({ changed, changedBy }: ChangeEvent): string {
  const parts = [
    ...(changed.length > 0 ? [`changed ${changed.join(', ')}`] : []),
    ...(changedBy === '' ? [] : [`for ${changedBy}`]),
  ]
  return parts.join('; ')
}
