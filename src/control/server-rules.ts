import { GatewayError } from '#contract/errors.ts'
import { invalidBody } from '#contract/parse-body.ts'
import { everyCookieRule, isSameSite } from '#contract/same-site.ts'
import type { Transport } from '#contract/transport.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { Change } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { forgetGiven } from './given-credentials.ts'
import { checkNamedSecrets } from './secret-rules.ts'
import { isSameDestination } from './server-secrets.ts'
import { changedMembers, exceedsCreator, isFree, isSameSet, type Transition } from './transition.ts'

/**
 * @returns what must be written together with it
 * @throws GatewayError `already_exists`, `exceeds_creator`, `forbidden`, `invalid_body`
 */
export async function checkServer(
  { index, store, clock, publicUrl = null }: Pick<ControlDeps, 'index' | 'store' | 'clock' | 'publicUrl'>,
  actor: Actor,
  { before, after }: Transition<'server'>,
): Promise<Change[]> {
  if (!isFree(actor)) {
    checkReach({ before, after })
    checkProgram({ before, after })
    checkAwsIdentity({ before, after })
    checkCallersParts({ before, after })
    await checkNamedSecrets({ index, store }, actor, { before, after })
  }
  checkEveryCookie(publicUrl, after.spec.transport)
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

/** What of their own requests goes on to a server, callers cannot see: who may have it is not for every editor of servers to say. */
function checkCallersParts({ before, after }: Transition<'server'>): void {
  const { transport } = after.spec
  if (transport.kind === 'stdio' || (transport.forwardHeaders.length === 0 && transport.cookies === undefined)) return
  const known = before?.spec.transport
  const isSame =
    known !== undefined &&
    known.kind !== 'stdio' &&
    isSameDestination(known, transport) &&
    changedMembers(partsOf(known), partsOf(transport)).length === 0
  if (!isSame)
    throw new GatewayError('forbidden', { details: { reason: 'callers_parts_need_admin', paths: ['transport'] } })
}

function partsOf({ forwardHeaders, cookies }: Exclude<Transport, { kind: 'stdio' }>): object {
  return { forwardHeaders, cookies }
}

/** @throws GatewayError `invalid_body` */
function checkEveryCookie(publicUrl: string | null, transport: Transport): void {
  if (transport.kind === 'stdio' || transport.cookies?.names.includes('*') !== true) return
  if (isSameSite({ publicUrl, upstreamUrl: transport.url })) return
  throw invalidBody([{ path: 'transport.cookies.names', problem: everyCookieRule }])
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
