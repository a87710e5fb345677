/** How a decision comes about: every rule, default and ceiling that had a say, as data. Made from the definition, for people who ask why. */
import type { Level, PolicyRule } from '#contract/policy.ts'
import type { Asking } from './bearing.ts'
import type { AccessParts, AttachedPolicy, Attachment } from './composition.ts'
import {
  chooseRules,
  decideCall,
  decideServer,
  decideTool,
  findRules,
  isWithin,
  type Borne,
  type Decision,
} from './decide.ts'
import { withinName } from './decision.ts'

export type Explanation = {
  server: string
  /** Null: what the server has beside tools. */
  tool: string | null
  decision: Decision
  /** The most specific first; a rule of a policy that is attached twice stands here twice. */
  rules: ExplainedRule[]
  /** Of the policies of the grant, which alone have a say where no rule of theirs counts. */
  defaults: ExplainedDefault[]
  /** Whether the server is there for everyone, unless a rule denies it. */
  isForEveryone: boolean
  ceilings: { name: string; isWithin: boolean }[]
}

export type ExplainedRule = {
  policy: string
  /** Position in its policy. */
  index: number
  rule: PolicyRule
  attachedTo: Attachment
  /** A bound can only deny. */
  role: 'grant' | 'bound'
  effect: Effect
  /** The argument on which it hung whether the rule counts. */
  parameter?: string
}

export type ExplainedDefault = {
  policy: string
  level: Level
  attachedTo: Attachment
  effect: 'decides' | 'gives' | 'idle'
}

/**
 * - `decides`: the decision's reason.
 * - `denies`: it denies as well.
 * - `gives`: its level, which another one's, or a denial, or a ceiling, outdoes.
 * - `may_count`: it depends on arguments that are not known yet.
 * - `does_not_count`: the arguments are not such as it asks for.
 * - `outranked`: a more specific rule of its policy speaks in its place.
 * - `no_grant`: it allows, and stands in a bound.
 */
export type Effect = 'decides' | 'denies' | 'gives' | 'may_count' | 'does_not_count' | 'outranked' | 'no_grant'

export type Question = {
  server: string
  tool: string | null
  /** Of a call; undefined: for lists, where they are not known. A call without arguments has `{}`. */
  args?: unknown
}

export function explain(parts: AccessParts, question: Question): Explanation {
  const { server, tool } = question
  const decision = decideFor(parts, question)
  const borne = findRules(parts, question, toAsking(question))
  const choices = chooseRules(parts, borne)
  const reached = new Set(choices.flatMap((choice) => choice.reached))
  const settled = new Set(choices.flatMap(({ policy, isSettled }) => (isSettled ? [policy] : [])))
  const places = toPlaces(parts)
  return {
    server,
    tool,
    decision,
    rules: borne.flatMap((one) => {
      const effect = effectOf(one, { decision, isReached: reached.has(one) })
      return places.filter(({ policy }) => policy === one.rule.policy).map((place) => explainRule(one, place, effect))
    }),
    defaults: parts.grant.map((attached) => explainDefault(attached, decision, settled.has(attached.policy))),
    isForEveryone: parts.isForEveryone?.(server) ?? false,
    ceilings: [
      ...parts.ceilings.map((ceiling) => ({ name: ceiling.name, isWithin: isWithin(parts, ceiling, question) })),
      ...explainWithin(parts, decision),
    ],
  }
}

/** Told as a ceiling is: of the grant, it lets through what the other one gives too. */
function explainWithin({ within }: AccessParts, { reason }: Decision): Explanation['ceilings'] {
  if (!within) return []
  return [{ name: withinName, isWithin: !(reason.kind === 'ceiling' && reason.name === withinName) }]
}

function decideFor(parts: AccessParts, { server, tool, args }: Question): Decision {
  if (tool === null) return decideServer(parts, server)
  return args === undefined ? decideTool(parts, server, tool) : decideCall(parts, { server, tool, args })
}

function toAsking({ tool, args }: Question): Asking {
  if (tool === null) return 'none'
  return args === undefined ? 'some' : { args }
}

type Place = AttachedPolicy & { role: ExplainedRule['role'] }

function toPlaces({ grant, bounds, within = [] }: AccessParts): Place[] {
  const grants = grant.map((attached): Place => ({ ...attached, role: 'grant' }))
  const told = new Set(bounds.map(({ policy }) => policy))
  const others = [...bounds, ...within.filter(({ policy }) => !told.has(policy))]
  return [...grants, ...others.map((attached): Place => ({ ...attached, role: 'bound' }))]
}

function explainRule({ rule, bearing }: Borne, { policy, attachedTo, role }: Place, effect: Effect): ExplainedRule {
  const { level, index } = rule
  const written = policy.rules[index] ?? { server: rule.server, tool: rule.tool, level }
  return {
    policy: policy.name,
    index,
    rule: written,
    attachedTo,
    role,
    effect: role === 'bound' && level !== 'deny' ? 'no_grant' : effect,
    ...(bearing.parameter === null ? {} : { parameter: bearing.parameter }),
  }
}

function effectOf(
  { rule, bearing }: Borne,
  { decision, isReached }: { decision: Decision; isReached: boolean },
): Effect {
  const { reason } = decision
  const { level, policy, index } = rule
  if (reason.kind === 'rule' && reason.policy === policy.name && reason.index === index) return 'decides'
  if (level !== 'deny' && !isReached) return 'outranked'
  if (bearing.counts === 'maybe') return 'may_count'
  if (!bearing.counts) return 'does_not_count'
  return level === 'deny' ? 'denies' : 'gives'
}

function explainDefault(
  { policy, attachedTo }: AttachedPolicy,
  { reason }: Decision,
  isSettled: boolean,
): ExplainedDefault {
  const isReason = reason.kind === 'default' && reason.policy === policy.name
  const spoken = isReason ? 'decides' : 'gives'
  return { policy: policy.name, level: policy.default, attachedTo, effect: isSettled ? 'idle' : spoken }
}
