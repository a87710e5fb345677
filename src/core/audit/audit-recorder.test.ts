import { describe, expect, it } from 'vitest'
import { createMemoryAuditLog } from '#adapters/memory/audit-log.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { auditEvent, auditLogContract, auditRecord } from '#test/contracts/audit-log.ts'
import { resource } from '#test/support/resources.ts'
import { createAuditRecorder, type AuditRecorderDeps } from './audit-recorder.ts'

const bare = { argumentsDigest: '', principalName: '' }

function recorderOf(deps: Partial<AuditRecorderDeps> = {}) {
  const turns: (() => void)[] = []
  const waits: (() => void)[] = []
  const log = createMemoryAuditLog({ ringMax: 1_000 })
  const later = {
    nextTurn: (task: () => void) => turns.push(task),
    after: (_ms: number, task: () => void) => waits.push(task),
  }
  const recorder = createAuditRecorder(log, { hash: hashToken, later, ...deps })
  return { log, recorder, turns, waits }
}

auditLogContract(async () => {
  const log = createMemoryAuditLog({ ringMax: 10_000 })
  return createAuditRecorder(log, {
    hash: hashToken,
    later: { nextTurn: setImmediate, after: (ms, task) => void setTimeout(task, ms) },
  })
})

describe('createAuditRecorder', () => {
  it('gives events on in their order, some moments later, and waits once at a time', async () => {
    const { log, recorder, turns, waits } = recorderOf()
    recorder.take(auditRecord(1), null)
    recorder.take(auditRecord(2), { arguments: {}, result: undefined })
    expect(await log.list({ limit: 9 })).toEqual([])
    expect([waits, turns]).toEqual([[expect.any(Function)], []])
    waits[0]?.()
    expect((await log.list({ limit: 9 })).map(({ requestId }) => requestId)).toEqual(['req_2', 'req_1'])
    recorder.take(auditRecord(3))
    expect(waits).toHaveLength(2)
  })

  it('gives dozens of events on in the next turn', async () => {
    const { log, recorder, turns } = recorderOf()
    for (let index = 0; index < 64; index++) recorder.take(auditRecord(index))
    expect(turns).toHaveLength(1)
    turns[0]?.()
    expect(await log.list({ limit: 100 })).toHaveLength(64)
  })

  it('holds no result for longer than a turn', () => {
    const { recorder, turns } = recorderOf({ redact: () => '' })
    recorder.take(auditRecord(1), { arguments: {}, result: {} })
    expect(turns).toHaveLength(1)
  })

  it('gives the SHA-256 of the arguments in their canonical form, which anybody can make again', async () => {
    const { recorder } = recorderOf({ later: null })
    recorder.take(auditRecord(1, bare), { arguments: JSON.parse('{ "b": [1.0, "é"], "a": null }'), result: undefined })
    recorder.take(auditRecord(2, bare), { arguments: undefined, result: undefined })
    const [none, some] = await recorder.list({ limit: 2 })
    expect(some?.argumentsDigest).toBe(hashToken('{"a":null,"b":[1,"é"]}'))
    expect(none?.argumentsDigest).toBe('')
    expect(JSON.stringify(some)).not.toContain('é')
  })

  it('loses no event to arguments that have no form in JSON', async () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    const { recorder } = recorderOf({ later: null, redact: () => JSON.stringify(circle) })
    recorder.take(auditRecord(1, bare), { arguments: circle, result: 1n })
    expect(await recorder.list({ limit: 2 })).toEqual([auditEvent(1, bare)])
  })

  it('keeps what the redaction leaves, and nothing where there is none', async () => {
    const redact = (value: unknown) => `redacted ${JSON.stringify(value)}`
    const { recorder } = recorderOf({ later: null, redact })
    expect(recorder.keepsPayloads).toBe(true)
    recorder.take(auditRecord(1, bare), { arguments: { a: 1 }, result: { b: 2 } })
    expect(await recorder.list({ limit: 1 })).toMatchObject([
      { arguments: 'redacted {"a":1}', result: 'redacted {"b":2}' },
    ])
    const other = recorderOf({ later: null }).recorder
    expect(other.keepsPayloads).toBe(false)
    other.take(auditRecord(1, bare), { arguments: { a: 1 }, result: { b: 2 } })
    expect(await other.list({ limit: 1 })).toMatchObject([{ arguments: '', result: '' }])
  })

  it('leaves secrets out of what callers choose, and everything else as it is', async () => {
    const { recorder } = recorderOf({ later: null })
    const token = `tg_${'a'.repeat(40)}`
    const secret = {
      kind: 'refusal' as const,
      method: token,
      target: 'https://u:canary@h/x',
      calledAs: `x?api_key=canary`,
      endpoint: `/mcp/${token}`,
    }
    const plain = {
      method: 'tools/call',
      target: 'demo://one?x=1',
      calledAs: 'tg_send_message_to_somebody',
      endpoint: 'aggregate:a,b',
    }
    recorder.take(auditRecord(1, { ...bare, ...secret }))
    recorder.take(auditRecord(2, { ...bare, ...plain }))
    const [second, first] = await recorder.list({ limit: 2 })
    expect(first).toMatchObject({
      method: '[redacted]',
      target: 'https://[redacted]@h/x',
      calledAs: 'x?api_key=[redacted]',
      endpoint: '/mcp/[redacted]',
    })
    expect(second).toMatchObject(plain)
  })

  it('says what holders are called, and which kind of user they are', async () => {
    const holders = new ResourceSnapshot()
    const service = resource('user', 'bot')
    holders.apply({
      changed: [
        resource('user', 'ann'),
        { ...service, spec: { ...service.spec, type: 'service' } },
        resource('team', 'web'),
      ],
      deleted: [],
      isWhole: true,
    })
    holders.declare([{ ...resource('user', 'configuration'), id: 'cfg_user_configuration' }])
    const { recorder } = recorderOf({ later: null, holders })
    const ids = ['usr_ann', 'usr_bot', 'usr_gone', 'cfg_user_configuration']
    for (const principalId of ids) recorder.take(auditRecord(1, { ...bare, principalKind: 'user', principalId }))
    recorder.take(auditRecord(1, { ...bare, principalKind: 'team', principalId: 'team_web' }))
    const said = (await recorder.list({ limit: 9 })).map(({ principalKind, principalName }) => [
      principalKind,
      principalName,
    ])
    expect(said.toReversed()).toEqual([
      ['user', 'ann'],
      ['service', 'bot'],
      ['user', ''],
      ['configuration', 'configuration'],
      ['team', 'web'],
    ])
  })
})
