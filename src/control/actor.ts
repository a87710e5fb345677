/** Who asks the control plane for something, with the rights that it has at this moment. */
import type { Binding } from '#contract/role-binding.ts'
import { everything } from '#core/rbac/evaluate.ts'
import { bindingsOfToken, bindingsOfUser } from '#core/rbac/rights.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Resource } from '#core/resources/resource-store.ts'

export type Actor = {
  kind: 'user' | 'token' | 'system' | 'nobody'
  id: string
  name: string
  bindings: readonly Binding[]
  /** The person who has signed in: what it may do with what is its own or its team's is no binding. A token never has that. */
  user: Resource<'user'> | null
  token: Resource<'token'> | null
}

/** One request of an actor. */
export type Caller = {
  actor: Actor
  requestId: string
  /** See `toChangedBy`. */
  changedBy: string
}

/** @returns null where the user is disabled */
export function actorOfUser(index: ResourceIndex, user: Resource<'user'>): Actor | null {
  if (user.spec.isDisabled) return null
  return { kind: 'user', id: user.id, name: user.name, bindings: bindingsOfUser(index, user), user, token: null }
}

/** Whether the token is good, and for this address, has been found out before. */
export function actorOfToken(index: ResourceIndex, token: Resource<'token'>, now: number): Actor {
  const bindings = bindingsOfToken(index, token, now)
  return { kind: 'token', id: token.id, name: token.name, bindings, user: null, token }
}

/** The gateway itself, at its start. */
export const systemActor: Actor = {
  kind: 'system',
  id: 'system',
  name: 'system',
  bindings: everything,
  user: null,
  token: null,
}

/** Who has not been identified. */
export const nobodyActor: Actor = { kind: 'nobody', id: '', name: '', bindings: [], user: null, token: null }

const changedByCharsMax = 256

/** A header in which an actor says for whom it acts: told in the audit log, believed by nobody, so cut and stripped of controls. */
export function toChangedBy(header: string | undefined): string {
  return (header ?? '').slice(0, changedByCharsMax).replaceAll(/\p{C}/gu, '').trim().toWellFormed()
}
