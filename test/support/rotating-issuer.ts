/** An authorization server that gives a new refresh token each time, and ends the whole grant when an old one comes again (RFC 9700 §4.14.2). */
import { GatewayError } from '#contract/errors.ts'
import type { OAuthClient, TokenSet, TokenSource } from '#core/credential/oauth-client.ts'
import { silentServer } from '#core/credential/silent-server.ts'
import { settled } from './fake-clock.ts'

export const issuerSource: TokenSource = {
  server: silentServer({ issuer: 'https://as.example', tokenEndpoint: 'https://as.example/token' }),
  client: { clientId: 'gateway', auth: { method: 'none' } },
  timeoutMs: 30_000,
}

export class RotatingIssuer implements Pick<OAuthClient, 'refresh' | 'revoke'> {
  readonly #now: () => number
  readonly #lifeMs: number
  readonly #turn: () => Promise<void>
  #generation = 0
  isRevoked = false
  refreshed = 0
  readonly revoked: string[] = []
  /** What the next refresh rejects with; it takes no token then. */
  failure: GatewayError | undefined
  /** Awaited before an answer is given, the token being taken. */
  gate: Promise<void> | undefined
  readonly sources: TokenSource[] = []

  /** @param turn what is waited for before and after a token is taken */
  constructor({ now, lifeMs, turn = settled }: { now: () => number; lifeMs: number; turn?: () => Promise<void> }) {
    this.#now = now
    this.#lifeMs = lifeMs
    this.#turn = turn
  }

  /** The tokens that are good now are of this generation: `access-3`, `refresh-3`. */
  get generation(): number {
    return this.#generation
  }

  async refresh(source: TokenSource, { refreshToken }: { refreshToken: string }): Promise<TokenSet> {
    this.sources.push(source)
    await this.#turn()
    if (this.failure) throw this.failure
    if (refreshToken !== `refresh-${this.#generation}`) this.isRevoked = true
    if (this.isRevoked) throw new GatewayError('oauth_refused', { details: { reason: 'invalid_grant' } })
    this.#generation++
    this.refreshed++
    const tokens = {
      accessToken: `access-${this.#generation}`,
      refreshToken: `refresh-${this.#generation}`,
      idToken: null,
      expiresAt: this.#now() + this.#lifeMs,
      scopes: null,
    }
    await this.gate
    await this.#turn()
    return tokens
  }

  async revoke(_source: TokenSource, { text }: { text: string }): Promise<void> {
    this.revoked.push(text)
  }
}
