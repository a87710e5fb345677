import { describe, expect, it } from 'vitest'
import type { AuditEvent } from '#core/audit/audit-event.ts'
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

function record(method: string, target: string): AuditEvent {
  const events: AuditEvent[] = []
  const audit = {
    append: (event: AuditEvent) => void events.push(event),
    flush: async () => undefined,
    dropped: () => 0,
    droppedRefusals: () => 0,
    list: async () => events,
    close: async () => undefined,
  }
  const facts = { server: 'files', target, effect: 'allow' as const, reason: 'rule 0 of policy p' }
  recordCall(audit, call(method), { facts, outcome: 'ok', at: 1_250 })
  const [event] = events
  if (!event || events.length > 1) throw new Error('one call is one event')
  return event
}

describe('recordCall', () => {
  it('says who did what through what, and how it ended', () => {
    expect(record('tools/call', 'read')).toEqual({
      at: 1_000,
      kind: 'call',
      tokenId: 'ann',
      tokenName: 'ann',
      requestId: 'req_1',
      endpoint: 'aggregate:files',
      method: 'tools/call',
      server: 'files',
      target: 'read',
      effect: 'allow',
      reason: 'rule 0 of policy p',
      outcome: 'ok',
      durationMs: 250,
    })
  })

  it('holds no arguments and no headers', () => {
    expect(JSON.stringify(record('tools/call', 'read'))).not.toContain('secret')
  })

  it('cuts what a caller made too long', () => {
    const event = record('m'.repeat(1_000), 't'.repeat(10_000))
    expect([event.method.length, event.target.length]).toEqual([128, 512])
  })
})
