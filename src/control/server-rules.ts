import { GatewayError } from '#contract/errors.ts'
import type { Actor } from './actor.ts'
import { changedMembers, exceedsCreator, isFree, type Transition } from './transition.ts'

/** A program runs on the gateway's own machine, with the gateway's rights: the right to manage servers is not enough for that. */
export function checkServer(actor: Actor, { before, after }: Transition<'server'>): void {
  if (isFree(actor)) return
  checkReach({ before, after })
  const { transport } = after.spec
  if (transport.kind !== 'stdio') return
  if (before !== null && changedMembers(before.spec.transport, transport).length === 0) return
  throw new GatewayError('forbidden', { details: { reason: 'program_needs_admin', paths: ['transport'] } })
}

/** Rules select servers by name and by label: who may edit a server that it may not call must not slip it under a rule that lets it. */
function checkReach({ before, after }: Transition<'server'>): void {
  const paths = [
    ...(after.spec.isForEveryone && before?.spec.isForEveryone !== true ? ['isForEveryone'] : []),
    ...(before !== null && before.name !== after.name ? ['name'] : []),
    ...(before !== null && !new Set(after.spec.labels).isSubsetOf(new Set(before.spec.labels)) ? ['labels'] : []),
  ]
  if (paths.length > 0) throw exceedsCreator(...paths)
}
