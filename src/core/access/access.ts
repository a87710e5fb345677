/** A caller's policies, compiled once and asked on every call. The answers are those of `decide.ts`. */
import type { Policy } from '#contract/policy.ts'
import {
  allowsRead,
  higher,
  matchesServer,
  noPolicy,
  sortPolicies,
  toDefaultDecision,
  toRuleDecision,
  type Decision,
} from './decide.ts'
import { everything, exact, rankRules, type RankedRule } from './rule-order.ts'
import { matchesWildcard } from './wildcard.ts'

export type { Decision } from './decide.ts'

export interface Access {
  /** @param server the real name, never an alias */
  tool(server: string, tool: string): Decision
  /** The level for prompts, resources and whatever else has no tool name. */
  server(server: string): Decision
  /** Whether the caller may see anything at all of this server, be it one tool. */
  mayReach(server: string): boolean
  /** Equal exactly for policies that are equal, in whatever order they were given: what was made for one serves the other. */
  readonly fingerprint: string
}

/** What is remembered is bounded, because callers choose the names they ask for. */
const toolsMax = 10_000
const serversMax = 1_000
const nameCharsMax = 256

/**
 * @param hash makes the fingerprint short; it must be one that nobody can find collisions for. Without it the
 * fingerprint is the policies' own text
 */
export function compileAccess(policies: readonly Policy[], hash: (text: string) => string = (text) => text): Access {
  const sorted = sortPolicies(policies)
  const rulesFor = indexByServer(rankRules(sorted))
  const servers = new Map<string, ServerAccess>()
  let toolCount = 0

  function serverAccess(server: string): ServerAccess {
    const known = servers.get(server)
    if (known) return known
    const compiled = compileServer(sorted, rulesFor(server))
    if (servers.size >= serversMax) forget()
    if (server.length <= nameCharsMax) servers.set(server, compiled)
    return compiled
  }

  function forget(): void {
    servers.clear()
    toolCount = 0
  }

  return {
    tool(server, tool) {
      const access = serverAccess(server)
      const known = access.tools.get(tool)
      if (known) return known
      const decision = decide(access, tool)
      if (tool.length > nameCharsMax) return decision
      if (toolCount >= toolsMax) forget()
      access.tools.set(tool, decision)
      toolCount++
      return decision
    },
    server: (server) => serverAccess(server).decision,
    mayReach: (server) => serverAccess(server).mayReach,
    fingerprint: hash(toText(sorted)),
  }
}

/** One policy's rules for one server. Exact names are looked up; the rest is tried in order, the most specific first. */
type Bucket = { exact: Map<string, Decision>; patterns: { tool: string; decision: Decision }[] }

type ServerAccess = {
  denies: Bucket
  grants: readonly { rules: Bucket; fallback: Decision }[]
  decision: Decision
  mayReach: boolean
  /** Decisions already taken. */
  tools: Map<string, Decision>
}

function decide({ denies, grants }: ServerAccess, tool: string): Decision {
  const denied = find(denies, tool)
  if (denied) return denied
  let best = noPolicy
  for (const { rules, fallback } of grants) best = higher(best, find(rules, tool) ?? fallback)
  return best
}

function find(bucket: Bucket, tool: string): Decision | undefined {
  const named = bucket.exact.get(tool)
  if (named) return named
  for (const { tool: pattern, decision } of bucket.patterns) if (matchesWildcard(pattern, tool)) return decision
  return undefined
}

/** Most rules name one server: those are looked up, so that only the patterns are tried one by one. */
function indexByServer(ranked: readonly RankedRule[]): (server: string) => RankedRule[] {
  const rank = new Map(ranked.map((rule, position) => [rule, position]))
  const named = Map.groupBy(
    ranked.filter(({ serverKind }) => serverKind === exact),
    ({ server }) => server,
  )
  const patterns = ranked.filter(({ serverKind }) => serverKind !== exact)
  return (server) =>
    [...(named.get(server) ?? []), ...patterns.filter((rule) => matchesServer(rule, server))].toSorted(
      (one, other) => (rank.get(one) ?? 0) - (rank.get(other) ?? 0),
    )
}

function compileServer(policies: readonly Policy[], rules: readonly RankedRule[]): ServerAccess {
  const isDeny = ({ level }: RankedRule) => level === 'deny'
  const granting = Map.groupBy(
    rules.filter((rule) => !isDeny(rule)),
    ({ policy }) => policy,
  )
  const grants = policies.map((policy) => {
    const own = granting.get(policy) ?? []
    return { rules: toBucket(own), fallback: toDefaultDecision(policy), forServer: own.find(isForEveryTool) }
  })
  const denying = rules.filter(isDeny)
  const deny = denying.find(isForEveryTool)
  const decision = deny
    ? toRuleDecision(deny)
    : grants
        .map(({ forServer, fallback }) => (forServer ? toRuleDecision(forServer) : fallback))
        .reduce(higher, noPolicy)
  const denies = toBucket(denying)
  const isOpen = ({ level, tool, toolKind }: RankedRule) =>
    allowsRead(level) && (toolKind !== exact || find(denies, tool) === undefined)
  const mayReach = deny === undefined && (allowsRead(decision.level) || rules.some(isOpen))
  return { denies, grants, decision, mayReach, tools: new Map() }
}

function isForEveryTool({ toolKind }: RankedRule): boolean {
  return toolKind === everything
}

function toBucket(rules: readonly RankedRule[]): Bucket {
  const bucket: Bucket = { exact: new Map(), patterns: [] }
  for (const rule of rules) {
    const decision = toRuleDecision(rule)
    if (rule.toolKind !== exact) bucket.patterns.push({ tool: rule.tool, decision })
    else if (!bucket.exact.has(rule.tool)) bucket.exact.set(rule.tool, decision)
  }
  return bucket
}

/** All that a decision or its reason can depend on, and nothing else. */
function toText(sorted: readonly Policy[]): string {
  return JSON.stringify(
    sorted.map(({ name, default: level, rules }) => [
      name,
      level,
      rules.map((rule) => [rule.server, rule.tool, rule.level]),
    ]),
  )
}
