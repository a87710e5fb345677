import { describe, expect, it } from 'vitest'
import { auditEvent } from '#test/contracts/audit-log.ts'
import { whatIs, type AuditWhat } from './audit-what.ts'

function what(changes: Partial<AuditWhat> = {}): AuditWhat {
  const { kind, changedBy, project, toolset, endpoint, method, server, target, ...rest } = auditEvent(1)
  const { targetId, calledAs, effect, reason } = rest
  const said = {
    kind,
    changedBy,
    project,
    toolset,
    endpoint,
    method,
    server,
    target,
    targetId,
    calledAs,
    effect,
    reason,
  }
  return { ...said, endpoint: 'single:here', ...changes }
}

const parts = Object.keys(what()).filter((key) => key !== 'effect' && key !== 'kind')

describe('whatIs', () => {
  it('gives the same object for what is said again', () => {
    const first = whatIs(what())
    expect(whatIs(what({ target: 'another' }))).not.toBe(first)
    expect(whatIs(what())).toBe(first)
    expect(first).toEqual(what())
  })

  it.each(parts)('tells another %s from it', (key) => {
    expect(whatIs(what({ [key]: 'another one' }))).toEqual(what({ [key]: 'another one' }))
    expect(whatIs(what())).toEqual(what())
  })

  it('keeps nothing of what is refused, or holds a secret', () => {
    const denied = what({ effect: 'deny', target: 'denied' })
    expect(whatIs(denied)).not.toBe(whatIs(denied))
    const secret = what({ target: 'https://u:canary@h/x' })
    expect(whatIs(secret)).not.toBe(whatIs(secret))
    expect(whatIs(secret).target).toBe('https://[redacted]@h/x')
    const elsewhere = what({ kind: 'session_end', endpoint: '/mcp?api_key=canary' })
    expect(whatIs(elsewhere)).not.toBe(whatIs(elsewhere))
    expect(whatIs(elsewhere).endpoint).toBe('/mcp?api_key=[redacted]')
  })

  it('gives the same object at the address of so many servers that it is cut', () => {
    const long = what({ endpoint: `aggregate:${'a'.repeat(600)}` })
    expect(whatIs(long)).toBe(whatIs({ ...long }))
    expect(whatIs(long).endpoint).toBe(long.endpoint.slice(0, 512))
    expect(whatIs({ ...long, endpoint: `${long.endpoint}b` })).not.toBe(whatIs(long))
  })

  it('remembers a bounded number of targets, and goes on', () => {
    const first = whatIs(what())
    for (let index = 0; index < 5_000; index++) whatIs(what({ target: `target ${index}` }))
    expect(whatIs(what())).toEqual(first)
    expect(whatIs(what())).not.toBe(first)
  })

  it('remembers a bounded number of ways to one target, and goes on', () => {
    const ways = Array.from({ length: 100 }, (_, index) => what({ target: 'busy', reason: `rule ${index}` }))
    expect(ways.map((way) => whatIs(way))).toEqual(ways)
    const last = what({ target: 'busy', reason: 'rule 99' })
    expect(whatIs(last)).toBe(whatIs(last))
  })
})
