/** What one act leaves in the audit log of a gateway in the test's own process. */
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { RawGateway } from './raw-gateway.ts'
import { exchange } from './raw-http.ts'
import { until } from './until.ts'

/** The events that came since, the oldest first: at least one, and all that come while the gateway answers somebody else. */
export async function auditOf(gateway: RawGateway, act: () => unknown): Promise<AuditEvent[]> {
  const before = (await gateway.audit()).length
  await act()
  await until('something is recorded', async () => (await gateway.audit()).length > before)
  await exchange(`${gateway.url}/health/live`)
  const events = await gateway.audit()
  return events.slice(0, events.length - before).toReversed()
}

/** Of events, what a test says of them. */
export const inShort = ({ kind, tokenName, endpoint, method, effect, outcome }: AuditEvent): string =>
  [kind, tokenName || 'nobody', endpoint, method || '-', effect, outcome].join(' ')
