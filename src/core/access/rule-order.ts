/** Which rule is more specific. One total order, so that no decision depends on where a rule was written. */
import { labelPrefix, type Level, type Policy, type PolicyRule } from '#contract/policy.ts'
import { levelRank, type Decision } from './decision.ts'
import { toGuard, type Guard } from './guard.ts'
import { hasWildcard } from './wildcard.ts'

export type RankedRule = {
  policy: Policy
  /** Position in the policy's own list. */
  index: number
  level: Level
  /** A name or a pattern; of kind `labelled` the label alone. */
  server: string
  serverKind: SelectorKind
  tool: string
  toolKind: SelectorKind
  /** What it asks of the arguments; null: nothing. */
  guard: Guard | null
  /** The rule as written, where it has a guard: tells it from others. */
  guardText: string
  /** Higher is more specific, and of equally specific ones the lower level. */
  weight: number
  /** What it comes to where it decides. */
  decision: Decision
}

/** Selects everything, something, what has a label, or one name. Higher is more specific. */
export type SelectorKind = typeof everything | typeof some | typeof labelled | typeof exact
export const everything = 0
export const some = 1
export const labelled = 2
export const exact = 3

const ranked = new WeakMap<Policy, readonly RankedRule[]>()

/** All rules of all policies, the most specific first; of equally specific ones the lower level first. */
export function rankRules(policies: readonly Policy[]): RankedRule[] {
  return policies.flatMap(rankedOf).toSorted(compareRules)
}

/** Made once for all callers who have the policy. */
function rankedOf(policy: Policy): readonly RankedRule[] {
  let rules = ranked.get(policy)
  if (!rules) ranked.set(policy, (rules = policy.rules.map((rule, index) => toRanked(policy, rule, index))))
  return rules
}

function toRanked(policy: Policy, rule: PolicyRule, index: number): RankedRule {
  const { server: selector, tool, level, conditions, allowedParams } = rule
  const isLabel = selector.startsWith(labelPrefix)
  const server = isLabel ? selector.slice(labelPrefix.length) : selector
  const guard = toGuard(rule)
  const selected = {
    level,
    server,
    serverKind: isLabel ? labelled : kindOf(server),
    tool,
    toolKind: kindOf(tool),
    guard,
  }
  return {
    ...selected,
    policy,
    index,
    guardText: guard ? JSON.stringify([conditions, allowedParams]) : '',
    weight: weigh(selected),
    decision: { level, reason: { kind: 'rule', policy: policy.name, index } },
  }
}

function kindOf(pattern: string): SelectorKind {
  if (!hasWildcard(pattern)) return exact
  return /^\*+$/.test(pattern) ? everything : some
}

/**
 * The tool tells before the server, and the kind of selector before the length of its literal part; of two that name the same, one that asks
 * for arguments is the more specific. One number, because rules are compared by the thousand.
 */
function weigh(rule: Pick<RankedRule, 'level' | 'server' | 'serverKind' | 'tool' | 'toolKind' | 'guard'>): number {
  const { level, server, serverKind, tool, toolKind, guard } = rule
  // A label is a word that people choose: its length says nothing.
  const serverChars = serverKind === labelled ? 0 : literalChars(server)
  let weight = toolKind * 4 + serverKind
  weight = weight * literalCharsMax + Math.min(literalChars(tool), literalCharsMax - 1)
  weight = weight * literalCharsMax + Math.min(serverChars, literalCharsMax - 1)
  weight = weight * 2 + (guard ? 1 : 0)
  return weight * 4 + (levelRank.admin - levelRank[level])
}

/** Texts and positions come last: they choose no level, only which of two equal rules is named as the reason. */
export function compareRules(one: RankedRule, other: RankedRule): number {
  return (
    other.weight - one.weight ||
    compareTexts(one.policy.name, other.policy.name) ||
    compareTexts(one.server, other.server) ||
    compareTexts(one.tool, other.tool) ||
    compareTexts(one.guardText, other.guardText) ||
    one.index - other.index
  )
}

/** More than a selector may have. */
const literalCharsMax = 2_048

function literalChars(pattern: string): number {
  return pattern.replaceAll(/[*?]/g, '').length
}

/** By code units: the reader's language must not choose a reason. */
export function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
