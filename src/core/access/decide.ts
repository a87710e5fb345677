/**
 * Who may call what: the definition, to be read beside contract/policy.ts. `access.ts` gives the same answers at the speed of a call.
 *
 * 1. What lies outside a ceiling is denied.
 * 2. Any matching rule of level `deny`, in any policy of the grant, of what it is held within, or of the bounds, denies.
 * 3. Otherwise each policy of the grant gives the level of its most specific matching rule: exact tool, tool pattern, every tool (`*`); among
 *    these exact server, label, server pattern, every server; then the longer literal part, the tool's first; then a rule that asks for
 *    arguments before one that does not; of equals the lower level. A policy without a matching rule gives its default. A default `deny`
 *    is the absence of a grant and takes nothing from others.
 * 4. A server that is for everyone gives `execute`.
 * 5. The highest of these levels is the decision. Nothing at all: deny.
 * 6. A grant that is held within another one gives no more than 3 to 5 come to for that one.
 *
 * A rule that asks for arguments (guard.ts) counts for a call only if the call's arguments are such; bearing.ts says what it means for lists,
 * and for what is no tool. A list gets the best that some arguments would.
 */
import type { Level, Policy } from '#contract/policy.ts'
import { bearingOf, type Asking, type Bearing } from './bearing.ts'
import { isThrough, passageOf, type Ceiling } from './ceiling.ts'
import type { AccessParts } from './composition.ts'
import {
  forEveryone,
  holdWithin,
  levelRank,
  nameTooLong,
  noPolicy,
  toCeilingDecision,
  toDefaultDecision,
  withParameter,
  type Decision,
} from './decision.ts'
import {
  compareTexts,
  everything,
  exact,
  labelled,
  rankRules,
  type RankedRule,
  type SelectorKind,
} from './rule-order.ts'
import { matchesWildcard } from './wildcard.ts'

export type { Decision } from './decision.ts'

/** MCP asks for tool names of at most 128. What is longer is no tool's name, and no pattern has to be tried on it. */
export const toolCharsMax = 1_024

/**
 * May the caller list the tool.
 * @param server the real name, never an alias
 * @param tool the name that the server itself uses
 * @public for whoever asks once, as an explanation does
 */
export function decideTool(parts: AccessParts, server: string, tool: string): Decision {
  return decide(parts, { server, tool }, 'some')
}

/**
 * May the caller call the tool with these arguments. What no arguments get is denied for the reason that lists have.
 * @public for whoever asks once, as an explanation does
 */
export function decideCall(parts: AccessParts, call: { server: string; tool: string; args: unknown }): Decision {
  const listed = decideTool(parts, call.server, call.tool)
  return listed.isConditional ? decide(parts, call, { args: call.args }) : listed
}

/**
 * The level for what a server has beside tools: prompts, resources, completion. Only rules for every tool (`*`) count,
 * allowing and denying ones alike: a rule that names tools says nothing about prompts.
 * @public for whoever asks once, as an explanation does
 */
export function decideServer(parts: AccessParts, server: string): Decision {
  return decide(parts, { server, tool: null }, 'none')
}

export function allowsRead(level: Level): boolean {
  return levelRank[level] >= levelRank.read
}

export function allowsExecute(level: Level): boolean {
  return levelRank[level] >= levelRank.execute
}

/** @param labels null where they are not known: then any of them may be there, for a rule that denies */
export function matchesServer(rule: RankedRule, server: string, labels: readonly string[] | null): boolean {
  if (rule.serverKind === labelled) return labels?.includes(rule.server) ?? rule.level === 'deny'
  return matchesPattern(rule.server, rule.serverKind, server)
}

/** `tool` null: what the server has beside tools. */
type Place = { server: string; tool: string | null }

/** A rule whose names match. */
export type Borne = { rule: RankedRule; bearing: Bearing }

function decide(parts: AccessParts, place: Place, asking: Asking): Decision {
  if ((place.tool?.length ?? 0) > toolCharsMax) return nameTooLong
  const cutting = parts.ceilings.filter((ceiling) => !isWithin(parts, ceiling, place)).map(({ name }) => name)
  const [first] = cutting.toSorted(compareTexts)
  if (first !== undefined) return toCeilingDecision(first)
  const borne = findRules(parts, place, asking)
  const denying = borne.find(({ rule, bearing }) => rule.level === 'deny' && bearing.counts === true)
  if (denying) return withParameter(denying.rule.decision, denying.bearing.parameter)
  const own = decideAllowed(parts, place, borne)
  return parts.within ? holdWithin(own, decideAllowed({ ...parts, grant: parts.within }, place, borne)) : own
}

export function isWithin({ labelsOf }: AccessParts, ceiling: Ceiling, { server, tool }: Place): boolean {
  return isThrough(passageOf(ceiling, server, labelsOf(server)), tool)
}

/** Every rule whose names match, the most specific first. */
export function findRules(parts: AccessParts, { server, tool }: Place, asking: Asking): Borne[] {
  const { grant, within = [], bounds, labelsOf } = parts
  const policies = new Set([...grant, ...within, ...bounds].map(({ policy }) => policy))
  const labels = labelsOf(server)
  const matchesTool = (rule: RankedRule): boolean =>
    tool === null ? rule.toolKind === everything : matchesPattern(rule.tool, rule.toolKind, tool)
  return rankRules([...policies])
    .filter((rule) => matchesServer(rule, server, labels) && matchesTool(rule))
    .map((rule) => ({ rule, bearing: bearingOf(rule, asking) }))
}

function decideAllowed(parts: AccessParts, { server }: Place, borne: readonly Borne[]): Decision {
  const choices = chooseRules(parts, borne)
  const reached = borne.filter((one) => choices.some((choice) => choice.reached.includes(one)))
  const best = findHighest([
    ...reached.filter(({ bearing }) => bearing.counts !== false).map(({ rule }) => rule.decision),
    ...(parts.isForEveryone?.(server) ? [forEveryone] : []),
    ...choices.flatMap(({ policy, isSettled }) => (isSettled ? [] : [toDefaultDecision(policy)])),
  ])
  const denying = borne.filter(({ rule }) => rule.level === 'deny')
  const asksAgain = [...denying, ...reached].some(({ bearing }) => bearing.counts === 'maybe')
  if (asksAgain && best.level !== 'deny') return { ...best, isConditional: true }
  const missed = reached.find((one) => isMissed(one, best))
  return missed ? withUnmet(best, missed) : best
}

/** Of one policy: its rules down to the first that counts whatever the arguments are. That one settles it: the rest, and the default, are idle. */
type Choice = { policy: Policy; reached: readonly Borne[]; isSettled: boolean }

/** Of every policy of the grant, by name. */
export function chooseRules({ grant }: AccessParts, borne: readonly Borne[]): Choice[] {
  const policies = sortPolicies(new Set(grant.map(({ policy }) => policy)))
  return policies.map((policy) => {
    const own = borne.filter(({ rule }) => rule.policy === policy && rule.level !== 'deny')
    const settling = own.findIndex(({ bearing }) => bearing.counts === true)
    const isSettled = settling !== -1
    return { policy, reached: isSettled ? own.slice(0, settling + 1) : own, isSettled }
  })
}

export function sortPolicies(policies: Iterable<Policy>): Policy[] {
  return [...policies].toSorted((one, other) => compareTexts(one.name, other.name))
}

/** Of equals the first. */
function findHighest(decisions: readonly Decision[]): Decision {
  const isHigher = (one: Decision, other: Decision): boolean => levelRank[one.level] > levelRank[other.level]
  return decisions.reduce((best, one) => (isHigher(one, best) ? one : best), decisions[0] ?? noPolicy)
}

export function isMissed({ rule, bearing }: Borne, best: Decision): boolean {
  return bearing.counts === false && bearing.parameter !== null && levelRank[rule.level] > levelRank[best.level]
}

export function withUnmet(best: Decision, { rule: { policy, index }, bearing: { parameter } }: Borne): Decision {
  return parameter === null ? best : { ...best, unmet: { policy: policy.name, index, parameter } }
}

function matchesPattern(pattern: string, kind: SelectorKind, text: string): boolean {
  if (kind === exact) return pattern === text
  return kind === everything || matchesWildcard(pattern, text)
}
