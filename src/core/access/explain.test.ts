import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Policy } from '#contract/policy.ts'
import { anyArguments, anyName, anyParts } from '#test/support/access-arbitraries.ts'
import { composeAccess } from './access.ts'
import type { AccessParts, Attachment } from './composition.ts'

const attach = (attachedTo: Attachment, policy: unknown) => ({ policy: Policy.parse(policy), attachedTo })

const parts: AccessParts = {
  grant: [
    attach(
      { kind: 'token' },
      {
        name: 'clerk',
        rules: [
          { server: 'bank', tool: '*', level: 'read' },
          { server: 'bank', tool: 'transfer', level: 'execute', conditions: [{ path: '$.amount', lte: 100 }] },
          { server: 'shop', tool: '*', level: 'execute' },
        ],
      },
    ),
    attach({ kind: 'token' }, { name: 'guest', default: 'read' }),
  ],
  bounds: [
    attach(
      { kind: 'team', name: 'blue' },
      { name: 'careful', rules: [{ tool: 'transfer', level: 'deny', conditions: [{ path: '$.to', matches: 'XX*' }] }] },
    ),
    attach(
      { kind: 'organization', name: 'acme' },
      { name: 'house', default: 'admin', rules: [{ tool: 'delete_*', level: 'deny' }, { level: 'admin' }] },
    ),
  ],
  ceilings: [{ name: 'project till', servers: ['bank'] }],
  labelsOf: () => [],
}
const access = composeAccess(parts)
const told = (server: string, tool: string | null, args?: unknown) => {
  const { rules, defaults, ceilings, decision } = access.explain(server, tool, args)
  return {
    decision,
    rules: rules.map(({ policy, index, effect, parameter = '' }) => `${policy} ${index} ${effect} ${parameter}`.trim()),
    defaults: defaults.map(({ policy, effect }) => `${policy} ${effect}`),
    ceilings: ceilings.map(({ name, isWithin }) => `${name} ${isWithin}`),
  }
}

describe('explain', () => {
  it('tells of a call which rule decided, which ones it outdid, and which did not count', () => {
    expect(told('bank', 'transfer', { amount: 50, to: 'DE1' })).toEqual({
      decision: { level: 'execute', reason: { kind: 'rule', policy: 'clerk', index: 1 } },
      rules: ['clerk 1 decides', 'careful 0 does_not_count $.to', 'clerk 0 outranked', 'house 1 no_grant'],
      defaults: ['clerk idle', 'guest gives'],
      ceilings: ['project till true'],
    })
  })

  it('tells which arguments were the trouble', () => {
    expect(told('bank', 'transfer', { amount: 101, to: 'DE1' })).toMatchObject({
      decision: { level: 'read', unmet: { policy: 'clerk', index: 1, parameter: '$.amount' } },
      rules: [
        'clerk 1 does_not_count $.amount',
        'careful 0 does_not_count $.to',
        'clerk 0 decides',
        'house 1 no_grant',
      ],
    })
    expect(told('bank', 'transfer', { amount: 1, to: 'XX9' })).toMatchObject({
      decision: { level: 'deny', reason: { policy: 'careful', index: 0, parameter: '$.to' } },
      rules: ['clerk 1 gives', 'careful 0 decides $.to', 'clerk 0 outranked', 'house 1 no_grant'],
    })
  })

  it('tells for lists what depends on arguments', () => {
    expect(told('bank', 'transfer')).toMatchObject({
      decision: { level: 'execute', isConditional: true },
      rules: ['clerk 1 decides', 'careful 0 may_count', 'clerk 0 gives', 'house 1 no_grant'],
    })
  })

  it('tells what a bound denied, and where the bound is from', () => {
    const { rules, decision } = access.explain('bank', 'delete_all', {})
    expect(decision.level).toBe('deny')
    expect(rules[0]).toEqual({
      policy: 'house',
      index: 0,
      rule: { server: '*', tool: 'delete_*', level: 'deny' },
      attachedTo: { kind: 'organization', name: 'acme' },
      role: 'bound',
      effect: 'decides',
    })
  })

  it('tells what a ceiling cut off, and what the rules would have said', () => {
    expect(told('shop', 'buy', {})).toEqual({
      decision: { level: 'deny', reason: { kind: 'ceiling', name: 'project till' } },
      rules: ['clerk 2 gives', 'house 1 no_grant'],
      defaults: ['clerk idle', 'guest gives'],
      ceilings: ['project till false'],
    })
  })

  it('tells of what has no tool name', () => {
    expect(told('bank', null)).toMatchObject({
      decision: { level: 'read', reason: { policy: 'clerk', index: 0 } },
      rules: ['clerk 0 decides', 'house 1 no_grant'],
    })
  })

  it('tells that a server is for everyone', () => {
    const open = composeAccess({ ...parts, isForEveryone: (server) => server === 'bank' })
    expect(open.explain('bank', 'balance', {})).toMatchObject({
      isForEveryone: true,
      decision: { level: 'execute', reason: { kind: 'everyone' } },
    })
    expect(open.explain('shop', 'buy').isForEveryone).toBe(false)
  })

  it('tells of a policy that is attached twice at both places', () => {
    const policy = parts.grant[0]?.policy ?? Policy.parse({ name: 'none' })
    const twice = composeAccess({ ...parts, bounds: [{ policy, attachedTo: { kind: 'team', name: 'blue' } }] })
    const { rules } = twice.explain('bank', 'balance', {})
    expect(rules.map(({ role, effect }) => [role, effect])).toEqual([
      ['grant', 'decides'],
      ['bound', 'no_grant'],
    ])
  })

  it('says what is decided when it is asked, and nothing of what the arguments hold', () => {
    fc.assert(
      fc.property(anyParts, fc.tuple(anyName, anyName), anyArguments, (parts, [server, tool], args) => {
        const access = composeAccess(parts)
        expect(access.explain(server, null).decision).toEqual(access.server(server))
        expect(access.explain(server, tool).decision).toEqual(access.tool(server, tool))
        const explained = access.explain(server, tool, args ?? {})
        expect(explained.decision).toEqual(access.call(server, tool, args))
        const decided = explained.rules.filter(({ effect }) => effect === 'decides')
        expect(decided.length > 0).toBe(explained.decision.reason.kind === 'rule')
      }),
      { numRuns: 500 },
    )
  })

  it('never repeats an argument', () => {
    const words = JSON.stringify([
      access.explain('bank', 'transfer', { amount: 'CANARY', to: 'XX CANARY' }),
      access.call('bank', 'transfer', { amount: 1, to: 'CANARY' }),
    ])
    expect(words).not.toContain('CANARY')
  })
})
