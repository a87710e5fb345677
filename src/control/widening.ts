/** Whether a change lets somebody call more than before, and more than whoever makes the change has itself. */
import type { Token } from '#contract/token.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Actor } from './actor.ts'
import { canDeny, holdsPolicies, reachOfOwner } from './grants.ts'

/** The same resources without the change, and with it. */
type Change = { before: ResourceIndex; after: ResourceIndex }

/**
 * A deny that is lost is always more: nobody but who may manage everything takes one away. A policy that is won is more, unless the actor has
 * it itself. A grant that is emptied lets another one take its place, and so can be more as well.
 *
 * @param owners whose reach the change can touch
 */
export function isWidening(actor: Actor, change: Change, owners: Iterable<Token['owner']>): boolean {
  for (const owner of owners) if (isWidened(actor, change, owner)) return true
  return false
}

function isWidened(actor: Actor, { before, after }: Change, owner: Token['owner']): boolean {
  const [old, next] = [reachOfOwner(before, owner), reachOfOwner(after, owner)]
  for (const policy of old.binding) if (!next.binding.has(policy) && canDeny(before, policy)) return true
  const won = next.grant.filter((policy) => !old.grant.includes(policy))
  return !holdsPolicies(before, actor, { policies: won, binding: next.binding })
}
