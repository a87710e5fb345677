/**
 * Events wait for room in shares, so that no flood of one share costs an event of another: what strangers send must not push out what a
 * token did, and what a token is refused must not push out what others called.
 */
import type { AuditEvent } from './audit-event.ts'

/** `strangers`: refused, and nobody was identified. `refusals`: refused, and the token is known. `calls`: all else. */
export type AuditShare = 'calls' | 'refusals' | 'strangers'

export function shareOf(
  { kind }: Pick<AuditEvent, 'kind'>,
  { tokenId, sessionId }: Pick<AuditEvent, 'tokenId' | 'sessionId'>,
): AuditShare {
  if (kind !== 'refusal' && kind !== 'auth_failure') return 'calls'
  return tokenId === '' && sessionId === '' ? 'strangers' : 'refusals'
}

/** How many events each share may hold. */
export type AuditRoom = Readonly<Record<AuditShare, number>>

/** @param callsMax of the share that matters most; the two others get a sixteenth of it each */
export function divideAuditRoom(callsMax: number): AuditRoom {
  const small = Math.ceil(callsMax / 16)
  return { calls: callsMax, refusals: small, strangers: small }
}

/** Events that are lost. Those of refusals are counted by themselves: a flood of them says nothing of the calls. */
export class AuditLosses {
  calls = 0
  refusals = 0

  add(share: AuditShare): void {
    if (share === 'calls') this.calls++
    else this.refusals++
  }
}
