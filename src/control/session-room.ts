import { GatewayError } from '#contract/errors.ts'
import type { SessionDeps } from './session-deps.ts'

/** How many agents' sessions may be open, counted with those that are being stored at this moment: no burst comes past the limit. */
export class SessionRoom {
  readonly #deps: Pick<SessionDeps, 'known' | 'limits'>
  /** Of which agent each of them is. */
  readonly #starting = new Set<{ agentId: string }>()

  constructor(deps: Pick<SessionDeps, 'known' | 'limits'>) {
    this.#deps = deps
  }

  /**
   * A place for one that starts, until it is known or has failed. No agent takes the places of all.
   * @throws GatewayError `too_many_sessions`
   */
  take(agentId: string): Disposable {
    const { known, limits } = this.#deps
    const { agentSessionsMax, agentSessionsPerAgentMax } = limits
    if (known.openCount() + this.#starting.size >= agentSessionsMax)
      throw new GatewayError('too_many_sessions', { details: { agentSessionsMax } })
    const ofAgent = this.#starting.values().filter((one) => one.agentId === agentId)
    if (known.openCount(agentId) + [...ofAgent].length >= agentSessionsPerAgentMax)
      throw new GatewayError('too_many_sessions', { details: { agentSessionsPerAgentMax } })
    const place = { agentId }
    this.#starting.add(place)
    return { [Symbol.dispose]: () => void this.#starting.delete(place) }
  }
}
