import { GatewayError } from '#contract/errors.ts'
import { everything, findExceeding, viewOfEverything } from '#core/rbac/evaluate.ts'
import { bindingsOfUser } from '#core/rbac/rights.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { changedIndex } from './changed-index.ts'
import type { ControlDeps } from './control-deps.ts'
import { holdsPolicies, reachesOfUser } from './grants.ts'
import { keepAnAdmin } from './last-admin.ts'
import { isWidening } from './widening.ts'
import { checkOrganization, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'

/** Nobody makes a user more than it is itself, or lays hands on one who is more. */
export async function checkUser(
  deps: ControlDeps,
  actor: Actor,
  { before, after }: Transition<'user'>,
): Promise<Change[]> {
  if (before !== null) checkOther(deps, actor, { before, after })
  checkRole(actor, { before, after })
  checkOrganization(deps, actor, { before, after })
  checkPolicies(deps, actor, { before, after })
  return before === null ? [] : keepAnAdmin(deps.store, before, after)
}

function checkOther(
  deps: ControlDeps,
  actor: Actor,
  { before, after }: { before: Resource<'user'>; after: Resource<'user'> },
) {
  if (before.spec.email === after.spec.email) checkNotOutranked(deps, actor, before)
  else checkMayBecome(deps, actor, before)
}

/** Who may manage more is nobody's to change who may manage less. */
export function checkNotOutranked({ index }: Pick<ControlDeps, 'index'>, actor: Actor, user: Resource<'user'>): void {
  if (isFree(actor) || actor.user?.id === user.id) return
  const enabled = { ...user, spec: { ...user.spec, isDisabled: false } }
  if (findExceeding(actor.bindings, bindingsOfUser(index, enabled)).length === 0) return
  throw new GatewayError('forbidden', { details: { reason: 'user_has_more_rights' } })
}

function checkRole(actor: Actor, { before, after }: Transition<'user'>): void {
  const { role } = after.spec
  if (role === 'member' || role === before?.spec.role) return
  const given = role === 'admin' ? everything : viewOfEverything
  if (findExceeding(actor.bindings, given).length > 0) throw exceedsCreator('role')
}

function checkPolicies({ index }: ControlDeps, actor: Actor, { before, after }: Transition<'user'>): void {
  if (isFree(actor)) return
  if (before !== null && isSameSet(before.spec.policies, after.spec.policies)) return
  const change = { before: index, after: changedIndex(index, [after]) }
  if (isWidening(actor, change, [{ kind: 'user', ref: after.id }])) throw exceedsCreator('policies')
}

/** Who sets a password, or the address to which one is sent, can become the user: it must have all that the user has. */
export function checkMayBecome({ index }: Pick<ControlDeps, 'index'>, actor: Actor, user: Resource<'user'>): void {
  checkNotOutranked({ index }, actor, user)
  if (isFree(actor) || actor.user?.id === user.id) return
  const isHeld = reachesOfUser(index, user.id).every(({ grant, binding }) =>
    holdsPolicies(index, actor, { policies: grant, binding }),
  )
  if (!isHeld) throw new GatewayError('forbidden', { details: { reason: 'user_has_more_rights' } })
}
