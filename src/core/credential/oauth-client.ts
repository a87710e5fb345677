/**
 * Port: OAuth 2.1 from the client's side. Types only.
 *
 * Every method asks only addresses that the guard lets through: https (plain http for loopback alone), no redirects, bounded in size and time.
 * Every method rejects with GatewayError: `credential_unavailable` where a server cannot be asked now, `oauth_server_failed` where what it
 * says cannot be used, `oauth_refused` where it refuses. `details.reason` is a word of ours; what the server said is never repeated.
 */

/** RFC 9728. */
export type ProtectedResource = {
  /** What the tokens are asked for (RFC 8707): the server's own word for itself, which was found to hold its address. */
  resource: string
  authorizationServers: readonly string[]
  scopes: readonly string[] | null
}

/** RFC 8414, or OpenID Connect Discovery. */
export type AuthorizationServer = {
  issuer: string
  authorizationEndpoint: string | null
  tokenEndpoint: string
  registrationEndpoint: string | null
  revocationEndpoint: string | null
  scopes: readonly string[] | null
  /** Methods of `token_endpoint_auth_methods_supported`; null: it does not say, which means `client_secret_basic`. */
  authMethods: readonly string[] | null
  /** `authorization_response_iss_parameter_supported` (RFC 9207): then an answer without `iss` is refused. */
  sendsIssuer: boolean
  /** `client_id_metadata_document_supported`. */
  takesClientDocuments: boolean
}

export type ClientAuth =
  | { method: 'none' }
  | { method: 'client_secret_post' | 'client_secret_basic'; secret: string }
  /** RFC 7523 §2.2. */
  | {
      method: 'private_key_jwt'
      /** PKCS #8, PEM. */ privateKey: string
      keyId: string | null
      algorithm: SigningAlgorithm
    }

export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

export type ClientIdentity = { clientId: string; auth: ClientAuth }

export type TokenSet = {
  accessToken: string
  refreshToken: string | null
  idToken: string | null
  /** Unix time in milliseconds; null: the server does not say. */
  expiresAt: number | null
  /** What was granted; null: what was asked for. */
  scopes: readonly string[] | null
}

/** What a token is asked for. */
export type TokenWish = {
  scopes: readonly string[] | null
  /** RFC 8707. */
  resource: string | null
  audience: string | null
  /** More form fields, under names of their own. */
  extra: Readonly<Record<string, string>>
}

/** Where tokens are asked for, and as whom. */
export type TokenSource = { server: AuthorizationServer; client: ClientIdentity; timeoutMs: number }

export type ClientMetadata = {
  clientName: string
  clientUri: string | null
  redirectUri: string
  scopes: readonly string[] | null
}

/** Begun in a browser; all of it is kept until the answer comes. */
export type AuthorizationRequest = {
  /** Where the browser goes. */
  url: string
  state: string
  codeVerifier: string
}

export type ExchangeWish = TokenWish & {
  profile: 'rfc8693' | 'entra_obo' | 'id_jag'
  subjectToken: string
  subjectTokenType: string
  requestedTokenType: string | null
}

export interface OAuthClient {
  /**
   * The order of MCP's authorization: `resource_metadata` of the challenge, else below the path, else at the root.
   * @param challenge `WWW-Authenticate` as it came, or null
   * @returns null: the server has no such document
   */
  findResource(serverUrl: string, challenge: string | null): Promise<ProtectedResource | null>
  /** RFC 8414 with the path inserted, OpenID with it inserted, OpenID with it appended; `issuer` must be the very same text. */
  findServer(issuer: string): Promise<AuthorizationServer>
  /** RFC 7591. */
  register(server: AuthorizationServer, metadata: ClientMetadata): Promise<ClientIdentity>
  clientCredentials(source: TokenSource, wish: TokenWish): Promise<TokenSet>
  /** PKCE with S256 (RFC 7636). */
  startAuthorization(
    source: Omit<TokenSource, 'timeoutMs'>,
    wish: TokenWish & { redirectUri: string },
  ): Promise<AuthorizationRequest>
  /**
   * `iss` is compared before anything else of the answer is read (RFC 9207).
   * @param answer the query that the browser brought back
   */
  finishAuthorization(
    source: TokenSource,
    given: {
      answer: URLSearchParams
      state: string
      codeVerifier: string
      redirectUri: string
      resource: string | null
    },
  ): Promise<TokenSet>
  /** `refreshToken` of the answer is null where the old one stays good. */
  refresh(source: TokenSource, wish: TokenWish & { refreshToken: string }): Promise<TokenSet>
  exchange(source: TokenSource, wish: ExchangeWish): Promise<TokenSet>
  /** RFC 7009. A server without that endpoint is told nothing. */
  revoke(source: TokenSource, token: { text: string; hint: 'access_token' | 'refresh_token' }): Promise<void>
}
