import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Condition, PolicyRule } from '#contract/policy.ts'
import { anyArguments, anyRule } from '#test/support/access-arbitraries.ts'
import { toCheck } from './condition.ts'
import { askGuard, toGuard, type GuardAnswer } from './guard.ts'

function ask(
  rule: Pick<PolicyRule, 'conditions' | 'allowedParams'>,
  level: PolicyRule['level'],
  args: unknown,
): GuardAnswer {
  const guard = toGuard({ server: '*', tool: '*', level, ...rule })
  return guard ? askGuard(guard, args) : { applies: true, parameter: null }
}

const judge = (condition: Omit<Condition, 'path'>, value: unknown): string =>
  toCheck({ path: '$.a', ...condition }).judge({ a: value })

describe('a condition', () => {
  it.each<[Omit<Condition, 'path'>, Record<'holds' | 'fails' | 'unknown', unknown[]>]>([
    [{ eq: 'x' }, { holds: ['x'], fails: ['y', 'X', '', ' x'], unknown: [1, true, null, ['x'], { x: 'x' }] }],
    [{ eq: 1 }, { holds: [1, 1.0], fails: [2, -1, 0], unknown: ['1', true, null, [1]] }],
    [{ eq: 0 }, { holds: [0, -0], fails: [1], unknown: ['', '0', false, null] }],
    [{ eq: true }, { holds: [true], fails: [false], unknown: ['true', 1, null] }],
    [{ ne: 'x' }, { holds: ['y', ''], fails: ['x'], unknown: [1, null, ['y']] }],
    [{ ne: false }, { holds: [true], fails: [false], unknown: ['', 0, null] }],
    [{ lt: 10 }, { holds: [9.99, -1e9], fails: [10, 11], unknown: ['9', null, true, [9]] }],
    [{ lte: 10 }, { holds: [10, 0], fails: [10.01], unknown: ['10'] }],
    [{ gt: 10 }, { holds: [10.01], fails: [10, -11], unknown: ['11'] }],
    [{ gte: 10 }, { holds: [10, 1e300], fails: [9], unknown: ['10', {}] }],
    [
      { gte: 1, lte: 5 },
      { holds: [1, 3, 5], fails: [0, 6], unknown: ['3', null] },
    ],
    [{ in: ['a', 'b'] }, { holds: ['a', 'b'], fails: ['c', 'a,b'], unknown: [1, null, ['a']] }],
    [{ in: ['a', 1] }, { holds: ['a', 1], fails: ['1', 2], unknown: [true, null] }],
    [{ notIn: ['a', 'b'] }, { holds: ['c', ''], fails: ['a'], unknown: [1, null, ['c']] }],
    [
      { matches: '/tmp/*' },
      {
        holds: ['/tmp/', '/tmp/x', '/tmp/../etc'],
        fails: ['/etc', '/TMP/x', 'a/tmp/'],
        unknown: [1, null, ['/tmp/x']],
      },
    ],
    [{ matches: 'v?' }, { holds: ['v1'], fails: ['v', 'v12'], unknown: [1] }],
    [{ matches: '.*' }, { holds: ['.x'], fails: ['x'], unknown: [] }],
    [{ exists: true }, { holds: ['', null, false, 0, {}], fails: [], unknown: [] }],
    [{ exists: false }, { holds: [], fails: ['', null, 0], unknown: [] }],
    [
      { exists: true, eq: 'x' },
      { holds: ['x'], fails: ['y'], unknown: [1] },
    ],
    [
      { exists: false, eq: 'x' },
      { holds: [], fails: ['x', 'y', 1], unknown: [] },
    ],
    [
      { eq: 'x', lt: 5 },
      { holds: [], fails: ['y', 7], unknown: ['x', 3, null] },
    ],
  ])('%j', (condition, expected) => {
    for (const [verdict, values] of Object.entries(expected))
      for (const value of values) expect([value, judge(condition, value)]).toEqual([value, verdict])
  })

  it('compares no text with a pattern that is longer than 65536', () => {
    expect(judge({ matches: '*x' }, 'x'.repeat(65_536))).toBe('holds')
    expect(judge({ matches: '*x' }, 'x'.repeat(65_537))).toBe('unknown')
  })

  it.each<[string, unknown, string]>([
    ['$.a.b', { a: { b: 'x' } }, 'holds'],
    ['$.a.b', { a: { b: 'y' } }, 'fails'],
    ['$.a[1]', { a: ['y', 'x'] }, 'holds'],
    ["$['odd name']", { 'odd name': 'x' }, 'holds'],
    ['$[0]', ['x'], 'holds'],
    // Missing: nothing is compared.
    ['$.a', {}, 'unknown'],
    ['$.a', undefined, 'unknown'],
    ['$.a', null, 'unknown'],
    ['$.a[2]', { a: ['x'] }, 'unknown'],
    ['$.a.b', {}, 'unknown'],
    // Of the wrong kind on the way.
    ['$.a', 'x', 'unknown'],
    ['$.a', ['x'], 'unknown'],
    ['$.a.b', { a: '{"b":"x"}' }, 'unknown'],
    ['$.a.length', { a: ['x'] }, 'unknown'],
    ['$.a[0]', { a: 'x' }, 'unknown'],
    ['$.a[0]', { a: { 0: 'x' } }, 'unknown'],
    // What every object has is no argument.
    ['$.constructor', {}, 'unknown'],
    ['$.__proto__', {}, 'unknown'],
    ['$.__proto__', JSON.parse('{"__proto__": "x"}'), 'holds'],
    // Another spelling that some server may read instead.
    ['$.path', { path: 'x', Path: 'y' }, 'unknown'],
    ['$.path', { PATH: 'x' }, 'unknown'],
    ['$.a.path', { a: { path: 'x', pAth: 'x' } }, 'unknown'],
    ['$.kind', { kind: 'x', '\u212Aind': 'y' }, 'unknown'],
    ['$.path', { path: 'x', paths: 'y', other: 'z' }, 'holds'],
  ])('%s of %j is x: %s', (path, args, verdict) => {
    expect(toCheck({ path, eq: 'x' }).judge(args ?? {})).toBe(verdict)
  })

  it.each<[string, unknown, string]>([
    ['$.a', {}, 'holds'],
    ['$.a.b', {}, 'holds'],
    ['$.a.b', { a: {} }, 'holds'],
    ['$.a[3]', { a: [] }, 'holds'],
    ['$.a', { a: null }, 'fails'],
    ['$.a', { A: 1 }, 'unknown'],
    ['$.a.b', { a: 'text' }, 'unknown'],
    ['$.a.b', { a: null }, 'unknown'],
    ['$.a', 'text', 'unknown'],
  ])('%s of %j is not there: %s', (path, args, verdict) => {
    expect(toCheck({ path, exists: false }).judge(args)).toBe(verdict)
  })

  it('that cannot be read is never evaluated', () => {
    expect(toCheck({ path: 'no path', exists: true }).judge({})).toBe('unknown')
  })
})

describe('a rule with conditions', () => {
  const conditions = [
    { path: '$.a', eq: 'x' },
    { path: '$.b', lt: 5 },
  ]
  it.each<[unknown, { allows: boolean; denies: boolean; allow: string | null; deny: string | null }]>([
    [
      { a: 'x', b: 1 },
      { allows: true, denies: true, allow: null, deny: '$.a' },
    ],
    [
      { a: 'x', b: 9 },
      { allows: false, denies: false, allow: '$.b', deny: '$.b' },
    ],
    [
      { a: 'y', b: 1 },
      { allows: false, denies: false, allow: '$.a', deny: '$.a' },
    ],
    [{ a: 'x' }, { allows: false, denies: true, allow: '$.b', deny: '$.a' }],
    [
      { a: 'x', b: '1' },
      { allows: false, denies: true, allow: '$.b', deny: '$.a' },
    ],
    [{ a: 'y' }, { allows: false, denies: false, allow: '$.a', deny: '$.a' }],
    [{}, { allows: false, denies: true, allow: '$.a', deny: '$.a' }],
    [undefined, { allows: false, denies: true, allow: '$.a', deny: '$.a' }],
    ['text', { allows: false, denies: true, allow: '$.a', deny: '$.a' }],
  ])('with %j', (args, { allows, denies, allow, deny }) => {
    expect(ask({ conditions }, 'execute', args)).toEqual({ applies: allows, parameter: allow })
    expect(ask({ conditions }, 'deny', args)).toEqual({ applies: denies, parameter: deny })
  })
})

describe('a rule with allowed arguments', () => {
  it.each<[unknown, { isWithin: boolean; other: string | null }]>([
    [{}, { isWithin: true, other: null }],
    [undefined, { isWithin: true, other: null }],
    [null, { isWithin: true, other: null }],
    [
      { a: 1, b: 2 },
      { isWithin: true, other: null },
    ],
    [{ a: { c: 1 } }, { isWithin: true, other: null }],
    [
      { a: 1, c: 2 },
      { isWithin: false, other: '$.c' },
    ],
    [{ A: 1 }, { isWithin: false, other: '$.A' }],
    [JSON.parse('{"__proto__": 1}'), { isWithin: false, other: '$.__proto__' }],
    [{ 'sk-live-123 456': 1 }, { isWithin: false, other: '$.[hidden]' }],
    ['text', { isWithin: false, other: '$' }],
    [['a'], { isWithin: false, other: '$' }],
  ])('with %j', (args, { isWithin, other }) => {
    const allowedParams = ['a', 'b']
    expect(ask({ allowedParams }, 'read', args)).toEqual({ applies: isWithin, parameter: other })
    expect(ask({ allowedParams }, 'deny', args)).toEqual({ applies: !isWithin, parameter: other })
  })

  it('allows no argument where none is allowed', () => {
    expect(ask({ allowedParams: [] }, 'execute', {}).applies).toBe(true)
    expect(ask({ allowedParams: [] }, 'execute', { a: 1 }).applies).toBe(false)
  })

  it('and conditions asks for both', () => {
    const rule = { allowedParams: ['a'], conditions: [{ path: '$.a', eq: 1 }] }
    expect(ask(rule, 'execute', { a: 1 }).applies).toBe(true)
    expect(ask(rule, 'execute', { a: 1, b: 1 }).applies).toBe(false)
    expect(ask(rule, 'execute', { a: 2 }).applies).toBe(false)
    expect(ask(rule, 'deny', { a: 1 }).applies).toBe(false)
    expect(ask(rule, 'deny', { a: 1, b: 1 }).applies).toBe(true)
    expect(ask(rule, 'deny', { a: 2, b: 1 }).applies).toBe(false)
    expect(ask(rule, 'deny', { b: 1 }).applies).toBe(true)
  })
})

describe('a rule that asks nothing', () => {
  it('has no guard', () => {
    expect(toGuard({ server: '*', tool: '*', level: 'deny' })).toBeNull()
    expect(toGuard({ server: '*', tool: '*', level: 'deny', conditions: [] })).toBeNull()
  })
})

describe('every guard', () => {
  it('tells no more of the arguments than where they stand', () => {
    fc.assert(
      fc.property(anyRule, anyArguments, ({ conditions = [], allowedParams, level }, args) => {
        const rule = { conditions, ...(allowedParams ? { allowedParams } : {}) }
        const { parameter } = ask(rule, level, args)
        const known = [
          ...conditions.map(({ path }) => path),
          ...Object.keys(args ?? {}).map((key) => `$.${key}`),
          '$',
          null,
        ]
        expect(known).toContain(parameter)
      }),
    )
  })
})
