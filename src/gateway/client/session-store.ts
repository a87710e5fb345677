/** The legacy client sessions that are open, bound to who opened them. */
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Clock } from '#core/clock.ts'
import type { Principal } from '#core/identity/principal.ts'
import { isSameAddress, type Address } from '#gateway/endpoint.ts'
import type { ClientSession } from './client-session.ts'

export class SessionStore {
  readonly #sessions = new Map<string, ClientSession>()
  readonly #counts = new Map<string, number>()
  readonly #clock: Clock
  readonly #limits: Limits

  constructor(deps: { clock: Clock; limits: Limits }) {
    this.#clock = deps.clock
    this.#limits = deps.limits
  }

  get size(): number {
    return this.#sessions.size
  }

  /** @throws GatewayError `too_many_sessions` */
  checkRoom(principal: Principal): void {
    const { sessionsMax, sessionsPerTokenMax } = this.#limits
    if (this.#sessions.size >= sessionsMax) throw new GatewayError('too_many_sessions', { details: { sessionsMax } })
    if ((this.#counts.get(principal.tokenId) ?? 0) >= sessionsPerTokenMax) {
      throw new GatewayError('too_many_sessions', { details: { sessionsPerTokenMax } })
    }
  }

  add(session: ClientSession): void {
    const { tokenId } = session.principal
    this.#sessions.set(session.id, session)
    this.#counts.set(tokenId, (this.#counts.get(tokenId) ?? 0) + 1)
    session.onEnd(() => this.#remove(session))
  }

  #remove(session: ClientSession): void {
    if (!this.#sessions.delete(session.id)) return
    const { tokenId } = session.principal
    const left = (this.#counts.get(tokenId) ?? 1) - 1
    if (left === 0) this.#counts.delete(tokenId)
    else this.#counts.set(tokenId, left)
  }

  /**
   * A session id is no credential: it works only for the token that opened it, and only where it was opened.
   * @returns null for an id that is unknown here
   * @throws GatewayError `session_not_found`, for a foreign one
   */
  find(id: string, principal: Principal, address: Address): ClientSession | null {
    const session = this.#sessions.get(id)
    if (!session) return null
    if (
      session.isRetired ||
      session.principal.tokenId !== principal.tokenId ||
      !isSameAddress(session.address, address)
    ) {
      throw new GatewayError('session_not_found')
    }
    return session
  }

  /** For other replicas, that have found who asks to be its owner. */
  get(id: string): ClientSession | undefined {
    return this.#sessions.get(id)
  }

  sweep(): void {
    const before = this.#clock.now() - this.#limits.sessionIdleMs
    for (const session of this.#sessions.values()) if (!session.isBusy && session.lastUsedAt < before) session.leave()
  }

  *[Symbol.iterator](): Iterator<ClientSession> {
    yield* this.#sessions.values()
  }

  /** This replica ends. */
  leaveAll(): void {
    for (const session of this.#sessions.values()) session.leave()
  }
}
