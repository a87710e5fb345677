/** `resources/subscribe` of a legacy client: what it is told is what the upstream said. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { toLegacyOutcome } from '#core/protocol/translate.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { PooledSession } from '#gateway/upstream/pooled-session.ts'
import { tryTwice } from '#gateway/upstream/second-chance.ts'
import type { UpstreamFacts, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import type { ClientSession } from './client-session.ts'

export type Watching = {
  upstream: Upstream
  /** As the upstream knows it. */
  uri: string
  /** Takes the wish back: nobody waits for the answer any more. */
  cancellation: Cancellation
}

/**
 * Whatever but an agreement comes of it, nothing is left behind: neither here nor at the upstream.
 * @throws GatewayError why the upstream gave no answer; `method_not_found` where it does not declare subscriptions, `request_cancelled`,
 *   `rate_limited`
 */
export function watchResource(session: ClientSession, watching: Watching): Promise<Outcome> {
  return tryTwice(
    () => watching.upstream.place(session.user),
    (opened, place) => watchAt(session, watching, { opened, place }),
  )
}

async function watchAt(
  session: ClientSession,
  { upstream, uri, cancellation }: Watching,
  { opened, place }: { opened: UpstreamSession; place: PooledSession },
): Promise<Outcome> {
  if (cancellation.isCancelled) throw new GatewayError('request_cancelled')
  if (!canWatch(opened.facts)) throw new GatewayError('method_not_found')
  session.join(place)
  const wish = session.watch(upstream.name, uri)
  try {
    const outcome = await unlessCancelled(opened.subscribe(uri), cancellation)
    if ('result' in outcome) wish.keep()
    else session.unwatch(upstream.name, uri)
    return opened.facts.era === 'modern' ? toLegacyOutcome('resources/subscribe', outcome, session) : outcome
  } catch (error) {
    wish.takeBack()
    throw error
  }
}

function canWatch({ capabilities }: UpstreamFacts): boolean {
  const declared = capabilities['resources']
  return isJsonObject(declared) && declared['subscribe'] === true
}

async function unlessCancelled<T>(answer: Promise<T>, cancellation: Cancellation): Promise<T> {
  const cancelled = Promise.withResolvers<never>()
  const forgetCancel = cancellation.onCancel(() => cancelled.reject(new GatewayError('request_cancelled')))
  try {
    return await Promise.race([answer, cancelled.promise])
  } finally {
    forgetCancel()
  }
}
