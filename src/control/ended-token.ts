/** What becomes of a token's name when it has ended: it is free for another, and the row stays. */
import { isActiveToken } from '#core/identity/token-status.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'

/** The end of its id keeps it unique. */
export function endedName({ name, id }: Pick<Resource<'token'>, 'name' | 'id'>): string {
  const tail = id
    .slice(-10)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
  return `${name.slice(0, 84)}.old-${tail}`
}

/** What must be written together with a new token of this name; nothing where the name is not to be had, which the store says. */
export async function freeName(deps: ControlDeps, actor: Actor, name: string): Promise<Change[]> {
  const token = await deps.store.find('token', name)
  const now = deps.clock.now()
  if (!token || isActiveToken(token.spec, now)) return []
  if (!isAllowed(deps.index, actor, { role: 'edit', resource: token })) return []
  return [{ do: 'update', resource: { ...token, name: endedName(token), updatedAt: now, updatedBy: actor.id } }]
}
