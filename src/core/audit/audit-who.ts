/** Who did something, as an event says it: made once for each principal and each kind of credential that a server was asked with, and shared by all its events. */
import type { Principal } from '#core/identity/principal.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { cutText, type AuditEvent } from './audit-event.ts'

export type AuditWho = Readonly<
  Pick<
    AuditEvent,
    | 'principalKind'
    | 'principalId'
    | 'principalName'
    | 'tokenId'
    | 'tokenName'
    | 'tokenHash'
    | 'sessionId'
    | 'credential'
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
  credential: '',
}

/** The gateway itself. */
export const systemWho: AuditWho = {
  ...nobodyWho,
  principalKind: 'system',
  principalId: 'system',
  principalName: 'system',
}

const known = new WeakMap<Principal, { who: AuditWho; asked: Map<string, AuditWho> }>()
/** A caller's servers may have credentials of as many kinds. */
const credentialsMax = 100

/**
 * A user may be a service, and what users and teams are called is not known here: `createHolderNaming` says it.
 * @param credential see AuditEvent
 */
export function whoIs(principal: Principal, credential = ''): AuditWho {
  let entry = known.get(principal)
  if (!entry) known.set(principal, (entry = { who: toWho(principal), asked: new Map() }))
  if (credential === '') return entry.who
  let who = entry.asked.get(credential)
  if (!who) {
    if (entry.asked.size === credentialsMax) entry.asked.clear()
    entry.asked.set(credential, (who = { ...entry.who, credential }))
  }
  return who
}

function toWho({ id, tokenId, tokenName, token, session }: Principal): AuditWho {
  if (session) {
    const { id: sessionId, agentId, agentName } = session
    return { ...nobodyWho, principalKind: 'agent', principalId: agentId, principalName: agentName, sessionId }
  }
  if (!token) {
    // What a program calls its callers may be of any length.
    const [principalId, principalName] = [cutText(id), cutText(tokenName)]
    return { ...nobodyWho, principalKind: 'library', principalId, principalName, tokenId: cutText(tokenId) }
  }
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

/** Completes who is a user or a team by what that is called, and which kind of user it is. */
export function createHolderNaming(holders: Holders): (who: AuditWho) => AuditWho {
  const named = new WeakMap<AuditWho, { holder: Holder; who: AuditWho }>()
  return (who) => {
    const { principalKind, principalId, principalName } = who
    if (principalName !== '' || (principalKind !== 'user' && principalKind !== 'team')) return who
    const holder = holders.get(principalKind, principalId)
    if (!holder) return who
    const known = named.get(who)
    if (known?.holder === holder) return known.who
    const complete = { ...who, principalName: holder.name, principalKind: kindOf(holder, principalKind) }
    named.set(who, { holder, who: complete })
    return complete
  }
}

type Holder = Resource<'user' | 'team'>

function kindOf(holder: Holder, kind: 'user' | 'team'): AuditWho['principalKind'] {
  if (isDeclaredId(holder.id)) return 'configuration'
  return holder.kind === 'user' && holder.spec.type === 'service' ? 'service' : kind
}
