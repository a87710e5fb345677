/**
 * To name a secret in a server is to send it there: who may manage servers names those secrets alone that it may change as well, and what
 * somebody else has named goes where it went before, or nowhere.
 */
import { mapSecretRefs } from '#contract/secret-text.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { ControlDeps } from './control-deps.ts'
import { isWithin, isSameUse } from './server-secrets.ts'
import { exceedsCreator, type Transition } from './transition.ts'

type Deps = Pick<ControlDeps, 'index' | 'store'>
type ServerTransport = Transition<'server'>['after']['spec']['transport']

/** @throws GatewayError `exceeds_creator` with the `paths` at which a secret stands that the actor may not change */
export async function checkNamedSecrets(
  { index, store }: Deps,
  actor: Actor,
  { before, after }: Transition<'server'>,
): Promise<void> {
  const paths: string[] = []
  for (const { path, id } of newUses(before?.spec.transport ?? null, after.spec.transport)) {
    const secret = index.get('secret', id) ?? (await store.get('secret', id))
    if (!secret || !isAllowed(index, actor, { role: 'edit', resource: secret })) paths.push(`transport.${path}`)
  }
  if (paths.length > 0) throw exceedsCreator(...paths)
}

type Use = { path: string; id: string }

/** Uses that were not there before, or that would be of another address, program or authorization server. */
function newUses(before: ServerTransport | null, after: ServerTransport): Use[] {
  const uses = usesIn(after)
  if (before === null || !isWithin(after, before)) return uses
  const known = new Set(usesIn(before).map(({ path, id }) => `${path} ${id}`))
  return uses.filter((use) => !known.has(`${use.path} ${use.id}`) || !isSameUse(use.path, before, after))
}

function usesIn(transport: ServerTransport): Use[] {
  const uses: Use[] = []
  mapSecretRefs(transport, (id, path) => {
    uses.push({ path, id })
    return id
  })
  return uses
}
