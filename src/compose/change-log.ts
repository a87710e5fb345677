/** What is changed through the management API goes where calls are recorded. */
import { apiRoot } from '#contract/api-root.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import { whatIs } from '#core/audit/audit-what.ts'
import { nobodyWho, systemWho, toTokenHash, type AuditWho } from '#core/audit/audit-who.ts'
import type { ChangeEvent, ChangeLog } from '#core/audit/change-log.ts'

export function createChangeLog(audit: Pick<AuditRecorder, 'take'>): ChangeLog {
  return {
    append: (event) => {
      const who = whoDid(event)
      const { kind, id, name } = event.resource
      audit.take({
        at: event.at,
        requestId: event.requestId,
        outcome: event.outcome,
        durationMs: 0,
        upstreamMs: null,
        argumentsDigest: '',
        arguments: '',
        result: '',
        who: kind === 'session' ? { ...who, sessionId: id } : who,
        what: whatIs({
          kind: 'resource_change',
          changedBy: event.changedBy,
          project: '',
          toolset: '',
          endpoint: event.actor.kind === 'system' ? '' : apiRoot,
          method: `${event.action} ${kind}`,
          server: kind === 'server' ? name : '',
          target: name,
          targetId: id,
          calledAs: '',
          effect: event.outcome === 'ok' ? 'allow' : 'deny',
          // Names of members and never their values.
          reason: event.reason ?? (event.changed.length > 0 ? `changed ${event.changed.join(', ')}` : ''),
        }),
      })
    },
  }
}

function whoDid({ actor, action, resource, outcome }: ChangeEvent): AuditWho {
  const { kind, id, name, token } = actor
  if (kind === 'system') return systemWho
  if (kind === 'user' || kind === 'agent')
    return { ...nobodyWho, principalKind: kind, principalId: id, principalName: name }
  if (token) {
    const { holder, digest } = token
    const tokenHash = toTokenHash(digest)
    return { ...nobodyWho, principalKind: holder.kind, principalId: holder.id, tokenId: id, tokenName: name, tokenHash }
  }
  // Who signs in is nobody until it has succeeded.
  if (action !== 'sign_in' || outcome !== 'ok') return nobodyWho
  return { ...nobodyWho, principalKind: 'user', principalId: resource.id, principalName: resource.name }
}
