import { chargeRates, perMinute } from '#core/limits/charge-rates.ts'
import type { Actor } from './actor.ts'
import type { SessionDeps } from './session-deps.ts'

/**
 * One start more, of this agent and by this actor: what has ended stays for a week, so a loop of starts would fill the database. To be asked
 * of those alone who may start it.
 * @throws GatewayError `rate_limited` with `retryAfterMs`
 */
export function chargeStart(
  { counters, limits }: Pick<SessionDeps, 'counters' | 'limits'>,
  { id }: Pick<Actor, 'id'>,
  agentId: string,
): Promise<void> {
  const { agentSessionStartsPerMinuteMax } = limits
  const rate = perMinute(agentSessionStartsPerMinuteMax)
  const keys = [`session starts of ${agentId}`, `session starts by ${id}`]
  const details = { limit: 'agent_session_starts', agentSessionStartsPerMinuteMax }
  return chargeRates(
    counters,
    keys.map((key) => [key, rate]),
    details,
  )
}
