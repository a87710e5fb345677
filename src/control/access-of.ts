import { type Access, composeAccess } from '#core/access/access.ts'
import type { Composition, ServerFacts } from '#core/access/composition.ts'
import { composeOwner, composeToken, serverFacts } from '#core/identity/compose-token.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Actor } from './actor.ts'

/** What the actor may call: a token what it is good for, a person what a token of its own would be good for. */
export function accessOf(index: ResourceIndex, actor: Actor, facts: ServerFacts = serverFacts(index)): Access {
  return composeAccess({ ...compositionOf(index, actor), ...facts })
}

function compositionOf(index: ResourceIndex, { token, user }: Actor): Composition {
  if (token) return composeToken(index, token)
  if (user) return composeOwner(index, { kind: 'user', ref: user.id })
  return { grant: [], bounds: [], ceilings: [] }
}
