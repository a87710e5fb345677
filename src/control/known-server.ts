import type { ServerFacts } from '#core/access/composition.ts'
import { canRun } from '#core/rbac/evaluate.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { findServerCalled } from './find-resource.ts'
import { namingRight } from './resolve-references.ts'

/** The server that a word means to whoever asks about it: one that the actor could not name elsewhere is not there for it here either. */
export async function findKnownServer(
  deps: ControlDeps,
  actor: Actor,
  word: string,
): Promise<Resource<'server'> | null> {
  const server = await findServerCalled(deps, word)
  const isKnown = server && (canRun(actor.bindings, 'explain') || namingRight(deps, actor)(server))
  return isKnown ? server : null
}

/** What is to be taken for known where nothing may be told: of one that there is not, as of one that the actor does not know. */
export const factsOfNoServer: ServerFacts = { labelsOf: () => null, isForEveryone: () => false }
