import { describe, expect, it } from 'vitest'
import { type AuditEvent, toStorableAuditEvent } from './audit-event.ts'

const event: AuditEvent = {
  at: 1_732_180_000_000,
  kind: 'call',
  principalKind: 'user',
  principalId: 'usr_1',
  principalName: 'ann',
  tokenId: 'tok_1',
  tokenName: 'platform',
  tokenHash: '0123456789ab',
  sessionId: '',
  credential: '',
  changedBy: '',
  requestId: 'req_1',
  project: '',
  toolset: '',
  endpoint: '/mcp',
  method: 'tools/call',
  server: 'everything',
  target: 'echo',
  targetId: '',
  calledAs: '',
  effect: 'allow',
  reason: 'platform',
  outcome: 'ok',
  durationMs: 1.5,
  upstreamMs: null,
  argumentsDigest: '',
  arguments: '',
  result: '',
}

/** Numbers, words of ours, and what was cut when it was made. */
const notCut = ['at', 'durationMs', 'upstreamMs', 'kind', 'principalKind', 'effect', 'arguments', 'result']

describe('toStorableAuditEvent', () => {
  it('gives back an event that fits, without copying it', () => {
    expect(toStorableAuditEvent(event)).toBe(event)
    const longest = { ...event, target: 'x'.repeat(512) }
    expect(toStorableAuditEvent(longest)).toBe(longest)
  })

  it('cuts every text that is too long and keeps the rest', () => {
    const tooLong = 'x'.repeat(513)
    const cut = 'x'.repeat(512)
    for (const key of Object.keys(event)) {
      if (notCut.includes(key)) continue
      expect(toStorableAuditEvent({ ...event, [key]: tooLong })).toEqual({ ...event, [key]: cut })
    }
  })

  it('leaves no half of a surrogate pair where it cuts', () => {
    const target = `${'x'.repeat(511)}😀`
    expect(toStorableAuditEvent({ ...event, target }).target.isWellFormed()).toBe(true)
  })

  it('replaces numbers that no database takes', () => {
    expect(toStorableAuditEvent({ ...event, at: 5.9 }).at).toBe(5)
    expect(toStorableAuditEvent({ ...event, at: Number.NaN }).at).toBe(0)
    expect(toStorableAuditEvent({ ...event, at: 1e300 }).at).toBe(0)
    expect(toStorableAuditEvent({ ...event, durationMs: Number.NaN }).durationMs).toBe(0)
    expect(toStorableAuditEvent({ ...event, durationMs: Number.POSITIVE_INFINITY }).durationMs).toBe(0)
    expect(toStorableAuditEvent({ ...event, upstreamMs: Number.NaN }).upstreamMs).toBeNull()
  })
})
