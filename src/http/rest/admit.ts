/** Who asks the management API, and whether it may ask at all at this moment. Before anything of its body is read. */
import type { IncomingMessage } from 'node:http'
import { apiRoot } from '#contract/api-root.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Operation } from '#contract/operation.ts'
import { nobodyActor, type Actor } from '#control/actor.ts'
import { authenticate, type AuthenticateDeps } from '#control/authenticate.ts'
import { chargeRates, perMinute } from '#core/limits/charge-rates.ts'
import type { Counters } from '#core/limits/counters.ts'

export type AdmitDeps = AuthenticateDeps & {
  counters: Counters
  limits: Pick<Limits, 'managementRequestsPerMinuteMax'>
  /** The client's address, as far as it can be known, for what is counted. */
  clientOf: (request: IncomingMessage) => string
  /** Nobody knows any more which bearers are good. */
  isStale: () => boolean
}

/** What a token that is bound to a project, or to addresses, may still ask: about itself. */
const aboutOneself = new Set(['whoAmI', 'introspectToken', 'canI'])

/**
 * Each request is counted for whom it is known to be of, and else for the client's address: who tries one bearer after the other is not known.
 *
 * @throws GatewayError `unauthorized`, `forbidden`, `rate_limited` with `retryAfterMs`, `storage_unavailable`
 */
export async function admit(
  deps: AdmitDeps,
  request: IncomingMessage,
  { id, isOpen }: Pick<Operation, 'id' | 'isOpen'>,
): Promise<Actor> {
  const actor = isOpen ? nobodyActor : identify(deps, request.headers.authorization)
  await charge(deps, actor === null || actor.id === '' ? `from ${deps.clientOf(request)}` : `by ${actor.id}`)
  if (!actor) throw new GatewayError('unauthorized')
  checkPlace(actor, id)
  return actor
}

/** Null where the bearer is none, or opens nothing. */
function identify(deps: AdmitDeps, authorization: string | undefined): Actor | null {
  if (deps.isStale()) throw new GatewayError('storage_unavailable')
  try {
    return authenticate(deps, authorization)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'unauthorized') return null
    throw error
  }
}

function checkPlace({ token }: Actor, operationId: string): void {
  const { endpoints, project } = token?.spec ?? {}
  const isElsewhere = project !== undefined || (endpoints !== undefined && !endpoints.includes(apiRoot))
  if (isElsewhere && !aboutOneself.has(operationId))
    throw new GatewayError('forbidden', { details: { reason: 'this token is bound to other addresses' } })
}

function charge({ counters, limits }: AdmitDeps, whose: string): Promise<void> {
  const { managementRequestsPerMinuteMax } = limits
  const rate = perMinute(managementRequestsPerMinuteMax)
  return chargeRates(counters, [[`management ${whose}`, rate]], { limit: 'management', managementRequestsPerMinuteMax })
}
