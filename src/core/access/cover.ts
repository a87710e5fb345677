/**
 * Whether policies surely give all that a rule would give, wherever it speaks. Selectors are compared as texts, and servers are looked at only
 * for their labels: what is not certain is not covered.
 */
import type { Level, Policy } from '#contract/policy.ts'
import type { ServerFacts } from './composition.ts'
import { levelRank } from './decision.ts'
import { everything, exact, labelled, type RankedRule } from './rule-order.ts'
import { matchesWildcard } from './wildcard.ts'

/** Where a rule speaks: for which tools of which servers, and what it asks of their arguments. */
export type Region = Pick<RankedRule, 'server' | 'serverKind' | 'tool' | 'guardText'>

type LabelsOf = ServerFacts['labelsOf']

/** Equal for rules that speak of the same. */
export function regionKey({ server, serverKind, tool, guardText }: Region): string {
  return JSON.stringify([server, serverKind, tool, guardText])
}

/**
 * Whether a policy gives this level or more everywhere in the region, but for what is denied.
 * @param policy its rules in their order: see `rankRules`
 */
export function givesAtLeast(
  policy: Pick<Policy, 'default'> & { rules: readonly RankedRule[] },
  { region, level, labelsOf }: { region: Region; level: Level; labelsOf: LabelsOf },
): boolean {
  for (const rule of policy.rules) {
    if (rule.level === 'deny' || !canMeet(rule, region, labelsOf)) continue
    if (levelRank[rule.level] < levelRank[level]) return false
    if (covers(rule, region, labelsOf)) return true
  }
  return levelRank[policy.default] >= levelRank[level]
}

/** Whether the one speaks wherever the other one does. */
export function covers(wide: Region, narrow: Region, labelsOf: LabelsOf): boolean {
  const isAsked = wide.guardText === '' || wide.guardText === narrow.guardText
  return isAsked && coversServer(wide, narrow, labelsOf) && coversPattern(wide.tool, narrow.tool)
}

function coversServer(wide: Region, narrow: Region, labelsOf: LabelsOf): boolean {
  if (wide.serverKind === everything) return true
  if (wide.serverKind !== labelled) return narrow.serverKind !== labelled && coversPattern(wide.server, narrow.server)
  if (narrow.serverKind === labelled) return wide.server === narrow.server
  return narrow.serverKind === exact && labelsOf(narrow.server)?.includes(wide.server) === true
}

/** A `*` of the narrow one is a text that only a `*` of the wide one can stand for; a `?` could be taken for standing for it as well. */
export function coversPattern(wide: string, narrow: string): boolean {
  if (wide === narrow) return true
  return !(wide.includes('?') && narrow.includes('*')) && matchesWildcard(wide, narrow)
}

/** Whether there may be a call of which both speak, whatever its arguments are. */
export function canMeet(one: Region, other: Region, labelsOf: LabelsOf): boolean {
  return canServersMeet(one, other, labelsOf) && canPatternsMeet(one.tool, other.tool)
}

function canServersMeet(one: Region, other: Region, labelsOf: LabelsOf): boolean {
  if (one.serverKind === labelled) {
    return other.serverKind !== exact || (labelsOf(other.server)?.includes(one.server) ?? true)
  }
  if (other.serverKind === labelled) return canServersMeet(other, one, labelsOf)
  return canPatternsMeet(one.server, other.server)
}

/** By what stands before the first wildcard and behind the last one. */
function canPatternsMeet(one: string, other: string): boolean {
  const [first, second] = [endsOf(one), endsOf(other)]
  if (!first) return matchesWildcard(other, one)
  if (!second) return matchesWildcard(one, other)
  const isHead = first.head.startsWith(second.head) || second.head.startsWith(first.head)
  return isHead && (first.tail.endsWith(second.tail) || second.tail.endsWith(first.tail))
}

function endsOf(pattern: string): { head: string; tail: string } | null {
  const from = pattern.search(/[*?]/)
  if (from < 0) return null
  const to = Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?'))
  return { head: pattern.slice(0, from), tail: pattern.slice(to + 1) }
}
