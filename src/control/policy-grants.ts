/**
 * What a change of a policy gives to those who have it. Whoever may edit policies, and not everything, gives by them only what it may call
 * itself, and takes no deny away.
 */
import type { Level, Policy } from '#contract/policy.ts'
import { canMeet, covers, type Region } from '#core/access/cover.ts'
import { levelRank } from '#core/access/decision.ts'
import { everything, rankRules, type RankedRule } from '#core/access/rule-order.ts'
import { serverFacts } from '#core/identity/compose-token.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { type Given, mayGive } from './reach.ts'
import { exceedsCreator, isFree } from './transition.ts'

type Transition = { before: Resource<'policy'> | null; after: Resource<'policy'> }

/** A policy that nobody has gives nothing: who gives it to somebody is asked then. */
export async function checkPolicyGrants(
  { index, store }: Pick<ControlDeps, 'index' | 'store'>,
  actor: Actor,
  { before, after }: Transition,
): Promise<void> {
  if (before === null || isFree(actor)) return
  const change = toChange(before, after, serverFacts(index).labelsOf)
  const won = [...change.won()]
  if (won.length === 0 && !change.losesDeny()) return
  if ((await store.referrers('policy', after.id, 1)).length === 0) return
  const denies = change.denies
  const isHeld = won.length <= wonMax && won.every((given) => mayGive(index, actor, { given, denies }))
  if (!isHeld || change.losesDeny()) throw exceedsCreator('rules')
}

/** Each is compared with every rule of the actor: whoever may not everything changes a long list in parts. */
const wonMax = 500

type LabelsOf = (server: string) => readonly string[] | null

function toChange(before: Resource<'policy'>, after: Resource<'policy'>, labelsOf: LabelsOf) {
  const [old, next] = [before, after].map(({ name, spec }) => split({ name, ...spec }))
  if (!old || !next) throw new TypeError('two of two')
  return {
    denies: next.denies,
    losesDeny: () => old.denies.some((deny) => !next.denies.some((one) => covers(one, deny, labelsOf))),
    won: () => [...wonByRules(old, next), ...wonByLoss(old, next, labelsOf), ...wonByDefault(old, next)],
  }
}

type Split = { denies: RankedRule[]; allowing: Map<string, RankedRule>; default: Level }

/** Of rules that say where alike, the lower level counts: it stands first. */
function split(policy: Policy): Split {
  const rules = rankRules([policy])
  const allowing = new Map<string, RankedRule>()
  for (const rule of rules) {
    if (rule.level !== 'deny' && !allowing.has(keyOf(rule))) allowing.set(keyOf(rule), rule)
  }
  return { denies: rules.filter(({ level }) => level === 'deny'), allowing, default: policy.default }
}

function keyOf({ server, serverKind, tool, guardText }: Region): string {
  return JSON.stringify([server, serverKind, tool, guardText])
}

/** New rules, and those of a higher level. */
function wonByRules(old: Split, next: Split): Given[] {
  return [...next.allowing].flatMap(([key, rule]) => {
    const known = old.allowing.get(key)
    return known && !isHigher(rule.level, known.level) ? [] : [{ region: rule, level: rule.level }]
  })
}

/** Where a rule is gone others speak, of which it was the more specific. */
function wonByLoss(old: Split, next: Split, labelsOf: LabelsOf): Given[] {
  return [...old.allowing].flatMap(([key, rule]) => {
    if (next.allowing.has(key)) return []
    const others = [...next.allowing.values()].filter((one) => canMeet(one, rule, labelsOf)).map(({ level }) => level)
    const level = [...others, next.default].reduce((best, one) => (isHigher(one, best) ? one : best))
    return isHigher(level, rule.level) ? [{ region: { ...rule, guardText: '' }, level }] : []
  })
}

const everywhere: Region = { server: '*', serverKind: everything, tool: '*', guardText: '' }

function wonByDefault(old: Split, next: Split): Given[] {
  return isHigher(next.default, old.default) ? [{ region: everywhere, level: next.default }] : []
}

function isHigher(one: Level, other: Level): boolean {
  return levelRank[one] > levelRank[other]
}
