/** What owners have given for a server was given for its address and its credential: where one of these changes, it is not sent there. */
import type { Change } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { isSameDestination, isSameUse } from './server-secrets.ts'
import type { Transition } from './transition.ts'

const pageSize = 1_000

/** @returns the deletes of what was given, to be written together with the change of the server */
export async function forgetGiven(
  { store, clock }: Pick<ControlDeps, 'store' | 'clock'>,
  actor: Actor,
  { before, after }: Transition<'server'>,
): Promise<Change[]> {
  if (before === null || isGivenFor(before.spec.transport, after.spec.transport)) return []
  const deletes: Change[] = []
  for (let name: string | undefined; ;) {
    const page = await store.list('credential', { limit: pageSize, ...(name !== undefined && { after: name }) })
    for (const { id, spec } of page) {
      if (spec.server !== after.id) continue
      deletes.push({ do: 'delete', kind: 'credential', id, version: null, at: clock.now(), by: actor.id })
    }
    if (page.length < pageSize) return deletes
    name = page.at(-1)?.name
  }
}

type ServerTransport = Transition<'server'>['after']['spec']['transport']

function isGivenFor(before: ServerTransport, after: ServerTransport): boolean {
  return isSameDestination(before, after) && isSameUse('credential.', before, after)
}
