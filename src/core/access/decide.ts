/**
 * Who may call what: the definition, to be read beside contract/policy.ts. `access.ts` gives the same answers at the speed of a call.
 *
 * A caller has the union of its policies, and a deny rule takes away from all of it:
 * 1. Any matching rule of level `deny`, in any of the policies, denies.
 * 2. Otherwise each policy gives the level of its most specific matching rule: exact tool, tool pattern, every tool (`*`); among
 *    these exact server, server pattern, every server; then the longer literal part, the tool's first; of equals the lower level.
 *    A policy without a matching rule gives its default. A default `deny` is the absence of a grant and takes nothing from others.
 * 3. The highest of these levels is the decision. No policy at all: deny.
 */
import type { Level, Policy } from '#contract/policy.ts'
import {
  compareTexts,
  everything,
  exact,
  levelRank,
  rankRules,
  type PatternKind,
  type RankedRule,
} from './rule-order.ts'
import { matchesWildcard } from './wildcard.ts'

export type Decision = {
  level: Level
  /** `index` is the rule's position in its policy. */
  reason: { kind: 'rule'; policy: string; index: number } | { kind: 'default'; policy: string } | { kind: 'no_policy' }
}

/**
 * May the caller list or call this tool.
 * @param server the real name, never an alias
 * @param tool the name that the server itself uses
 * @public for whoever asks once, as an explanation does
 */
export function decideTool(policies: readonly Policy[], server: string, tool: string): Decision {
  return decideAmong(policies, (rule) => matchesServer(rule, server) && matchesPattern(rule.tool, rule.toolKind, tool))
}

/**
 * The level for what a server has beside tools: prompts, resources, completion. Only rules for every tool (`*`) count,
 * allowing and denying ones alike: a rule that names tools says nothing about prompts.
 * @public for whoever asks once, as an explanation does
 */
export function decideServer(policies: readonly Policy[], server: string): Decision {
  return decideAmong(policies, (rule) => rule.toolKind === everything && matchesServer(rule, server))
}

export function allowsRead(level: Level): boolean {
  return levelRank[level] >= levelRank.read
}

export function allowsExecute(level: Level): boolean {
  return levelRank[level] >= levelRank.execute
}

export const noPolicy: Decision = { level: 'deny', reason: { kind: 'no_policy' } }

export function matchesServer(rule: RankedRule, server: string): boolean {
  return matchesPattern(rule.server, rule.serverKind, server)
}

export function toRuleDecision({ level, policy, index }: RankedRule): Decision {
  return { level, reason: { kind: 'rule', policy: policy.name, index } }
}

export function toDefaultDecision(policy: Policy): Decision {
  return { level: policy.default, reason: { kind: 'default', policy: policy.name } }
}

/** The grant of two policies together. Of equal levels a rule is the better reason than a default, then the first one. */
export function higher(one: Decision, other: Decision): Decision {
  const difference = levelRank[other.level] - levelRank[one.level]
  if (difference !== 0) return difference > 0 ? other : one
  return reasonRank[other.reason.kind] > reasonRank[one.reason.kind] ? other : one
}

export function sortPolicies(policies: readonly Policy[]): Policy[] {
  return policies.toSorted((one, other) => compareTexts(one.name, other.name))
}

const reasonRank = { no_policy: 0, default: 1, rule: 2 } as const

function decideAmong(policies: readonly Policy[], isMatch: (rule: RankedRule) => boolean): Decision {
  const matching = rankRules(policies).filter(isMatch)
  const denying = matching.find(({ level }) => level === 'deny')
  if (denying) return toRuleDecision(denying)
  return sortPolicies(policies)
    .map((policy) => {
      const first = matching.find((rule) => rule.policy === policy)
      return first ? toRuleDecision(first) : toDefaultDecision(policy)
    })
    .reduce(higher, noPolicy)
}

function matchesPattern(pattern: string, kind: PatternKind, text: string): boolean {
  if (kind === exact) return pattern === text
  return kind === everything || matchesWildcard(pattern, text)
}
