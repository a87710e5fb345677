/** Which rule is more specific. One total order, so that no decision depends on where a rule was written. */
import { labelPrefix, type Level, type Policy, type PolicyRule } from '#contract/policy.ts'
import { toGuard, type Guard } from './guard.ts'
import { hasWildcard } from './wildcard.ts'

export const levelRank: Readonly<Record<Level, number>> = { deny: 0, read: 1, execute: 2, admin: 3 }

export type RankedRule = {
  policy: Policy
  /** Position in the policy's own list. */
  index: number
  level: Level
  /** A name or a pattern; of kind `labelled` the label alone. */
  server: string
  serverKind: SelectorKind
  serverLiteralChars: number
  tool: string
  toolKind: SelectorKind
  toolLiteralChars: number
  /** What it asks of the arguments; null: nothing. */
  guard: Guard | null
  /** The rule as written, where it has a guard: tells it from others. */
  guardText: string
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
  return {
    policy,
    index,
    level,
    server,
    serverKind: isLabel ? labelled : kindOf(server),
    // A label is a word that people choose: its length says nothing.
    serverLiteralChars: isLabel ? 0 : literalChars(server),
    tool,
    toolKind: kindOf(tool),
    toolLiteralChars: literalChars(tool),
    guard,
    guardText: guard ? JSON.stringify([conditions, allowedParams]) : '',
  }
}

function kindOf(pattern: string): SelectorKind {
  if (!hasWildcard(pattern)) return exact
  return /^\*+$/.test(pattern) ? everything : some
}

/**
 * The tool tells before the server, and the kind of selector before the length of its literal part; of two that name the same, one that asks
 * for arguments is the more specific. Texts and positions come last: they choose no level, only which of two equal rules is named as the
 * reason.
 */
function compareRules(one: RankedRule, other: RankedRule): number {
  return compareSpecificity(one, other) || levelRank[one.level] - levelRank[other.level] || compareWording(one, other)
}

function compareSpecificity(one: RankedRule, other: RankedRule): number {
  return (
    other.toolKind - one.toolKind ||
    other.serverKind - one.serverKind ||
    other.toolLiteralChars - one.toolLiteralChars ||
    other.serverLiteralChars - one.serverLiteralChars ||
    Number(other.guard !== null) - Number(one.guard !== null)
  )
}

function compareWording(one: RankedRule, other: RankedRule): number {
  return (
    compareTexts(one.policy.name, other.policy.name) ||
    compareTexts(one.server, other.server) ||
    compareTexts(one.tool, other.tool) ||
    compareTexts(one.guardText, other.guardText) ||
    one.index - other.index
  )
}

function literalChars(pattern: string): number {
  return pattern.replaceAll(/[*?]/g, '').length
}

/** By code units: the reader's language must not choose a reason. */
export function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
