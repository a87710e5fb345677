/** What holds for every access, whoever wrote its policies. All that is said of the definition is said of the compiled form: they are equal. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelPrefix, type Policy, type PolicyRule } from '#contract/policy.ts'
import {
  anyArguments,
  anyCeiling,
  anyLabel,
  anyLabels,
  anyName,
  anyParts,
  anyPolicies,
  anyRule,
  attach,
  factsOf,
  rankOf,
  shuffled,
} from '#test/support/access-arbitraries.ts'
import { composeAccess, type Access } from './access.ts'
import type { AccessParts, AttachedPolicy } from './composition.ts'
import { allowsRead, decideCall, decideServer, decideTool, type Decision } from './decide.ts'

const anyQuestion = fc.record({ server: anyName, tool: anyName, args: anyArguments })
type Question = { server: string; tool: string; args: unknown }
const numRuns = 1_000

/** What the three ways to ask come to. */
function askAll(access: Access, { server, tool, args }: Question): Decision[] {
  return [access.tool(server, tool), access.call(server, tool, args), access.server(server)]
}
const levelsOf = (parts: AccessParts, question: Question): number[] =>
  askAll(composeAccess(parts), question).map(({ level }) => rankOf(level))

function expectNothingGained(before: AccessParts, after: AccessParts, question: Question): void {
  const [was, is] = [levelsOf(before, question), levelsOf(after, question)]
  for (const [index, level] of is.entries()) expect(level).toBeLessThanOrEqual(was[index] ?? 0)
  const mayReach = (parts: AccessParts): boolean => composeAccess(parts).mayReach(question.server)
  expect(mayReach(before) || is.every((level) => level === 0)).toBe(true)
}

const withRule =
  (rule: PolicyRule) =>
  (attached: AttachedPolicy): AttachedPolicy => ({
    ...attached,
    policy: { ...attached.policy, rules: [...attached.policy.rules, rule] },
  })

/** Every text of two letters that two patterns of four can have in common at the shortest, and the names that are no such text. */
const everyTool = ['__proto__', 'constructor', '*']
for (let length = 0, texts = ['']; length <= 8; length++, texts = texts.flatMap((text) => [`${text}a`, `${text}b`]))
  everyTool.push(...texts)

/** Of few tools each, so that they often have none in common. */
const anyTools = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }), {
  maxLength: 3,
})
const anyTwo = (denied: fc.Arbitrary<string[]>): fc.Arbitrary<AccessParts> =>
  fc
    .record({ own: anyTools, denied, outer: fc.option(fc.record({ own: anyTools, denied })) })
    .map(({ own, denied, outer }) => ({
      grant: attach([giving('own', own, denied)], 'token'),
      bounds: [],
      ...(outer && { within: attach([giving('outer', outer.own, outer.denied)], 'user') }),
      ceilings: [],
      ...factsOf(new Map()),
    }))

function giving(name: string, tools: readonly string[], denied: readonly string[]): Policy {
  const rules = tools.map((tool): PolicyRule => ({ server: '*', tool, level: 'read' }))
  return {
    name,
    default: 'deny',
    rules: [...rules, ...denied.map((tool): PolicyRule => ({ server: '*', tool, level: 'deny' }))],
  }
}

function seesAnything(access: Access, server: string): boolean {
  return (
    allowsRead(access.server(server).level) || everyTool.some((tool) => allowsRead(access.tool(server, tool).level))
  )
}

describe('a compiled access', () => {
  it('decides as the definition does, asked once or again', () => {
    fc.assert(
      fc.property(anyParts, fc.array(anyQuestion, { maxLength: 8 }), (parts, questions) => {
        const access = composeAccess(parts)
        for (const question of [...questions, ...questions]) {
          const { server, tool } = question
          expect(askAll(access, question)).toEqual([
            decideTool(parts, server, tool),
            decideCall(parts, question),
            decideServer(parts, server),
          ])
        }
      }),
      { numRuns: 1_500 },
    )
  })

  it('allows no call more than its tool is shown with, and the same where the arguments have no say', () => {
    fc.assert(
      fc.property(anyParts, anyQuestion, (parts, question) => {
        const { server, tool, args } = question
        const access = composeAccess(parts)
        const [listed, called] = [access.tool(server, tool), access.call(server, tool, args)]
        expect(rankOf(called.level)).toBeLessThanOrEqual(rankOf(listed.level))
        expect(listed.isConditional ? called : listed).toEqual(called)
        expect(called).not.toHaveProperty('isConditional')
      }),
      { numRuns },
    )
  })

  it('may reach a server of which it may see something', () => {
    fc.assert(
      fc.property(anyParts, anyQuestion, (parts, question) => {
        const access = composeAccess(parts)
        const sees = askAll(access, question).some(({ level }) => allowsRead(level))
        expect(access.mayReach(question.server) || !sees).toBe(true)
      }),
      { numRuns },
    )
  })

  it('may reach a server of which it may see one tool, whatever is denied', () => {
    fc.assert(
      fc.property(fc.oneof(anyParts, anyTwo(anyTools)), anyName, (parts, server) => {
        const access = composeAccess(parts)
        expect(access.mayReach(server) || !seesAnything(access, server)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  it('may reach, where nothing is denied, no other server, also of what is held within another grant', () => {
    fc.assert(
      fc.property(anyTwo(fc.constant([])), (parts) => {
        const access = composeAccess(parts)
        expect(access.mayReach('fs')).toBe(seesAnything(access, 'fs'))
      }),
      { numRuns: 3_000 },
    )
  })

  it('names as reason a rule or default that is there, with the level that it gives', () => {
    fc.assert(
      fc.property(anyParts, anyQuestion, (parts, question) => {
        for (const { level, reason } of askAll(composeAccess(parts), question)) {
          if (reason.kind !== 'rule' && reason.kind !== 'default') continue
          const attached = [...parts.grant, ...parts.bounds, ...(parts.within ?? [])].find(
            ({ policy }) => policy.name === reason.policy,
          )
          const { rules, default: fallback } = attached?.policy ?? { rules: [], default: 'deny' }
          expect(reason.kind === 'rule' ? rules[reason.index]?.level : fallback).toBe(level)
        }
      }),
      { numRuns },
    )
  })
})

describe('no access gets more', () => {
  it('by one more rule that denies, in the grant or in a bound, whatever it asks of arguments', () => {
    fc.assert(
      fc.property(anyParts, anyRule, anyQuestion, (parts, rule, question) => {
        const deny = withRule({ ...rule, level: 'deny' })
        const [grant, bounds] = [parts.grant.map(deny), parts.bounds.map(deny)]
        expectNothingGained(parts, { ...parts, grant }, question)
        expectNothingGained(parts, { ...parts, bounds }, question)
      }),
      { numRuns },
    )
  })

  it('by one more bound, whatever it allows', () => {
    fc.assert(
      fc.property(anyParts, anyPolicies('more'), anyQuestion, (parts, more, question) => {
        expectNothingGained(parts, { ...parts, bounds: [...parts.bounds, ...attach(more, 'organization')] }, question)
      }),
      { numRuns },
    )
  })

  it('by being held within another grant, nor more than that one gives', () => {
    fc.assert(
      fc.property(anyParts, anyPolicies('more'), anyQuestion, (given, more, question) => {
        const parts = { ...given, within: undefined }
        const held = { ...parts, within: attach(more, 'user') }
        expectNothingGained(parts, held, question)
        expectNothingGained({ ...parts, grant: held.within }, held, question)
      }),
      { numRuns },
    )
  })

  it('by one more ceiling', () => {
    fc.assert(
      fc.property(anyParts, anyCeiling('more'), anyQuestion, (parts, ceiling, question) => {
        expectNothingGained(parts, { ...parts, ceilings: [...parts.ceilings, ceiling] }, question)
      }),
      { numRuns },
    )
  })
})

describe('order', () => {
  const reordered = anyParts.chain((parts) => {
    const reorder = (list: readonly AttachedPolicy[]) =>
      fc
        .tuple(
          ...list.map((each) =>
            shuffled(each.policy.rules).map((rules): AttachedPolicy => ({
              ...each,
              policy: { ...each.policy, rules },
            })),
          ),
        )
        .chain(shuffled)
    return fc.record({
      parts: fc.constant(parts),
      other: fc
        .record({ grant: reorder(parts.grant), bounds: reorder(parts.bounds), ceilings: shuffled(parts.ceilings) })
        .map((changed): AccessParts => ({ ...parts, ...changed })),
    })
  })

  it('of rules, policies and ceilings changes no decision, and no reason but the rule’s position', () => {
    fc.assert(
      fc.property(reordered, anyQuestion, ({ parts, other }, question) => {
        const before = askAll(composeAccess(parts), question)
        const after = askAll(composeAccess(other), question)
        expect(after.map((decision) => told(other, decision))).toEqual(before.map((decision) => told(parts, decision)))
        const reach = (one: AccessParts): boolean => composeAccess(one).mayReach(question.server)
        expect(reach(other)).toBe(reach(parts))
      }),
      { numRuns },
    )
  })

  it('of policies and ceilings changes no fingerprint', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const turned = { ...parts, grant: parts.grant.toReversed(), ceilings: parts.ceilings.toReversed() }
        expect(composeAccess(turned).fingerprint).toBe(composeAccess(parts).fingerprint)
      }),
    )
  })
})

/** A decision in words that do not depend on where a rule stands. */
function told(parts: AccessParts, { level, reason, isConditional, unmet }: Decision): unknown {
  const ruleAt = (name: string, index: number): unknown => {
    const attached = [...parts.grant, ...parts.bounds].find(({ policy }) => policy.name === name)
    return attached?.policy.rules[index]
  }
  const by = reason.kind === 'rule' ? { ...reason, index: 0, rule: ruleAt(reason.policy, reason.index) } : reason
  const missed = unmet && { ...unmet, index: 0, rule: ruleAt(unmet.policy, unmet.index) }
  return { level, by, isConditional, missed }
}

describe('what an organization denies', () => {
  it('stays denied, whatever the grant allows', () => {
    fc.assert(
      fc.property(anyParts, anyRule, anyQuestion, (parts, rule, question) => {
        const denial: Policy = { name: 'denial', default: 'deny', rules: [{ ...rule, level: 'deny' }] }
        const bounds = [...parts.bounds, ...attach([denial], 'organization')]
        const everythingElse: AccessParts = {
          ...parts,
          bounds: [],
          ceilings: [],
          grant: attach([denial, all], 'token'),
        }
        const ceiling = levelsOf(everythingElse, question)
        for (const [index, level] of levelsOf({ ...parts, bounds }, question).entries())
          expect(level).toBeLessThanOrEqual(ceiling[index] ?? 0)
      }),
      { numRuns },
    )
  })
})

const all: Policy = { name: 'all', default: 'admin', rules: [] }

describe('labels', () => {
  const renamed = new Map([
    ['x', 'other'],
    ['y', 'x'],
  ])
  const rename = (label: string): string => renamed.get(label) ?? label
  const renameIn = (attached: readonly AttachedPolicy[]): AttachedPolicy[] =>
    attached.map(({ policy, attachedTo }) => ({
      attachedTo,
      policy: {
        ...policy,
        rules: policy.rules.map((rule) => ({
          ...rule,
          server: rule.server.startsWith(labelPrefix)
            ? labelPrefix + rename(rule.server.slice(labelPrefix.length))
            : rule.server,
        })),
      },
    }))

  it('are only words: renamed wherever they stand, they change no level', () => {
    fc.assert(
      fc.property(anyParts, anyLabels, anyQuestion, (parts, labels, question) => {
        const before = { ...parts, ...factsOf(labels) }
        const after: AccessParts = {
          grant: renameIn(parts.grant),
          bounds: renameIn(parts.bounds),
          ...(parts.within && { within: renameIn(parts.within) }),
          ceilings: parts.ceilings.map((ceiling) => ({ ...ceiling, labels: (ceiling.labels ?? []).map(rename) })),
          ...factsOf(new Map([...labels].map(([server, own]) => [server, own.map(rename)]))),
        }
        expect(levelsOf(after, question)).toEqual(levelsOf(before, question))
      }),
      { numRuns },
    )
  })

  it('that a server loses take from it what rules and ceilings gave to the label, and give it nothing but freedom from its denies', () => {
    fc.assert(
      fc.property(anyParts, fc.tuple(anyLabels, anyLabel), anyQuestion, (parts, [labels, lost], question) => {
        const withoutDenies = (attached: AttachedPolicy): AttachedPolicy => {
          const rules = attached.policy.rules.filter(
            ({ server, level }) => level !== 'deny' || server !== labelPrefix + lost,
          )
          return { ...attached, policy: { ...attached.policy, rules } }
        }
        const before = {
          ...parts,
          grant: parts.grant.map(withoutDenies),
          bounds: parts.bounds.map(withoutDenies),
          within: parts.within?.map(withoutDenies),
        }
        const left = new Map([...labels].map(([server, own]) => [server, own.filter((label) => label !== lost)]))
        expectNothingGained(
          onlyHighest({ ...before, ...factsOf(labels) }),
          onlyHighest({ ...before, ...factsOf(left) }),
          question,
        )
      }),
      { numRuns },
    )
  })

  it('of a server that is not known deny it, and allow nothing', () => {
    const parts = (level: PolicyRule['level']): AccessParts => ({
      grant: attach(
        [
          { name: 'p', default: 'deny', rules: [{ server: 'label:x', tool: '*', level }] },
          { ...all, default: level === 'deny' ? 'admin' : 'deny' },
        ],
        'token',
      ),
      bounds: [],
      ceilings: [],
      ...factsOf(new Map()),
    })
    expect(composeAccess(parts('deny')).tool('new', 't').level).toBe('deny')
    expect(composeAccess(parts('admin')).tool('new', 't').level).toBe('deny')
  })
})

/** A more specific rule can also lower: with one level for all that allows, only whether something is allowed is left. */
function onlyHighest(parts: AccessParts): AccessParts {
  const raise = ({ policy, attachedTo }: AttachedPolicy): AttachedPolicy => ({
    attachedTo,
    policy: {
      ...policy,
      default: policy.default === 'deny' ? 'deny' : 'admin',
      rules: policy.rules.map((rule) => ({ ...rule, level: rule.level === 'deny' ? 'deny' : 'admin' })),
    },
  })
  return { ...parts, grant: parts.grant.map(raise), bounds: parts.bounds.map(raise), within: parts.within?.map(raise) }
}
