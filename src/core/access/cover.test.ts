import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy, PolicyRule } from '#contract/policy.ts'
import {
  anyArguments,
  anyLabels,
  anyName,
  anyPolicies,
  anyRule,
  attach,
  factsOf,
  rankOf,
  type LabelsOf,
} from '#test/support/access-arbitraries.ts'
import { canMeet, covers, givesAtLeast, type Region } from './cover.ts'
import { decideCall, decideServer, decideTool } from './decide.ts'
import { rankRules } from './rule-order.ts'

const policyOf = (...rules: PolicyRule[]): Policy => ({ name: 'p', default: 'deny', rules })
function regionOf(rule: PolicyRule): Region {
  const [region] = rankRules([policyOf(rule)])
  if (!region) throw new Error('it has one rule')
  return region
}
const rule = (server: string, tool: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  server,
  tool,
  level: 'execute',
  ...more,
})
const conditions = [{ path: '$.a', eq: 1 }]

describe('covers', () => {
  const labelsOf = (server: string) => (server === 'web' ? ['prod'] : [])
  it.each<[PolicyRule, PolicyRule, boolean]>([
    [rule('*', '*'), rule('label:prod', 'a?*'), true],
    [rule('git*', 'get_*'), rule('github', 'get_*_by_id'), true],
    [rule('git*', 'get_*'), rule('g*', 'get_x'), false],
    [rule('a?', '*'), rule('a*', '*'), false],
    [rule('a?', '*'), rule('a?', 'x'), true],
    [rule('label:prod', '*'), rule('web', 'x'), true],
    [rule('label:prod', '*'), rule('lab', 'x'), false],
    [rule('label:prod', '*'), rule('we*', 'x'), false],
    [rule('web', '*'), rule('label:prod', 'x'), false],
    [rule('web', '*', { conditions }), rule('web', 'x'), false],
    [rule('web', '*', { conditions }), rule('web', 'x', { conditions }), true],
  ])('%o %o: %s', (wide, narrow, expected) => {
    expect(covers(regionOf(wide), regionOf(narrow), labelsOf)).toBe(expected)
  })
})

const anyCall = fc.record({
  labels: anyLabels,
  question: fc.record({ server: anyName, tool: anyName, args: anyArguments }),
})
type Call = { labels: LabelsOf; question: { server: string; tool: string; args: unknown } }

describe('whatever the rules are', () => {
  const executing = (one: PolicyRule): PolicyRule => ({ ...one, level: 'execute' })
  const decideAll = (policy: Policy, { labels, question }: Call): number[] => {
    const parts = { grant: attach([policy], 'token'), bounds: [], ceilings: [], ...factsOf(labels) }
    const { server, tool } = question
    return [decideCall(parts, question), decideTool(parts, server, tool), decideServer(parts, server)].map(
      ({ level }) => rankOf(level),
    )
  }
  const speaks = (one: PolicyRule, call: Call): boolean =>
    decideAll(policyOf(executing(one)), call)[0] === rankOf('execute')

  it('one that covers another speaks wherever that does, and two that cannot meet never speak of the same', () => {
    const counts = { covered: 0, parted: 0 }
    const wideRule = fc.oneof(
      anyRule,
      anyRule.map(({ tool, level }): PolicyRule => ({ server: '*', tool, level })),
    )
    fc.assert(
      fc.property(wideRule, anyRule, anyCall, (wide, narrow, call) => {
        const { labelsOf } = factsOf(call.labels)
        const regions = [regionOf(executing(wide)), regionOf(executing(narrow))] as const
        const [first, second] = [speaks(wide, call), speaks(narrow, call)]
        const [isCovered, isParted] = [covers(...regions, labelsOf), !canMeet(...regions, labelsOf)]
        if (isCovered && second) counts.covered++
        if (isParted) counts.parted++
        expect({ isCovered: isCovered && second && !first, isParted: isParted && first && second }).toEqual({
          isCovered: false,
          isParted: false,
        })
      }),
      { numRuns: 8_000 },
    )
    // Otherwise nothing was compared.
    expect(Math.min(counts.covered, counts.parted)).toBeGreaterThan(3)
  })

  it('a policy that gives at least a level gives it wherever the rule speaks', () => {
    let given = 0
    fc.assert(
      fc.property(anyPolicies('p'), anyRule, anyCall, (policies, one, call) => {
        const level = one.level === 'deny' ? 'read' : one.level
        const asked = { ...one, level }
        const { labelsOf } = factsOf(call.labels)
        const holds = policies.find((policy) =>
          givesAtLeast({ ...policy, rules: rankRules([policy]) }, { region: regionOf(asked), level, labelsOf }),
        )
        const rules = holds?.rules.filter((rule) => rule.level !== 'deny')
        const least = holds ? decideAll(policyOf(asked), call) : [0, 0, 0]
        const has = decideAll({ ...(holds ?? policyOf()), ...(rules && { rules }) }, call)
        given += least.filter((rank) => rank > 0).length
        expect(has.map((rank, index) => rank >= (least[index] ?? 0))).toEqual([true, true, true])
      }),
      { numRuns: 5_000 },
    )
    expect(given).toBeGreaterThan(100)
  })
})
