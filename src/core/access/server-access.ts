/** A caller's access to one server, compiled: its rules, found by the tool's name. The answers are those of `decide.ts`. */
import type { Policy } from '#contract/policy.ts'
import { bearingOf, type Asking } from './bearing.ts'
import { isThrough, type Passage } from './ceiling.ts'
import { mayShareTool, type ReadPatterns } from './common-tool.ts'
import { isPatterned, type CompiledRules } from './compiled-rules.ts'
import { allowsExecute, allowsRead, isMissed, toolCharsMax, withUnmet, type Borne } from './decide.ts'
import {
  forEveryone,
  holdWithin,
  levelRank,
  nameTooLong,
  noPolicy,
  toCeilingDecision,
  toConditional,
  withParameter,
  type Decision,
} from './decision.ts'
import { compareRules, everything, exact, type RankedRule } from './rule-order.ts'
import { matchesWildcard } from './wildcard.ts'

export type ServerAccessParts = {
  compiled: CompiledRules
  isForEveryone: boolean
  /** What the ceilings let through, by their names. */
  passages: readonly { name: string; passage: Passage }[]
  /** What the grant is held within; null: it stands alone. */
  within: ServerAccess | null
}

/** So few patterns are tried one by one. */
const triedMax = 8

export class ServerAccess {
  /** For what the server has beside tools. */
  readonly decision: Decision
  /** Whether anything of it may be seen, be it one tool. */
  readonly mayReach: boolean
  /** Decisions for lists that were taken before. */
  readonly known = new Map<string, Decision>()
  readonly #compiled: CompiledRules
  readonly #byTool: ReadonlyMap<string, readonly RankedRule[]>
  readonly #byPattern: ReadonlyMap<string, readonly RankedRule[]>
  readonly #forEveryTool: readonly RankedRule[]
  readonly #narrowing: ServerAccessParts['passages']
  readonly #isForEveryone: boolean
  readonly #within: ServerAccess | null
  #lastTool: string | undefined
  #lastRules: readonly RankedRule[] = none

  constructor(server: string, { compiled, isForEveryone, passages, within }: ServerAccessParts) {
    const rules = compiled.forServer(server)
    this.#compiled = compiled
    this.#byTool = byTool(rules.filter(({ toolKind }) => toolKind === exact))
    this.#byPattern = byTool(rules.filter(isPatterned))
    this.#forEveryTool = rules.filter(({ toolKind }) => toolKind === everything)
    this.#narrowing = passages.filter(({ passage }) => passage !== 'all')
    this.#isForEveryone = isForEveryone
    this.#within = within
    const decision = this.#findCut(null) ?? this.#walk(this.#forEveryTool, 'none')
    this.decision = within ? holdWithin(decision, within.decision) : decision
    this.mayReach = (within === null || within.mayReach) && this.#findReach()
  }

  /** For lists: the best that some arguments get. */
  list(tool: string): Decision {
    const decision = this.#findCut(tool) ?? this.#walk(this.#rulesFor(tool), 'some')
    return this.#within ? holdWithin(decision, this.#within.list(tool)) : decision
  }

  /** Of a tool for which `list` is conditional. */
  call(tool: string, args: unknown): Decision {
    const decision = this.#walk(this.#rulesFor(tool), { args })
    return this.#within ? holdWithin(decision, this.#within.call(tool, args)) : decision
  }

  /** Never false where something may be seen. */
  #findReach(): boolean {
    const mayList = (tool: string): boolean => allowsRead(this.list(tool).level)
    for (const { passage } of this.#narrowing) if (passage !== 'all') return passage.values().some(mayList)
    if (allowsRead(this.decision.level)) return true
    const within = this.#within
    if (mayShareTool(this.#readPatterns(), within === null ? everyTool : within.#readPatterns())) return true
    return this.#readNames().some(mayList) || (within !== null && within.#readNames().some(mayList))
  }

  /** By its own rules alone, whatever it is held within and whatever they deny besides. */
  #readNames(): string[] {
    return [...this.#byTool].flatMap(([tool, rules]) => (rules.some(({ level }) => allowsRead(level)) ? [tool] : []))
  }

  #readPatterns(): ReadPatterns {
    const rules = [...this.#forEveryTool, ...[...this.#byPattern.values()].flat()]
    const denied = rules.filter(({ level, guard }) => level === 'deny' && guard === null).map(({ tool }) => tool)
    if (allowsRead(this.#walk(this.#forEveryTool, 'some').level)) return { readable: ['*'], denied }
    return { readable: rules.filter(({ level }) => allowsRead(level)).map(({ tool }) => tool), denied }
  }

  #findCut(tool: string | null): Decision | null {
    if (tool !== null && tool.length > toolCharsMax) return nameTooLong
    for (const { name, passage } of this.#narrowing) if (!isThrough(passage, tool)) return toCeilingDecision(name)
    return null
  }

  /** A call is asked for right after its tool: what was found last is often asked for again. */
  #rulesFor(tool: string): readonly RankedRule[] {
    if (this.#lastTool === tool) return this.#lastRules
    this.#lastTool = tool
    return (this.#lastRules = this.#findRules(tool))
  }

  /** The most specific first: rules for one tool, for a pattern of tools, for all. */
  #findRules(tool: string): readonly RankedRule[] {
    const named = this.#byTool.get(tool)
    const patterned = this.#byPattern.size === 0 ? none : this.#patternedFor(tool)
    if (patterned.length === 0) return named ? named.concat(this.#forEveryTool) : this.#forEveryTool
    return named ? named.concat(patterned, this.#forEveryTool) : patterned.concat(this.#forEveryTool)
  }

  #patternedFor(tool: string): readonly RankedRule[] {
    const found: RankedRule[] = []
    if (this.#byPattern.size <= triedMax) {
      for (const [pattern, rules] of this.#byPattern) if (matchesWildcard(pattern, tool)) found.push(...rules)
    } else {
      for (const pattern of this.#compiled.matchTool(tool)) found.push(...(this.#byPattern.get(pattern) ?? none))
    }
    return found.length > 1 ? found.toSorted(compareRules) : found
  }

  #walk(rules: readonly RankedRule[], asking: Asking): Decision {
    const denial = findDenial(rules, asking)
    if (denial !== null && denial !== 'maybe') return denial
    const { settled } = this.#compiled
    settled.clear()
    const grant = findGrant(rules, asking, settled)
    const decision = this.#orFallback(grant.best)
    if ((grant.isMaybe || denial === 'maybe') && decision.level !== 'deny') return toConditional(decision)
    return grant.missed === null ? decision : tellMissed(decision, grant.missed)
  }

  #orFallback(found: Decision | null): Decision {
    const best = this.#isForEveryone && !(found && allowsExecute(found.level)) ? forEveryone : found
    for (const { policy, decision } of this.#compiled.defaults) {
      if (best && levelRank[decision.level] <= levelRank[best.level]) break
      if (!this.#compiled.settled.has(policy)) return decision
    }
    return best ?? noPolicy
  }
}

const none: readonly RankedRule[] = []
const everyTool: ReadPatterns = { readable: ['*'], denied: [] }

function byTool(rules: readonly RankedRule[]): ReadonlyMap<string, readonly RankedRule[]> {
  return rules.length === 0 ? noTools : Map.groupBy(rules, ({ tool }) => tool)
}
const noTools: ReadonlyMap<string, readonly RankedRule[]> = new Map()

/** The most specific rule that denies; `maybe`: it depends on arguments whether one does. */
function findDenial(rules: readonly RankedRule[], asking: Asking): Decision | 'maybe' | null {
  let isMaybe = false
  for (const rule of rules) {
    if (rule.level !== 'deny') continue
    const { counts, parameter } = bearingOf(rule, asking)
    if (counts === true) return withParameter(rule.decision, parameter)
    if (counts === 'maybe') isMaybe = true
  }
  return isMaybe ? 'maybe' : null
}

type Grant = { best: Decision | null; isMaybe: boolean; missed: Borne[] | null }

/** @param settled takes the policies of which a rule counts whatever the arguments are: the rest of their rules is idle */
function findGrant(rules: readonly RankedRule[], asking: Asking, settled: Set<Policy>): Grant {
  const grant: Grant = { best: null, isMaybe: false, missed: null }
  for (const rule of rules) {
    if (rule.level === 'deny' || settled.has(rule.policy)) continue
    const bearing = bearingOf(rule, asking)
    if (bearing.counts === false) {
      ;(grant.missed ??= []).push({ rule, bearing })
      continue
    }
    if (bearing.counts === 'maybe') grant.isMaybe = true
    else settled.add(rule.policy)
    if (grant.best === null || levelRank[rule.level] > levelRank[grant.best.level]) grant.best = rule.decision
  }
  return grant
}

function tellMissed(best: Decision, missed: readonly Borne[]): Decision {
  const first = missed.find((one) => isMissed(one, best))
  return first ? withUnmet(best, first) : best
}
