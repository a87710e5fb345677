/** All rules of a caller that can have a say, ready to be asked for one server. */
import type { Policy } from '#contract/policy.ts'
import type { AccessParts } from './composition.ts'
import { matchesServer, sortPolicies } from './decide.ts'
import { levelRank, toDefaultDecision, type Decision } from './decision.ts'
import { PatternIndex } from './pattern-index.ts'
import { compareRules, everything, exact, rankRules, type RankedRule } from './rule-order.ts'

export class CompiledRules {
  /** What the policies of the grant give where no rule counts; the highest first, of equals by name. */
  readonly defaults: readonly { policy: Policy; decision: Decision }[]
  /** Used anew in each decision: policies that have decided, so that what is left of them is idle. */
  readonly settled = new Set<Policy>()
  readonly #labelsOf: AccessParts['labelsOf']
  /** Most rules name one server: those are looked up, so that only the others are tried one by one. */
  readonly #named: ReadonlyMap<string, readonly RankedRule[]>
  readonly #others: readonly RankedRule[]
  readonly #patterns: readonly string[]
  #patternIndex: PatternIndex | undefined

  constructor({ grant, bounds, within = [], labelsOf }: AccessParts) {
    const granting = new Set(grant.map(({ policy }) => policy))
    const bounding = new Set([...bounds, ...within].map(({ policy }) => policy))
    // Of a bound only what denies.
    const rules = rankRules([...granting.union(bounding)]).filter(
      ({ policy, level }) => level === 'deny' || granting.has(policy),
    )
    this.#labelsOf = labelsOf
    this.#named = Map.groupBy(
      rules.filter(({ serverKind }) => serverKind === exact),
      ({ server }) => server,
    )
    this.#others = rules.filter(({ serverKind }) => serverKind !== exact)
    this.#patterns = rules.filter(isPatterned).map(({ tool }) => tool)
    this.defaults = sortPolicies(granting)
      .map((policy) => ({ policy, decision: toDefaultDecision(policy) }))
      .toSorted((one, other) => levelRank[other.decision.level] - levelRank[one.decision.level])
  }

  /** In their order. */
  forServer(server: string): RankedRule[] {
    const labels = this.#labelsOf(server)
    const others = this.#others.filter((rule) => matchesServer(rule, server, labels))
    return withoutIdle([...(this.#named.get(server) ?? []), ...others].toSorted(compareRules))
  }

  /** The patterns of tools, of all servers' rules together, that match. */
  matchTool(tool: string): string[] {
    return (this.#patternIndex ??= new PatternIndex([...new Set(this.#patterns)])).match(tool)
  }
}

export function isPatterned({ toolKind }: RankedRule): boolean {
  return toolKind !== exact && toolKind !== everything
}

/** Rules that come behind one that says the same of the same tools, whatever the arguments are, never decide. */
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
