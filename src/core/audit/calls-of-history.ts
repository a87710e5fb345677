/** Recorded calls of tools, read from the record of everything. */
import type { AuditHistory } from './audit-history.ts'
import type { CallHistory } from './call-history.ts'

export function callsOfHistory(history: AuditHistory): CallHistory {
  return {
    async read({ since, limit, cursor }) {
      const page = await history.read({
        limit,
        before: cursor === null ? undefined : Number(cursor),
        filter: { kind: 'call', method: 'tools/call', since },
      })
      const calls = page.events.map(
        ({ at, tokenId, tokenName, principalKind, principalId, principalName, server, target }) => ({
          at,
          tokenId,
          tokenName,
          agent: principalKind === 'agent' ? { id: principalId, name: principalName } : null,
          server,
          tool: target,
        }),
      )
      return { calls, next: page.next === null ? null : String(page.next) }
    },
  }
}
