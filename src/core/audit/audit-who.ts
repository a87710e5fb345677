/** Who did something, as an event says it: made once for each principal, and shared by all its events. */
import type { Principal } from '#core/identity/principal.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { AuditEvent } from './audit-event.ts'

export type AuditWho = Readonly<
  Pick<
    AuditEvent,
    'principalKind' | 'principalId' | 'principalName' | 'tokenId' | 'tokenName' | 'tokenHash' | 'sessionId'
  >
>

/** Nobody was identified. */
export const nobodyWho: AuditWho = {
  principalKind: '',
  principalId: '',
  principalName: '',
  tokenId: '',
  tokenName: '',
  tokenHash: '',
  sessionId: '',
}

/** The gateway itself. */
export const systemWho: AuditWho = {
  ...nobodyWho,
  principalKind: 'system',
  principalId: 'system',
  principalName: 'system',
}

const known = new WeakMap<Principal, AuditWho>()

/** A user may be a service, and what users and teams are called is not known here: `nameHolder` says it. */
export function whoIs(principal: Principal): AuditWho {
  let who = known.get(principal)
  if (!who) known.set(principal, (who = toWho(principal)))
  return who
}

function toWho({ id, tokenId, tokenName, token, session }: Principal): AuditWho {
  if (session) {
    const { id: sessionId, agentId, agentName } = session
    return { ...nobodyWho, principalKind: 'agent', principalId: agentId, principalName: agentName, sessionId }
  }
  if (!token) return { ...nobodyWho, principalKind: 'library', principalId: id, principalName: tokenName, tokenId }
  return {
    ...nobodyWho,
    principalKind: token.userId === null ? 'team' : 'user',
    principalId: token.userId ?? token.teamId ?? '',
    tokenId,
    tokenName,
    tokenHash: toTokenHash(token.digest),
  }
}

/** @param digest SHA-256 of the whole bearer, in hexadecimal */
export function toTokenHash(digest: string): string {
  return digest.slice(0, 12)
}

/** Users and teams, in memory. */
export type Holders = Pick<ResourceIndex, 'get'>

/** Completes an event in the name of a user or a team by what that is called, and which kind of user it is. */
export function nameHolder(event: AuditEvent, holders: Holders): void {
  const { principalKind, principalId } = event
  if (event.principalName !== '' || (principalKind !== 'user' && principalKind !== 'team')) return
  const holder = holders.get(principalKind, principalId)
  if (!holder) return
  event.principalName = holder.name
  if (isDeclaredId(principalId)) event.principalKind = 'configuration'
  else if (holder.kind === 'user' && holder.spec.type === 'service') event.principalKind = 'service'
}
