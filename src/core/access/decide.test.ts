import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Policy } from '#contract/policy.ts'
import type { Level, PolicyRule } from '#contract/policy.ts'
import { partsOf } from './composition.ts'
import * as definition from './decide.ts'
import { allowsExecute, allowsRead, type Decision } from './decide.ts'

const levels: readonly Level[] = ['deny', 'read', 'execute', 'admin']
const rankOf = (level: Level) => levels.indexOf(level)

const decideTool = (policies: readonly Policy[], server: string, tool: string): Decision =>
  definition.decideTool(partsOf(policies), server, tool)
const decideServer = (policies: readonly Policy[], server: string): Decision =>
  definition.decideServer(partsOf(policies), server)

type RuleText = readonly [server: string, tool: string, level: Level]

function policy(name: string, fallback: Level, ...rules: readonly RuleText[]): Policy {
  return Policy.parse({
    name,
    default: fallback,
    rules: rules.map(([server, tool, level]) => ({ server, tool, level })),
  })
}

const one = (...rules: readonly RuleText[]) => [policy('p', 'deny', ...rules)]

/** What decided, in words that do not depend on where a rule stands. */
function ruleOf(policies: readonly Policy[], { reason }: Decision): PolicyRule | undefined {
  return reason.kind === 'rule' ? policies.find(({ name }) => name === reason.policy)?.rules[reason.index] : undefined
}

describe('decideTool', () => {
  describe('with the documented example', () => {
    const example = [
      policy(
        'production',
        'deny',
        ['filesystem', 'read_file', 'execute'],
        ['database', '*', 'execute'],
        ['*', 'delete_*', 'deny'],
      ),
    ]

    it.each([
      { server: 'filesystem', tool: 'read_file', level: 'execute', index: 0 },
      { server: 'database', tool: 'query', level: 'execute', index: 1 },
      { server: 'database', tool: 'delete_table', level: 'deny', index: 2 },
      { server: 'filesystem', tool: 'delete_file', level: 'deny', index: 2 },
      { server: 'elsewhere', tool: 'delete_', level: 'deny', index: 2 },
    ])('$server/$tool: $level, by rule $index', ({ server, tool, level, index }) => {
      expect(decideTool(example, server, tool)).toEqual({
        level,
        reason: { kind: 'rule', policy: 'production', index },
      })
    })

    it.each([
      ['filesystem', 'write_file'],
      ['filesystem', 'read_file2'],
      ['elsewhere', 'read_file'],
      ['', ''],
    ])('%s/%s: denied by default', (server, tool) => {
      expect(decideTool(example, server, tool)).toEqual({
        level: 'deny',
        reason: { kind: 'default', policy: 'production' },
      })
    })
  })

  it('denies a caller without policies', () => {
    expect(decideTool([], 'a', 'b')).toEqual({ level: 'deny', reason: { kind: 'no_policy' } })
  })

  it('denies by a policy that says nothing', () => {
    expect(decideTool([Policy.parse({ name: 'empty' })], 'a', 'b').level).toBe('deny')
  })

  it('lets a deny rule win over every more specific rule', () => {
    expect(decideTool(one(['a', 'b', 'admin'], ['*', '*', 'deny']), 'a', 'b').level).toBe('deny')
  })

  it.each<[string, RuleText, RuleText]>([
    ['an exact tool over a tool pattern', ['*', 'get_x', 'admin'], ['a', 'get_*', 'read']],
    ['an exact tool over an exact server', ['*', 'get_x', 'admin'], ['a', '*', 'read']],
    ['a tool pattern over every tool', ['*', 'g*', 'admin'], ['a', '*', 'read']],
    ['a tool pattern without letters over every tool', ['*', '?????', 'admin'], ['a', '*', 'read']],
    ['an exact server over a server pattern', ['a', 'get_*', 'admin'], ['a*', 'get_*', 'read']],
    ['an exact server over a longer tool pattern', ['a', 'g*', 'admin'], ['?', 'get_*', 'read']],
    ['a server pattern over every server', ['a*', '*', 'admin'], ['*', '*', 'read']],
    ['a server pattern without letters over every server', ['?', '*', 'admin'], ['*', '*', 'read']],
    ['the longer literal part of the tool', ['a', 'get_*', 'admin'], ['a', 'g*', 'read']],
    ['the longer literal part of the tool, wherever the wildcards are', ['a', '*e*_x', 'admin'], ['a', 'ge*', 'read']],
    ['the longer literal part of the server', ['a*', 'get_x', 'admin'], ['*?', 'get_x', 'read']],
    ['the lower of two equal rules', ['a', 'get_*', 'read'], ['a', '*et_x', 'execute']],
    ['the lower of two same rules', ['a', 'get_x', 'read'], ['a', 'get_x', 'admin']],
  ])('prefers %s', (_what, better, worse) => {
    for (const rules of [
      [better, worse],
      [worse, better],
    ]) {
      const decision = decideTool(one(...rules), 'a', 'get_x')
      expect(decision).toEqual({
        level: better[2],
        reason: { kind: 'rule', policy: 'p', index: rules.indexOf(better) },
      })
    }
  })

  it('takes a run of stars for every tool', () => {
    expect(decideTool(one(['a', '**', 'admin'], ['*', 'g*', 'read']), 'a', 'get_x').level).toBe('read')
  })

  it('lets a specific rule lower what a default or a wider rule gives', () => {
    const policies = [policy('p', 'admin', ['db', '*', 'execute'], ['db', 'drop', 'read'])]
    expect(decideTool(policies, 'db', 'drop').level).toBe('read')
    expect(decideTool(policies, 'db', 'query').level).toBe('execute')
    expect(decideTool(policies, 'fs', 'query').level).toBe('admin')
  })

  it('gives the union of what several policies give', () => {
    const policies = [
      policy('a', 'deny', ['fs', '*', 'execute']),
      policy('b', 'read'),
      policy('c', 'deny', ['fs', 'x', 'read']),
    ]
    expect(decideTool(policies, 'fs', 'x')).toEqual({
      level: 'execute',
      reason: { kind: 'rule', policy: 'a', index: 0 },
    })
    expect(decideTool(policies, 'db', 'x')).toEqual({ level: 'read', reason: { kind: 'default', policy: 'b' } })
  })

  it('lets a deny rule of one policy take from all of them', () => {
    const policies = [policy('a', 'admin', ['fs', 'rm', 'admin']), policy('b', 'deny', ['*', 'rm', 'deny'])]
    expect(decideTool(policies, 'fs', 'rm')).toEqual({ level: 'deny', reason: { kind: 'rule', policy: 'b', index: 0 } })
  })

  it('lets a default of deny take nothing from other policies', () => {
    expect(decideTool([policy('a', 'deny'), policy('b', 'execute')], 'fs', 'x').level).toBe('execute')
  })

  it('names a rule before a default, and the most specific of several denials', () => {
    expect(decideTool([policy('a', 'read'), policy('b', 'deny', ['*', '*', 'read'])], 's', 't').reason).toMatchObject({
      kind: 'rule',
    })
    const denials = one(['*', '*', 'deny'], ['s', 't*', 'deny'], ['s*', 't', 'deny'])
    expect(decideTool(denials, 's', 't').reason).toEqual({ kind: 'rule', policy: 'p', index: 2 })
  })
})

describe('the reason', () => {
  it('names the same policy, in whatever order two of them deny or allow alike', () => {
    for (const level of ['deny', 'read'] as const) {
      const policies = [policy('b', 'deny', ['s', 't', level]), policy('a', 'deny', ['s', 't', level])]
      expect(decideTool(policies, 's', 't').reason).toMatchObject({ policy: 'a' })
      expect(decideTool(policies.toReversed(), 's', 't').reason).toMatchObject({ policy: 'a' })
    }
  })
})

describe('decideServer', () => {
  const policies = [
    policy(
      'p',
      'deny',
      ['fs', '*', 'read'],
      ['fs', 'read_file', 'execute'],
      ['fs', 'rm', 'deny'],
      ['db', 'q*', 'admin'],
      ['x*', '*', 'deny'],
    ),
  ]

  it('counts only rules for every tool', () => {
    expect(decideServer(policies, 'fs')).toEqual({ level: 'read', reason: { kind: 'rule', policy: 'p', index: 0 } })
    expect(decideServer(policies, 'db')).toEqual({ level: 'deny', reason: { kind: 'default', policy: 'p' } })
  })

  it('counts denials of every tool, also by a pattern', () => {
    expect(decideServer([...policies, policy('q', 'admin')], 'xy')).toEqual({
      level: 'deny',
      reason: { kind: 'rule', policy: 'p', index: 4 },
    })
    expect(decideServer(one(['a', '*', 'execute'], ['*', '*', 'deny']), 'a').level).toBe('deny')
  })

  it('gives the union of several policies, and denies without any', () => {
    expect(decideServer([...policies, policy('q', 'execute')], 'fs').level).toBe('execute')
    expect(decideServer([], 'fs')).toEqual({ level: 'deny', reason: { kind: 'no_policy' } })
  })
})

describe('allowsRead and allowsExecute', () => {
  it('follow the order of the levels', () => {
    expect(levels.map(allowsRead)).toEqual([false, true, true, true])
    expect(levels.map(allowsExecute)).toEqual([false, false, true, true])
  })
})

describe('every decision', () => {
  const pattern = fc.oneof(
    fc.constantFrom('*', 'a', 'b', 'ab', 'a*', '*b', '?', '?b', 'a*b', '**'),
    fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }),
  )
  const rule = fc.record({ server: pattern, tool: pattern, level: fc.constantFrom(...levels) })
  const policies = fc
    .array(fc.record({ default: fc.constantFrom(...levels), rules: fc.array(rule, { maxLength: 6 }) }), {
      maxLength: 4,
    })
    .map((list): Policy[] => list.map((each, index) => ({ ...each, name: `p${index}` })))
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 })
  const shuffled = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length })

  it('stays the same when rules or policies change places', () => {
    const reordered = policies.chain((list) =>
      fc.record({
        list: fc.constant(list),
        other: fc
          .tuple(...list.map((each) => shuffled(each.rules).map((rules) => ({ ...each, rules }))))
          .chain(shuffled),
      }),
    )
    fc.assert(
      fc.property(reordered, name, name, ({ list, other }, server, tool) => {
        for (const decide of [decideTool, (all: readonly Policy[]) => decideServer(all, server)]) {
          const before = decide(list, server, tool)
          const after = decide(other, server, tool)
          expect(after.level).toBe(before.level)
          expect({ ...after.reason, index: 0 }).toEqual({ ...before.reason, index: 0 })
          expect(ruleOf(other, after)).toEqual(ruleOf(list, before))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('is never raised by one more deny rule', () => {
    const added = fc.record({
      list: policies,
      denied: fc.record({ server: pattern, tool: pattern }),
      name: fc.constant('more'),
    })
    fc.assert(
      fc.property(added, name, name, ({ list, denied }, server, tool) => {
        const deny: PolicyRule = { ...denied, level: 'deny' }
        const more = [...list, { name: 'more', default: 'deny', rules: [deny] } satisfies Policy]
        expect(rankOf(decideTool(more, server, tool).level)).toBeLessThanOrEqual(
          rankOf(decideTool(list, server, tool).level),
        )
        const within = list.map((each, index) => (index === 0 ? { ...each, rules: [...each.rules, deny] } : each))
        expect(rankOf(decideTool(within, server, tool).level)).toBeLessThanOrEqual(
          rankOf(decideTool(list, server, tool).level),
        )
        expect(rankOf(decideServer(within, server).level)).toBeLessThanOrEqual(rankOf(decideServer(list, server).level))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is never lowered by one more policy without deny rules', () => {
    fc.assert(
      fc.property(policies, policies, fc.tuple(name, name), (list, others, [server, tool]) => {
        const harmless = others.map((each, index) => ({
          ...each,
          name: `q${index}`,
          rules: each.rules.filter(({ level }) => level !== 'deny'),
        }))
        const union = [...list, ...harmless]
        expect(rankOf(decideTool(union, server, tool).level)).toBeGreaterThanOrEqual(
          rankOf(decideTool(list, server, tool).level),
        )
      }),
    )
  })

  it('has the level of the rule or default that its reason names', () => {
    fc.assert(
      fc.property(policies, name, name, (list, server, tool) => {
        const tools = decideTool(list, server, tool)
        const servers = decideServer(list, server)
        expect([levelNamedBy(list, tools), levelNamedBy(list, servers)]).toEqual([tools.level, servers.level])
        expect(tools.reason.kind === 'no_policy').toBe(list.length === 0)
      }),
    )
  })
})

function levelNamedBy(policies: readonly Policy[], decision: Decision): Level | undefined {
  const { reason } = decision
  if (reason.kind === 'rule') return ruleOf(policies, decision)?.level
  return reason.kind === 'default' ? policies.find(({ name }) => name === reason.policy)?.default : 'deny'
}
