import { GatewayError } from '#contract/errors.ts'
import { everything, findExceeding, viewOfEverything } from '#core/rbac/evaluate.ts'
import { bindingsOfUser } from '#core/rbac/rights.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { grantOfUser, holdsPolicies } from './grants.ts'
import { keepAnAdmin } from './last-admin.ts'
import { checkOrganization, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'

/** Nobody makes a user more than it is itself, or lays hands on one who is more. */
export async function checkUser(
  deps: ControlDeps,
  actor: Actor,
  { before, after }: Transition<'user'>,
): Promise<Change[]> {
  if (before !== null) checkNotOutranked(deps, actor, before)
  checkRole(actor, { before, after })
  checkOrganization(deps, actor, { before, after })
  checkPolicies(deps, actor, { before, after })
  return before === null ? [] : keepAnAdmin(deps.store, before, after)
}

/** Changing an address or a password is half of signing in as somebody, so who has less may not. */
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
  if (!holdsPolicies(index, actor, grantOfUser(index, after))) throw exceedsCreator('policies')
}
