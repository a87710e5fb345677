/** A caller's access to one server, compiled: its rules, found by the tool's name. The answers are those of `decide.ts`. */
import type { Policy } from '#contract/policy.ts'
import { bearingOf, type Asking } from './bearing.ts'
import { isThrough, type Passage } from './ceiling.ts'
import {
  allowsExecute,
  allowsRead,
  forEveryone,
  isMissed,
  nameTooLong,
  noPolicy,
  toCeilingDecision,
  toDefaultDecision,
  toolCharsMax,
  toRuleDecision,
  withParameter,
  withUnmet,
  type Borne,
  type Decision,
} from './decide.ts'
import { PatternIndex } from './pattern-index.ts'
import { everything, exact, levelRank, type RankedRule } from './rule-order.ts'

export type ServerAccessParts = {
  /** Those that are for this server, in their order; of policies that are no grant only those that deny. */
  rules: readonly RankedRule[]
  /** Each once, by name. */
  grant: readonly Policy[]
  isForEveryone: boolean
  /** What the ceilings let through, by their names. */
  passages: readonly { name: string; passage: Passage }[]
}

type Entry = { rule: RankedRule; decision: Decision }

export class ServerAccess {
  /** For what the server has beside tools. */
  readonly decision: Decision
  /** Whether anything of it may be seen, be it one tool. */
  readonly mayReach: boolean
  /** Decisions for lists that were taken before. */
  readonly known = new Map<string, Decision>()
  readonly #byTool: ReadonlyMap<string, readonly Entry[]>
  readonly #byPattern: PatternIndex<Entry>
  readonly #forEveryTool: readonly Entry[]
  readonly #narrowing: ServerAccessParts['passages']
  readonly #isForEveryone: boolean
  /** The highest first. */
  readonly #defaults: readonly { policy: Policy; decision: Decision }[]
  /** In which walk a policy was last settled. */
  readonly #settled = new Map<Policy, number>()
  #walks = 0

  constructor(parts: ServerAccessParts) {
    const entries = withoutIdle(parts.rules).map((rule) => ({ rule, decision: toRuleDecision(rule) }))
    const byKind = Map.groupBy(entries, ({ rule }) => rule.toolKind)
    const patterned = entries.filter(({ rule }) => rule.toolKind !== exact && rule.toolKind !== everything)
    this.#byTool = Map.groupBy(byKind.get(exact) ?? [], ({ rule }) => rule.tool)
    this.#byPattern = new PatternIndex(patterned, ({ rule }) => rule.tool)
    this.#forEveryTool = byKind.get(everything) ?? []
    this.#narrowing = parts.passages.filter(({ passage }) => passage !== 'all')
    this.#isForEveryone = parts.isForEveryone
    this.#defaults = parts.grant
      .map((policy) => ({ policy, decision: toDefaultDecision(policy) }))
      .toSorted((one, other) => levelRank[other.decision.level] - levelRank[one.decision.level])
    this.decision = this.#findCut(null) ?? this.#walk(this.#forEveryTool, 'none')
    this.mayReach = this.#findReach(entries)
  }

  /** For lists: the best that some arguments get. */
  list(tool: string): Decision {
    return this.#findCut(tool) ?? this.#walk(this.#entriesFor(tool), 'some')
  }

  call(tool: string, args: unknown): Decision {
    return this.#findCut(tool) ?? this.#walk(this.#entriesFor(tool), { args })
  }

  #findReach(entries: readonly Entry[]): boolean {
    const mayList = (tool: string): boolean => allowsRead(this.list(tool).level)
    for (const { passage } of this.#narrowing) if (passage !== 'all') return passage.values().some(mayList)
    const isDenied = this.#forEveryTool.some(({ rule }) => rule.level === 'deny' && rule.guard === null)
    if (isDenied) return false
    if (allowsRead(this.#walk(this.#forEveryTool, 'some').level)) return true
    return entries.some(({ rule }) => allowsRead(rule.level) && (rule.toolKind !== exact || mayList(rule.tool)))
  }

  #findCut(tool: string | null): Decision | null {
    if (tool !== null && tool.length > toolCharsMax) return nameTooLong
    for (const { name, passage } of this.#narrowing) if (!isThrough(passage, tool)) return toCeilingDecision(name)
    return null
  }

  /** The most specific first: rules for one tool, for a pattern of tools, for all. */
  #entriesFor(tool: string): readonly Entry[] {
    const named = this.#byTool.get(tool)
    const matching = this.#byPattern.match(tool)
    if (matching.length === 0) return named ? named.concat(this.#forEveryTool) : this.#forEveryTool
    return named ? named.concat(matching, this.#forEveryTool) : matching.concat(this.#forEveryTool)
  }

  #walk(entries: readonly Entry[], asking: Asking): Decision {
    this.#walks++
    const denial = findDenial(entries, asking)
    if (denial !== null && denial !== 'maybe') return denial
    const { best, isMaybe, missed } = this.#findGrant(entries, asking)
    const decision = this.#orFallback(best)
    if ((isMaybe || denial === 'maybe') && decision.level !== 'deny') return { ...decision, isConditional: true }
    return missed === null ? decision : tellMissed(decision, missed)
  }

  #findGrant(entries: readonly Entry[], asking: Asking): Grant {
    const grant: Grant = { best: null, isMaybe: false, missed: null }
    for (const { rule, decision } of entries) {
      if (rule.level === 'deny' || this.#isSettled(rule.policy)) continue
      const bearing = bearingOf(rule, asking)
      if (bearing.counts === false) {
        ;(grant.missed ??= []).push({ rule, bearing })
        continue
      }
      if (bearing.counts === 'maybe') grant.isMaybe = true
      else this.#settled.set(rule.policy, this.#walks)
      if (grant.best === null || levelRank[decision.level] > levelRank[grant.best.level]) grant.best = decision
    }
    return grant
  }

  /** A policy's first rule that counts whatever the arguments are makes the rest of its rules, and its default, idle. */
  #isSettled(policy: Policy): boolean {
    return this.#settled.get(policy) === this.#walks
  }

  #orFallback(found: Decision | null): Decision {
    const best = this.#isForEveryone && !(found && allowsExecute(found.level)) ? forEveryone : found
    for (const { policy, decision } of this.#defaults) {
      if (best && levelRank[decision.level] <= levelRank[best.level]) break
      if (!this.#isSettled(policy)) return decision
    }
    return best ?? noPolicy
  }
}

type Grant = { best: Decision | null; isMaybe: boolean; missed: Borne[] | null }

/** The most specific rule that denies; `maybe`: it depends on arguments whether one does. */
function findDenial(entries: readonly Entry[], asking: Asking): Decision | 'maybe' | null {
  let isMaybe = false
  for (const { rule, decision } of entries) {
    if (rule.level !== 'deny') continue
    const { counts, parameter } = bearingOf(rule, asking)
    if (counts === true) return withParameter(decision, parameter)
    if (counts === 'maybe') isMaybe = true
  }
  return isMaybe ? 'maybe' : null
}

/** Rules that come behind one that says the same of the same tools, whatever the arguments are: they are never the ones that decide. */
function withoutIdle(rules: readonly RankedRule[]): RankedRule[] {
  const said = new Map<Policy | 'deny', Set<string>>()
  return rules.filter(({ policy, level, tool, guard }) => {
    const speaker = level === 'deny' ? level : policy
    let tools = said.get(speaker)
    if (!tools) said.set(speaker, (tools = new Set()))
    const isIdle = tools.has(tool)
    if (guard === null) tools.add(tool)
    return !isIdle
  })
}

function tellMissed(best: Decision, missed: readonly Borne[]): Decision {
  const first = missed.find((one) => isMissed(one, best))
  return first ? withUnmet(best, first) : best
}
