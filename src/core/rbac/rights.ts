/** What users, teams and tokens may manage at this moment, as bindings. Rights are never stored: they follow every change at once. */
import type { Binding } from '#contract/role-binding.ts'
import { isActiveToken } from '#core/identity/token-status.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { everything, intersect, viewOfEverything } from './evaluate.ts'

type Index = Pick<ResourceIndex, 'get' | 'teamsOf' | 'roleBindingsOf'>

/** A user's role, and the role bindings that name the user or one of its teams. Nothing where the user is disabled. */
export function bindingsOfUser(index: Index, { id, spec }: Resource<'user'>): readonly Binding[] {
  if (spec.isDisabled) return []
  if (spec.role === 'admin') return everything
  const bound = [
    ...bindingsOfSubject(index, 'user', id),
    ...index.teamsOf(id).flatMap((team) => bindingsOfSubject(index, 'team', team.id)),
  ]
  return spec.role === 'viewer' ? [...viewOfEverything, ...bound] : bound
}

/** The role bindings that name the team: what every member and every token of it has. */
export function bindingsOfTeam(index: Index, { id }: Resource<'team'>): readonly Binding[] {
  return bindingsOfSubject(index, 'team', id)
}

/** The token's own bindings and those that name it, of what its owner may now. Nothing where it is expired or revoked. */
export function bindingsOfToken(index: Index, token: Resource<'token'>, now: number): readonly Binding[] {
  if (!isActiveToken(token.spec, now)) return []
  const own = [...token.spec.bindings, ...bindingsOfSubject(index, 'token', token.id)]
  // Most tokens only call tools.
  if (own.length === 0) return own
  return intersect(own, bindingsOfOwner(index, token.spec.owner))
}

/** Of a user or a team; nothing of one that is gone. */
export function bindingsOfOwner(index: Index, { kind, ref }: Resource<'token'>['spec']['owner']): readonly Binding[] {
  if (kind === 'user') {
    const user = index.get('user', ref)
    return user ? bindingsOfUser(index, user) : []
  }
  const team = index.get('team', ref)
  return team ? bindingsOfTeam(index, team) : []
}

function bindingsOfSubject(index: Index, kind: 'user' | 'team' | 'token', id: string): Binding[] {
  return index.roleBindingsOf(kind, id).flatMap(({ spec }) => spec.bindings)
}
