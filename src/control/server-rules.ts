import { GatewayError } from '#contract/errors.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Change } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { forgetGiven } from './given-credentials.ts'
import { checkNamedSecrets } from './secret-rules.ts'
import { changedMembers, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'

/**
 * @returns what must be written together with it
 * @throws GatewayError `already_exists`, `exceeds_creator`, `forbidden`
 */
export async function checkServer(
  { index, store, clock }: Pick<ControlDeps, 'index' | 'store' | 'clock'>,
  actor: Actor,
  { before, after }: Transition<'server'>,
): Promise<Change[]> {
  if (!isFree(actor)) {
    checkReach({ before, after })
    checkProgram({ before, after })
    checkAwsIdentity({ before, after })
    await checkNamedSecrets({ index, store }, actor, { before, after })
  }
  checkWords(index, { before, after })
  return forgetGiven({ store, clock }, actor, { before, after })
}

/** A word that two servers have would lead to the wrong one, or to none. What was so before stays as it is. */
function checkWords(index: Pick<ResourceIndex, 'serversCalled'>, { before, after }: Transition<'server'>): void {
  const known = new Set(before?.spec.aliases)
  const isTaken = (word: string): boolean => index.serversCalled(word).some(({ id }) => id !== after.id)
  const paths = [
    ...(after.name !== before?.name && isTaken(after.name) ? ['name'] : []),
    ...after.spec.aliases.flatMap((alias, position) =>
      !known.has(alias) && isTaken(alias) ? [`aliases[${position}]`] : [],
    ),
  ]
  if (paths.length > 0) throw new GatewayError('already_exists', { details: { paths } })
}

/** It runs on the gateway's own machine, with the gateway's rights: the right to manage servers is not enough for that. */
function checkProgram({ before, after }: Transition<'server'>): void {
  const { transport } = after.spec
  if (transport.kind !== 'stdio') return
  if (before !== null && changedMembers(before.spec.transport, transport).length === 0) return
  throw new GatewayError('forbidden', { details: { reason: 'program_needs_admin', paths: ['transport'] } })
}

/**
 * Keys that AWS's own chain finds are those of the machine: who chooses an address and a region for them may ask anything of AWS in the gateway's
 * name. With keys that the definition holds it is in their name.
 */
function checkAwsIdentity({ before, after }: Transition<'server'>): void {
  const { transport } = after.spec
  if (transport.kind === 'stdio' || transport.credential.kind !== 'aws_sigv4') return
  if (transport.credential.accessKeyId !== undefined) return
  if (before !== null && changedMembers(before.spec.transport, transport).length === 0) return
  throw new GatewayError('forbidden', { details: { reason: 'aws_identity_needs_admin', paths: ['transport'] } })
}

/**
 * Rules select servers by name and by label: who may edit a server must not slip it under a rule that lets somebody call it, nor out from under
 * one that denies it. And who is outside sees no server that was not for them.
 */
function checkReach({ before, after }: Transition<'server'>): void {
  const paths = [
    ...(after.spec.isForEveryone && before?.spec.isForEveryone !== true ? ['isForEveryone'] : []),
    ...(before !== null && before.name !== after.name ? ['name'] : []),
    ...(before !== null && !isSameSet(before.spec.labels, after.spec.labels) ? ['labels'] : []),
    ...(before?.spec.visibility === 'internal' && after.spec.visibility === 'public' ? ['visibility'] : []),
  ]
  if (paths.length > 0) throw exceedsCreator(...paths)
}
