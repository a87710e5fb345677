/** Whether somebody may call all that is said of a policy, a toolset or a project, so that nobody gives what it could not do itself. */
import type { Level, Policy } from '#contract/policy.ts'
import { canMeet, covers, givesAtLeast, regionKey, type Region } from '#core/access/cover.ts'
import type { ServerFacts } from '#core/access/composition.ts'
import { exact, rankRules, type RankedRule } from '#core/access/rule-order.ts'
import { serverFacts } from '#core/identity/compose-token.ts'
import { policyOf } from '#core/identity/policies.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Actor } from './actor.ts'
import { type Grant, reachesOf } from './grants.ts'

/** What is given: this level, everywhere in the region. */
export type Given = { region: Region; level: Level }

/** Rules that are looked at for one request; what is not known by then is not held. It is a matter of a tenth of a second. */
export const comparisonsMax = 1_000_000

/**
 * Tells of what is given whether the actor has it, with all that it could make one token of.
 * @param isDenied whether something that is denied to the actor is denied to those who get it
 */
export function createGiver(
  index: ResourceIndex,
  actor: Actor,
  isDenied: (deny: Region) => boolean = () => false,
): (given: Given) => boolean {
  const { labelsOf } = serverFacts(index)
  const reaches = reachesOf(index, actor).flatMap(({ grant, binding }) => {
    const [grants, bounds] = [rankedOf(index, grant), rankedOf(index, [...binding])]
    const denies = bounds?.flatMap(({ rules }) => rules.filter((rule) => rule.level === 'deny' && !isDenied(rule)))
    return grants && denies ? [{ grants, denies, size: sizeOf(grants) + denies.length }] : []
  })
  let left = comparisonsMax
  return ({ region, level }) =>
    reaches.some(({ grants, denies, size }) => {
      left -= size
      if (left < 0 || denies.some((deny) => canMeet(deny, region, labelsOf))) return false
      return grants.some((policy) => givesAtLeast(policy, { region, level, labelsOf }))
    })
}

/** Tells whether one of these denies what another one denies. */
export function createDenied(
  denies: readonly Region[],
  { labelsOf }: Pick<ServerFacts, 'labelsOf'>,
): (deny: Region) => boolean {
  const keys = new Set(denies.map(regionKey))
  let left = comparisonsMax
  return (deny) => {
    if (keys.has(regionKey(deny))) return true
    left -= denies.length
    return left >= 0 && denies.some((one) => covers(one, deny, labelsOf))
  }
}

/** @param tool `*`: all that the server has, and will have. A name that looks like a pattern is taken for one, and so for more than it is */
export function toolOf(server: string, tool: string): Given {
  return { region: { server, serverKind: exact, tool, guardText: '' }, level: 'execute' }
}

type Ranked = Pick<Policy, 'default'> & { rules: RankedRule[] }

/** Null where one of them is not there: nobody knows what it says. */
function rankedOf(index: ResourceIndex, ids: Grant): Ranked[] | null {
  const found = ids.map((id) => policyOf(index, id)).filter((policy) => policy !== undefined)
  return found.length < ids.length
    ? null
    : found.map((policy) => ({ default: policy.default, rules: rankRules([policy]) }))
}

function sizeOf(policies: readonly Ranked[]): number {
  return policies.reduce((sum, { rules }) => sum + rules.length, 0)
}
