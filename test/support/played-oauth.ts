/** Every authorization server there is, as far as a client can see. What it was asked is kept. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type {
  AssertionWish,
  AuthorizationServer,
  ExchangeWish,
  OAuthClient,
  ProtectedResource,
  TokenSet,
  TokenSource,
  TokenWish,
} from '#core/credential/oauth-client.ts'
import { issuerSource, RotatingIssuer } from './rotating-issuer.ts'

type Asked = {
  what: string
  source: TokenSource
  wish: TokenWish & Partial<Omit<ExchangeWish, keyof TokenWish>> & { assertion?: string }
}

export class PlayedOAuth implements OAuthClient {
  readonly #clock: Pick<Clock, 'now'>
  readonly issuer: RotatingIssuer
  readonly asked: Asked[] = []
  readonly looked: string[] = []
  lifeMs: number | null = 3_600_000
  resource: ProtectedResource | null = null
  /** What the next answers are instead, in their order. */
  readonly failures: Error[] = []
  /** What each lookup of metadata rejects with. */
  lookupFailure: Error | undefined
  /** Whether issuers have documents about themselves. */
  hasMetadata = true
  #count = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.issuer = new RotatingIssuer({ now: () => clock.now(), lifeMs: 3_600_000 })
  }

  async findResource(serverUrl: string): Promise<ProtectedResource | null> {
    this.looked.push(serverUrl)
    if (this.lookupFailure) throw this.lookupFailure
    return this.resource
  }

  async findServer(issuer: string): Promise<AuthorizationServer> {
    this.looked.push(issuer)
    if (this.lookupFailure) throw this.lookupFailure
    if (!this.hasMetadata) throw new GatewayError('oauth_server_failed', { details: { reason: 'no_metadata' } })
    return { ...issuerSource.server, issuer, tokenEndpoint: `${issuer}/token` }
  }

  async findOwnServer(serverUrl: string): Promise<AuthorizationServer> {
    this.looked.push(`own ${serverUrl}`)
    const { origin } = new URL(serverUrl)
    return { ...issuerSource.server, issuer: origin, tokenEndpoint: `${origin}/token` }
  }

  register(): never {
    throw new Error('nobody registers here')
  }

  startAuthorization(): never {
    throw new Error('nobody connects here')
  }

  finishAuthorization(): never {
    throw new Error('nobody connects here')
  }

  clientCredentials(source: TokenSource, wish: TokenWish): Promise<TokenSet> {
    return this.#answer({ what: 'client', source, wish })
  }

  exchange(source: TokenSource, wish: ExchangeWish): Promise<TokenSet> {
    return this.#answer({ what: 'exchange', source, wish })
  }

  async issueAssertion(source: TokenSource, wish: AssertionWish): Promise<string> {
    return (await this.#answer({ what: 'assertion', source, wish })).accessToken
  }

  redeemAssertion(source: TokenSource, wish: TokenWish & { assertion: string }): Promise<TokenSet> {
    return this.#answer({ what: 'redeemed', source, wish })
  }

  refresh(source: TokenSource, wish: TokenWish & { refreshToken: string }): Promise<TokenSet> {
    return this.issuer.refresh(source, wish)
  }

  revoke(source: TokenSource, token: { text: string }): Promise<void> {
    return this.issuer.revoke(source, token)
  }

  async #answer(asked: Asked): Promise<TokenSet> {
    this.asked.push(asked)
    await Promise.resolve()
    const failure = this.failures.shift()
    if (failure) throw failure
    const expiresAt = this.lifeMs === null ? null : this.#clock.now() + this.lifeMs
    const accessToken = `${asked.what}-${++this.#count}`
    return { accessToken, refreshToken: null, idToken: null, expiresAt, scopes: null }
  }
}

/** An authorization server's no. */
export function refusedBy(reason: string): GatewayError {
  return new GatewayError('oauth_refused', { details: { reason } })
}
