/** Whether somebody may call all that is said of a policy, a toolset or a project, so that nobody gives what it could not do itself. */
import type { Level, Policy } from '#contract/policy.ts'
import { canMeet, covers, givesAtLeast, type Region } from '#core/access/cover.ts'
import { exact, rankRules } from '#core/access/rule-order.ts'
import { serverFacts } from '#core/identity/compose-token.ts'
import { policyOf } from '#core/identity/policies.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Actor } from './actor.ts'
import { type Reach, reachesOf } from './grants.ts'

/** What is given: this level, everywhere in the region. */
export type Given = { region: Region; level: Level }

/**
 * Whether the actor has it, with all that it could make one token of.
 * @param denies of those who get it: what is denied to the actor there must be denied to them
 */
export function mayGive(
  index: ResourceIndex,
  actor: Actor,
  { given, denies = [] }: { given: Given; denies?: readonly Region[] },
): boolean {
  const { labelsOf } = serverFacts(index)
  const isDenied = (deny: Region) => denies.some((one) => covers(one, deny, labelsOf))
  return reachesOf(index, actor).some(
    ({ grant, binding }) =>
      policiesOf(index, grant)?.some((policy) => givesAtLeast(policy, { ...given, labelsOf })) === true &&
      deniesOf(index, binding)?.every((deny) => !canMeet(deny, given.region, labelsOf) || isDenied(deny)) === true,
  )
}

/** @param tool `*`: all that the server has, and will have. A name that looks like a pattern is taken for one, and so for more than it is */
export function toolOf(server: string, tool: string): Given {
  return { region: { server, serverKind: exact, tool, guardText: '' }, level: 'execute' }
}

/** Null where one of them is not there: nobody knows what it says. */
function policiesOf(index: ResourceIndex, ids: Iterable<string>): Policy[] | null {
  const found = Array.from(ids, (id) => policyOf(index, id))
  return found.some((policy) => policy === undefined) ? null : found.filter((policy) => policy !== undefined)
}

function deniesOf(index: ResourceIndex, ids: Reach['binding']): Region[] | null {
  return (
    policiesOf(index, ids)?.flatMap((policy) => rankRules([policy]).filter(({ level }) => level === 'deny')) ?? null
  )
}
