import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import { toAuditEvent, type AuditRecord } from '#core/audit/audit-record.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { principal } from '#test/support/upstreams.ts'
import { recordCall } from './record.ts'

const call = (method: string): ClientCall => ({
  principal: principal('ann'),
  endpoint: { key: 'aggregate:files', kind: 'aggregate', upstreams: [] },
  address: { scope: 'servers', names: null, narrowing: null },
  era: 'legacy',
  revision: '2025-11-25',
  facts: { capabilities: {}, info: undefined, logLevel: undefined },
  session: null,
  message: { jsonrpc: '2.0', id: 1, method, params: { arguments: { password: 'secret' } } },
  large: null,
  headers: { authorization: 'Bearer secret' },
  reply: { notify: () => undefined, ask: null },
  sink: null,
  cancellation: new Cancellation(),
  requestId: 'req_1',
  receivedAt: 1_000,
})

type More = Partial<ClientCall> & { outcome?: string }

function record(method: string, target: string, { outcome = 'ok', ...more }: More = {}): AuditEvent {
  const events: AuditEvent[] = []
  const audit = { take: (record: AuditRecord) => void events.push(toAuditEvent(record)) }
  const facts = {
    server: 'files',
    target,
    effect: 'allow' as const,
    reason: 'rule 0 of policy p',
    credential: 'bearer',
    sentAt: 1_050,
  }
  recordCall(audit, { ...call(method), ...more }, { facts, outcome, at: 1_250, answer: null })
  const [event] = events
  if (!event || events.length > 1) throw new Error('one call is one event')
  return event
}

describe('recordCall', () => {
  it('says who did what through what, and how it ended', () => {
    expect(record('tools/call', 'read')).toEqual({
      at: 1_000,
      kind: 'call',
      principalKind: 'library',
      principalId: 'ann',
      principalName: 'ann',
      tokenId: 'ann',
      tokenName: '',
      tokenHash: '',
      sessionId: '',
      credential: 'bearer',
      changedBy: '',
      requestId: 'req_1',
      project: '',
      toolset: '',
      endpoint: 'aggregate:files',
      method: 'tools/call',
      server: 'files',
      target: 'read',
      targetId: '',
      calledAs: '',
      effect: 'allow',
      reason: 'rule 0 of policy p',
      outcome: 'ok',
      durationMs: 250,
      upstreamMs: 200,
      argumentsDigest: '',
      arguments: '',
      result: '',
    })
  })

  it('says whose token it was, and which of its bearers', () => {
    const token = {
      digest: 'abcdef0123456789'.repeat(4),
      userId: 'usr_ann',
      teamId: null,
      projectId: null,
      endpoints: null,
      limits: null,
    }
    const ofUser = { ...principal('tok_1'), tokenName: 'ci', token }
    const key = { tokenId: 'tok_1', tokenName: 'ci', tokenHash: 'abcdef012345' }
    expect(record('tools/call', 'read', { principal: ofUser })).toMatchObject({
      ...key,
      principalKind: 'user',
      principalId: 'usr_ann',
    })
    const ofTeam = { ...ofUser, token: { ...token, userId: null, teamId: 'team_web' } }
    expect(record('tools/call', 'read', { principal: ofTeam })).toMatchObject({
      ...key,
      principalKind: 'team',
      principalId: 'team_web',
    })
  })

  it('tells a session of an agent from a token', () => {
    const session = { id: 'ses_1', agentId: 'agt_1', agentName: 'helper', userId: null, teamId: null }
    expect(record('tools/call', 'read', { principal: { ...principal('ses_1'), session } })).toMatchObject({
      principalKind: 'agent',
      principalId: 'agt_1',
      principalName: 'helper',
      sessionId: 'ses_1',
      tokenId: '',
      tokenName: '',
    })
  })

  it('says what the server was asked with, and nothing where there was nothing to ask it with', () => {
    expect(record('tools/call', 'read')).toMatchObject({ credential: 'bearer', tokenId: 'ann' })
    expect(record('tools/call', 'read', { outcome: 'credential_required' })).toMatchObject({
      credential: '',
      tokenId: 'ann',
    })
  })

  it.each(['project', 'toolset'] as const)('says at the address of which %s it was', (scope) => {
    expect(record('tools/call', 'read', { address: { scope, names: 'web', narrowing: null } })).toMatchObject({
      project: '',
      toolset: '',
      [scope]: 'web',
    })
  })

  it('says which toolset it was at an address of its servers’ kind', () => {
    expect(record('tools/call', 'read', { principal: { ...principal('ann'), toolset: 'few' } })).toMatchObject({
      toolset: 'few',
    })
  })

  it('says what the caller said, where the tool is called otherwise', () => {
    const message = { jsonrpc: '2.0' as const, id: 1, method: 'tools/call', params: { name: 'files__read' } }
    expect(record('tools/call', 'read', { message })).toMatchObject({ target: 'read', calledAs: 'files__read' })
    expect(record('tools/call', 'files__read', { message })).toMatchObject({ calledAs: '' })
  })

  it('holds no arguments and no headers', () => {
    expect(JSON.stringify(record('tools/call', 'read'))).not.toContain('secret')
  })

  it('cuts what a caller made too long', () => {
    const event = record('m'.repeat(1_000), 't'.repeat(10_000))
    expect([event.method.length, event.target.length]).toEqual([128, 512])
  })
})
