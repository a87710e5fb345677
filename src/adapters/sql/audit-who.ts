/**
 * Who did something is seven texts, and the same for thousands of events: it has a row of its own, which they name. Writing the event of a
 * call costs a third less so.
 */
import { hash } from 'node:crypto'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import type { AuditWho } from '#core/audit/audit-who.ts'
import type { AuditWhoTable } from './tables.ts'

/** The id is made of what it says, so that every replica gives it the same one without asking. */
export type WhoRow = { id: string; who: AuditWho }

/** In which column each part stands, here as in events of before. */
export const whoColumnOf = {
  principalKind: 'principal_kind',
  principalId: 'principal_id',
  principalName: 'principal_name',
  tokenId: 'token_id',
  tokenName: 'token_name',
  tokenHash: 'token_hash',
  sessionId: 'session_id',
} as const satisfies Record<keyof AuditWho, keyof AuditWhoTable>

/** When somebody was last seen is written so often at most: what is forgotten as old must be older by more (see `forgottenAfterMs`). */
const seenEveryMs = 3_600_000
/** What nobody was seen as for so long before the oldest event can be named by none that is kept. */
export const forgottenAfterMs = 24 * seenEveryMs

export const whoInsertColumns = ['id', 'seen_at', ...Object.values(whoColumnOf)]
/** Behind the values of `whoInsertColumns`, in both databases. */
export const whoInsertEnd = `on conflict (id) do update set seen_at = excluded.seen_at where audit_who.seen_at < excluded.seen_at - ${seenEveryMs}`

export function toWhoValues({ id, who }: WhoRow, seenAt: number): (string | number)[] {
  const { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId } = who
  return [id, seenAt, principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId]
}

const rememberedMax = 10_000

/** Finds who did it. One for each store: it remembers those that were found. */
export function createWhoFinder(): (event: AuditEvent) => WhoRow {
  const known = new Map<string, WhoRow>()
  let last: WhoRow | undefined
  return (event) => {
    if (last && isSame(last.who, event)) return last
    const key = keyOf(event)
    last = known.get(key)
    if (last) return last
    if (known.size >= rememberedMax) known.clear()
    last = { id: hash('sha256', key, 'base64url').slice(0, 22), who: whoOf(event) }
    known.set(key, last)
    return last
  }
}

/** Written out: this runs for each call, and mostly with the very texts of the call before. */
function isSame(who: AuditWho, event: AuditEvent): boolean {
  return (
    who.tokenHash === event.tokenHash &&
    who.sessionId === event.sessionId &&
    who.principalId === event.principalId &&
    who.principalName === event.principalName &&
    who.principalKind === event.principalKind &&
    who.tokenId === event.tokenId &&
    who.tokenName === event.tokenName
  )
}

/** As JSON, so that no part can be taken for another. */
function keyOf(event: AuditEvent): string {
  const { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId } = event
  return JSON.stringify([principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId])
}

function whoOf(event: AuditEvent): AuditWho {
  const { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId } = event
  return { principalKind, principalId, principalName, tokenId, tokenName, tokenHash, sessionId }
}
