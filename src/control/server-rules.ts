import { GatewayError } from '#contract/errors.ts'
import type { Actor } from './actor.ts'
import { changedMembers, isFree, type Transition } from './transition.ts'

/** A program runs on the gateway's own machine, with the gateway's rights: the right to manage servers is not enough for that. */
export function checkServer(actor: Actor, { before, after }: Transition<'server'>): void {
  const { transport } = after.spec
  if (transport.kind !== 'stdio' || isFree(actor)) return
  if (before !== null && changedMembers(before.spec.transport, transport).length === 0) return
  throw new GatewayError('forbidden', { details: { reason: 'program_needs_admin', paths: ['transport'] } })
}
