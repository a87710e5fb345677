import { GatewayError } from '#contract/errors.ts'
import type { Actor } from './actor.ts'
import type { SessionDeps } from './session-deps.ts'

const minuteSeconds = 60

/**
 * One start more, of this agent and by this actor, over all replicas: what has ended stays for a week, so a loop of starts would fill the
 * database. To be asked of those alone who may start it. With the counters away nobody is kept from starting.
 * @throws GatewayError `rate_limited` with `retryAfterMs`
 */
export async function chargeStart(
  { counters, limits }: Pick<SessionDeps, 'counters' | 'limits'>,
  { id }: Pick<Actor, 'id'>,
  agentId: string,
): Promise<void> {
  const { agentSessionStartsPerMinuteMax } = limits
  const limit = {
    kind: 'bucket',
    burst: agentSessionStartsPerMinuteMax,
    perSecond: agentSessionStartsPerMinuteMax / minuteSeconds,
  } as const
  const keys = [`session starts of ${agentId}`, `session starts by ${id}`]
  const charges = keys.map((key) => ({ key, limit, cost: 1, whenAway: 'open' as const }))
  const { isAllowed, retryAfterMs } = await counters.charge(charges)
  if (isAllowed) return
  throw new GatewayError('rate_limited', {
    details: { limit: 'agent_session_starts', agentSessionStartsPerMinuteMax, retryAfterMs },
  })
}
