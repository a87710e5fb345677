import { GatewayError } from '#contract/errors.ts'
import { invalidBody } from '#contract/parse-body.ts'
import type { Token } from '#contract/token.ts'
import { findExceeding } from '#core/rbac/evaluate.ts'
import type { Actor } from './actor.ts'
import { actsForOwner } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { holdsPolicies, isPartOf, reachOfOwner } from './grants.ts'
import { checkBindings } from './role-binding-rules.ts'
import { changedMembers, exceedsCreator, isFree, type Transition } from './transition.ts'

/** For people only: they change nothing that the token may. */
const plainMembers = new Set(['description'])

/** A token that may more, longer or elsewhere is a new token: whoever changes one could as well have made it. */
export function checkTokenUpdate(deps: ControlDeps, actor: Actor, { before, after }: Transition<'token'>): void {
  if (before === null) return
  const changed = changedMembers(before.spec, after.spec)
  const fixed = changed.filter((member) => member === 'owner' || member === 'project')
  if (fixed.length > 0) throw invalidBody(fixed.map((path) => ({ path, problem: 'cannot be changed' })))
  if (changed.every((member) => plainMembers.has(member))) return
  requirePerson(actor)
  const { expiresAt } = after.spec
  // To end one at once is to revoke it, and is told as that.
  if (changed.includes('expiresAt') && expiresAt !== null && expiresAt <= deps.clock.now())
    throw invalidBody([{ path: 'expiresAt', problem: 'has passed' }])
  checkTokenGrant(deps, actor, after.spec)
}

/** Nothing that a token can reach makes, changes or hands out another: one that leaks must not outlive its end. */
export function requirePerson(actor: Actor): void {
  if (actor.kind === 'token') throw new GatewayError('person_required')
}

/**
 * Whether the actor has all that this token would have. What somebody makes for itself or for a team has at most the grant of that owner,
 * whatever other grants it has; the owner's denies bind it in any case.
 *
 * @param token with ids for names
 * @throws GatewayError `exceeds_creator`, `invalid_body`
 */
export function checkTokenGrant(deps: Pick<ControlDeps, 'index'>, actor: Actor, token: TokenGrant): void {
  checkBindings(actor, token.bindings)
  if (!holdsPoliciesOf(deps, actor, token)) throw exceedsCreator('policies')
}

/** The same, to be asked of a token that there is. */
export function holdsToken(deps: Pick<ControlDeps, 'index'>, actor: Actor, token: TokenGrant): boolean {
  return findExceeding(actor.bindings, token.bindings).length === 0 && holdsPoliciesOf(deps, actor, token)
}

type TokenGrant = Pick<Token, 'policies' | 'owner' | 'bindings'>

function holdsPoliciesOf(
  { index }: Pick<ControlDeps, 'index'>,
  actor: Actor,
  { policies, owner }: TokenGrant,
): boolean {
  if (isFree(actor)) return true
  const { grant, binding } = reachOfOwner(index, owner)
  return actsForOwner(index, actor, owner)
    ? isPartOf(index, policies, grant)
    : holdsPolicies(index, actor, { policies: policies.length > 0 ? policies : grant, binding })
}
