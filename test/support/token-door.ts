/** The door of a server that takes tokens of one authorization server alone, and knows everybody who came. */
import type { IncomingHttpHeaders } from 'node:http'
import type { TestAuthorizationServer, TokenFacts } from './authorization-server.ts'
import { lookFor } from './planted.ts'
import type { UpstreamExchange } from './raw-upstream.ts'

export class TokenDoor {
  /** Good tokens that it does not take any more. */
  readonly refused = new Set<string>()
  refusesAll = false
  /** The first token that comes is not taken. */
  refusesFirst = false
  /** In order, each request's token; empty where there was none. */
  readonly tokens: string[] = []
  readonly #server: TestAuthorizationServer

  constructor(server: TestAuthorizationServer) {
    this.#server = server
  }

  /** As `guard` of a raw upstream. What it was sent is a secret from now on. */
  guard = async (exchange: UpstreamExchange): Promise<boolean> => {
    const facts = await this.enter(exchange.req.headers)
    if (facts === null) exchange.json({ error: 'no' }, 401, { 'www-authenticate': 'Bearer error="invalid_token"' })
    return facts !== null
  }

  /** Who it is; null: nobody whom it takes. */
  async enter(headers: IncomingHttpHeaders): Promise<TokenFacts | null> {
    const token = tokenIn(headers)
    this.tokens.push(token)
    if (token !== '') lookFor(token)
    if (this.refusesFirst) this.refused.add(token)
    this.refusesFirst = false
    if (this.refusesAll || this.refused.has(token)) return null
    return this.#server.findToken(token)
  }

  /** How many different tokens have come. */
  countTokens(): number {
    return new Set(this.tokens).size
  }
}

export const tokenIn = ({ authorization = '' }: IncomingHttpHeaders): string =>
  /^Bearer (.+)$/.exec(authorization)?.[1] ?? ''

/** A client of the authorization server that is the gateway itself. */
export const ownClient = (secret: string, scope = 'mcp:read mcp:write') => ({
  client_id: 'gateway',
  client_secret: secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_post' as const,
  scope,
})
