import type { AuditQuery } from '#contract/operation-queries.ts'
import { GatewayError } from '#contract/errors.ts'
import type { AuditHistory, AuditPage } from '#core/audit/audit-history.ts'
import { canRun } from '#core/rbac/evaluate.ts'
import type { Actor } from './actor.ts'

export type AuditDeps = { history: AuditHistory }

/**
 * What was recorded, the newest first.
 * @throws GatewayError `forbidden`
 */
export async function readAudit({ history }: AuditDeps, actor: Actor, query: AuditQuery): Promise<AuditPage> {
  if (!canRun(actor.bindings, 'audit')) throw new GatewayError('forbidden', { details: { action: 'audit' } })
  const { limit, before, since, until, ...equal } = query
  const given = Object.entries(equal).filter(([, value]) => value !== undefined)
  return history.read({
    limit,
    before,
    filter: {
      ...Object.fromEntries(given),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    },
  })
}
