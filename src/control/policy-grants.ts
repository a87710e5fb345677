/**
 * What a change of a policy gives to those who have it. Whoever may edit policies, and not everything, gives by them only what it may call
 * itself, and takes no deny away.
 */
import type { Level } from '#contract/policy.ts'
import type { ServerFacts } from '#core/access/composition.ts'
import { canMeet, regionKey, type Region } from '#core/access/cover.ts'
import { levelRank } from '#core/access/decision.ts'
import { everything, rankRules, type RankedRule } from '#core/access/rule-order.ts'
import { serverFacts } from '#core/identity/compose-token.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { comparisonsMax, createDenied, createGiver, type Given } from './reach.ts'
import { exceedsCreator, isFree } from './transition.ts'

type Transition = { before: Resource<'policy'> | null; after: Resource<'policy'> }

/** A policy that nobody has gives nothing: who gives it to somebody is asked then. */
export async function checkPolicyGrants(
  { index, store }: Pick<ControlDeps, 'index' | 'store'>,
  actor: Actor,
  { before, after }: Transition,
): Promise<void> {
  if (before === null || isFree(actor)) return
  const facts = serverFacts(index)
  const [old, next] = [split(before), split(after)]
  const won = [...wonByRules(old, next), ...wonByLoss(old, next, facts.labelsOf), ...wonByDefault(old, next)]
  const isDenied = createDenied(next.denies, facts)
  if (old.denies.every(isDenied) && won.every(createGiver(index, actor, isDenied))) return
  if ((await store.referrers('policy', after.id, 1)).length > 0) throw exceedsCreator('rules')
}

type Split = { denies: RankedRule[]; allowing: Map<string, RankedRule>; default: Level }

/** Of rules that say where alike, the lower level counts: it stands first. */
function split({ name, spec }: Resource<'policy'>): Split {
  const rules = rankRules([{ name, ...spec }])
  const allowing = new Map<string, RankedRule>()
  for (const rule of rules) {
    const key = regionKey(rule)
    if (rule.level !== 'deny' && !allowing.has(key)) allowing.set(key, rule)
  }
  return { denies: rules.filter(({ level }) => level === 'deny'), allowing, default: spec.default }
}

/** New rules, and those of a higher level. */
function wonByRules(old: Split, next: Split): Given[] {
  return [...next.allowing].flatMap(([key, rule]) => {
    const known = old.allowing.get(key)
    return known && !isHigher(rule.level, known.level) ? [] : [{ region: rule, level: rule.level }]
  })
}

/** Where a rule is gone others speak, of which it was the more specific. */
function wonByLoss(old: Split, next: Split, labelsOf: ServerFacts['labelsOf']): Given[] {
  const gone = [...old.allowing].flatMap(([key, rule]) => (next.allowing.has(key) ? [] : [rule]))
  if (gone.length * next.allowing.size > comparisonsMax) return [{ region: everywhere, level: 'admin' }]
  return gone.flatMap((rule) => {
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
