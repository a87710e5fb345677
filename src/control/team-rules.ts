import { GatewayError } from '#contract/errors.ts'
import { invalidBody } from '#contract/parse-body.ts'
import type { Token } from '#contract/token.ts'
import { findExceeding } from '#core/rbac/evaluate.ts'
import { bindingsOfTeam } from '#core/rbac/rights.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { hasBinding } from './authority.ts'
import { changedIndex } from './changed-index.ts'
import type { ControlDeps } from './control-deps.ts'
import { holdsPolicies, reachOfOwner } from './grants.ts'
import { changedMembers, checkOrganization, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'
import { isWidening } from './widening.ts'

type Deps = Pick<ControlDeps, 'index'>

/**
 * A team shares its policies and role bindings with its members, and its denies bind them: who gives either must have them, and nobody slips
 * out from under a deny by leaving.
 */
export function checkTeam({ index }: Deps, actor: Actor, { before, after }: Transition<'team'>): void {
  checkEachOnce(after.spec.members)
  if (isFree(actor)) return
  checkManager(actor, { before, after })
  checkOrganization({ index }, actor, { before, after })
  checkNewMembers({ index }, actor, { before, after })
  const owners = ownersTouched([...(before?.spec.members ?? []), ...after.spec.members], after.id)
  if (!isWidening(actor, { before: index, after: changedIndex(index, [after]) }, owners)) return
  const isOfPolicies = !isSameSet(before?.spec.policies ?? [], after.spec.policies)
  throw exceedsCreator(isOfPolicies ? 'policies' : 'members')
}

/** Its members are no longer bound by what it denies. */
export function checkTeamDelete({ index }: Deps, actor: Actor, team: Resource<'team'>): void {
  if (isFree(actor)) return
  const change = { before: index, after: changedIndex(index, [], team.id) }
  const members = team.spec.members.map(({ user }) => ({ kind: 'user' as const, ref: user }))
  if (isWidening(actor, change, members)) throw exceedsCreator('members')
}

function ownersTouched(members: readonly { user: string }[], teamId: string): Token['owner'][] {
  const users = new Set(members.map(({ user }) => user))
  return [{ kind: 'team', ref: teamId }, ...[...users].map((user) => ({ kind: 'user' as const, ref: user }))]
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

/**
 * A member has all that the team may manage, and who becomes its admin may make its tokens. Its denies bind a member everywhere, so nobody is
 * drawn into a team from another organization.
 */
function checkNewMembers({ index }: Deps, actor: Actor, { before, after }: Transition<'team'>): void {
  const old = new Map(before?.spec.members.map(({ user, role }) => [user, role]))
  const joined = after.spec.members.filter(({ user }) => !old.has(user))
  const raised = after.spec.members.filter(({ user, role }) => role === 'admin' && old.get(user) !== role)
  const isForeign = ({ user }: { user: string }) =>
    index.get('user', user)?.spec.organization !== after.spec.organization
  const isBeyond =
    joined.some(isForeign) ||
    (before !== null && raised.length > 0 && !holdsReach(index, actor, before.id)) ||
    (before !== null && joined.length + raised.length > 0 && managesLess(index, actor, before))
  if (isBeyond) throw exceedsCreator('members')
}

function holdsReach(index: Deps['index'], actor: Actor, teamId: string): boolean {
  const { grant, binding } = reachOfOwner(index, { kind: 'team', ref: teamId })
  return holdsPolicies(index, actor, { policies: grant, binding })
}

function managesLess(index: Deps['index'], actor: Actor, team: Resource<'team'>): boolean {
  return findExceeding(actor.bindings, bindingsOfTeam(index, team)).length > 0
}

/** The denies of an organization bind everybody in it. */
export function checkOrganizationPolicies(actor: Actor, { before, after }: Transition<'organization'>): void {
  if (isFree(actor) || isSameSet(before?.spec.policies ?? [], after.spec.policies)) return
  throw exceedsCreator('policies')
}
