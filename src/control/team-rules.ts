import { GatewayError } from '#contract/errors.ts'
import { invalidBody } from '#contract/parse-body.ts'
import { findExceeding } from '#core/rbac/evaluate.ts'
import { bindingsOfTeam } from '#core/rbac/rights.ts'
import type { Actor } from './actor.ts'
import { hasBinding } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { canDeny, grantOfTeam, holdsPolicies, teamsManagedBy } from './grants.ts'
import { changedMembers, checkOrganization, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'

/** A team shares its policies and role bindings with its members: who adds either must have them. */
export function checkTeam(deps: ControlDeps, actor: Actor, { before, after }: Transition<'team'>): void {
  checkEachOnce(after.spec.members)
  if (isFree(actor)) return
  checkManager(actor, { before, after })
  checkOrganization(deps, actor, { before, after })
  checkPolicies(deps, actor, { before, after })
  checkNewMembers(deps, actor, { before, after })
}

function checkEachOnce(members: readonly { user: string }[]): void {
  const seen = new Set<string>()
  for (const [index, { user }] of members.entries()) {
    if (seen.has(user)) throw invalidBody([{ path: `members[${index}].user`, problem: 'is a member already' }])
    seen.add(user)
  }
}

/** Who may only manage the team, as its admin, changes nothing but its members. */
function checkManager(actor: Actor, { before, after }: Transition<'team'>): void {
  if (before === null || hasBinding(actor, { role: 'edit', resource: before })) return
  const changed = [
    ...changedMembers({ name: before.name, labels: before.labels }, { name: after.name, labels: after.labels }),
    ...changedMembers(before.spec, after.spec),
  ].filter((member) => member !== 'members')
  if (changed.length > 0) throw new GatewayError('forbidden', { details: { role: 'edit', paths: changed } })
}

function checkPolicies({ index }: ControlDeps, actor: Actor, { before, after }: Transition<'team'>): void {
  const old = before?.spec.policies ?? []
  const { policies } = after.spec
  if (before !== null && isSameSet(old, policies)) return
  // Denies of a team bind also the tokens that have wider grants of their own.
  const isDenyLost = old.some((policy) => !policies.includes(policy) && canDeny(index, policy))
  if (isDenyLost || !holdsPolicies(index, actor, grantOfTeam(index, after))) throw exceedsCreator('policies')
}

function checkNewMembers({ index }: ControlDeps, actor: Actor, { before, after }: Transition<'team'>): void {
  if (before === null) return
  const old = new Set(before.spec.members.map(({ user }) => user))
  if (after.spec.members.every(({ user }) => old.has(user))) return
  if (teamsManagedBy(index, actor).some(({ id }) => id === before.id)) return
  const hasItsRights = findExceeding(actor.bindings, bindingsOfTeam(index, before)).length === 0
  if (!hasItsRights || !holdsPolicies(index, actor, grantOfTeam(index, before))) throw exceedsCreator('members')
}

/** The denies of an organization bind everybody in it. */
export function checkOrganizationPolicies(actor: Actor, { before, after }: Transition<'organization'>): void {
  if (isFree(actor) || isSameSet(before?.spec.policies ?? [], after.spec.policies)) return
  throw exceedsCreator('policies')
}
