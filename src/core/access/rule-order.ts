/** Which rule is more specific. One total order, so that no decision depends on where a rule was written. */
import type { Level, Policy, PolicyRule } from '#contract/policy.ts'
import { hasWildcard } from './wildcard.ts'

export const levelRank: Readonly<Record<Level, number>> = { deny: 0, read: 1, execute: 2, admin: 3 }

export type RankedRule = PolicyRule & {
  policy: Policy
  /** Position in the policy's own list. */
  index: number
  serverKind: PatternKind
  toolKind: PatternKind
}

/** Matches everything, something, or one name. Higher is more specific. */
export type PatternKind = typeof everything | typeof some | typeof exact
export const everything = 0
const some = 1
export const exact = 2

/** All rules of all policies, the most specific first; of equally specific ones the lower level first. */
export function rankRules(policies: readonly Policy[]): RankedRule[] {
  return policies
    .flatMap((policy) =>
      policy.rules.map((rule, index) => ({
        ...rule,
        policy,
        index,
        serverKind: kindOf(rule.server),
        toolKind: kindOf(rule.tool),
      })),
    )
    .toSorted(compareRules)
}

function kindOf(pattern: string): PatternKind {
  if (!hasWildcard(pattern)) return exact
  return /^\*+$/.test(pattern) ? everything : some
}

/**
 * The tool tells before the server, and the kind of pattern before the length of its literal part. Texts and positions come
 * last: they choose no level, only which of two equal rules is named as the reason.
 */
function compareRules(one: RankedRule, other: RankedRule): number {
  return (
    other.toolKind - one.toolKind ||
    other.serverKind - one.serverKind ||
    literalChars(other.tool) - literalChars(one.tool) ||
    literalChars(other.server) - literalChars(one.server) ||
    levelRank[one.level] - levelRank[other.level] ||
    compareTexts(one.policy.name, other.policy.name) ||
    compareTexts(one.server, other.server) ||
    compareTexts(one.tool, other.tool) ||
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
