/**
 * Port: OAuth 2.1 from the client's side. Types only.
 *
 * Every method asks only addresses that the guard lets through: https (plain http for loopback alone), no redirects, bounded in size and time.
 * Every method rejects with GatewayError: `credential_unavailable` where a server cannot be asked now, `oauth_server_failed` where what it
 * says cannot be used, `oauth_refused` where it refuses, `config_invalid` where a key of ours is none. `details.reason` is an `OAuthFailure`;
 * what the server said is never repeated.
 */

/** Why it did not work, in our words: what stands in `details.reason`. */
export type OAuthFailure =
  // Where we would have to go.
  | 'insecure_endpoint'
  | 'egress_forbidden'
  | 'redirected'
  // What came back.
  | 'unreachable'
  | 'timeout'
  | 'server_unavailable'
  | 'too_large'
  | 'not_json'
  | 'unexpected_status'
  // What it says of itself.
  | 'no_metadata'
  | 'invalid_metadata'
  | 'wrong_issuer'
  | 'resource_mismatch'
  | 'no_authorization_endpoint'
  | 'no_token_endpoint'
  | 'no_registration_endpoint'
  | 'no_pkce'
  | 'unsupported_auth_method'
  | 'invalid_registration'
  | 'invalid_token_answer'
  | 'wrong_token_type'
  // How the browser came back; `wrong_issuer` too.
  | 'missing_iss'
  | 'wrong_state'
  | 'missing_code'
  // What is ours to repair.
  | 'invalid_key'
  | OAuthRefusal

/** The servers' codes that are known here (RFC 6749, 7009, 7591, 8693, 8707, OpenID). Every other one is `refused`. */
export type OAuthRefusal =
  | 'access_denied'
  | 'consent_required'
  | 'insufficient_scope'
  | 'interaction_required'
  | 'invalid_client'
  | 'invalid_client_metadata'
  | 'invalid_grant'
  | 'invalid_redirect_uri'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'login_required'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'unsupported_token_type'
  | 'refused'

/** RFC 9728. */
export type ProtectedResource = {
  /** What the tokens are asked for (RFC 8707): the server's own word for itself, which was found to hold its address. */
  resource: string
  /** In its order. Empty where it names none: then the server's own origin is asked, as before 2025-06-18. */
  authorizationServers: readonly string[]
  scopes: readonly string[] | null
}

/** RFC 8414, or OpenID Connect Discovery. */
export type AuthorizationServer = {
  /** Where the operator gives endpoints and no issuer, it is the token endpoint's address: the audience of assertions (RFC 7523 §3). */
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
  /** `code_challenge_methods_supported` names S256. Without it no authorization is started (MCP); true where the operator gives endpoints. */
  takesPkce: boolean
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

/** What a server registered the gateway as. */
export type RegisteredClient = ClientIdentity & {
  /** Unix time in milliseconds after which its secret is no good; null: it does not end. */
  expiresAt: number | null
}

export type TokenSet = {
  accessToken: string
  refreshToken: string | null
  /** As it came. It is nobody's proof here: nothing reads it, and only the server that issued it is shown it again. */
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
  /** `entra_obo`: the JWT bearer grant with `requested_token_use=on_behalf_of`, which has scopes and no audience, resource or token types. */
  profile: 'rfc8693' | 'entra_obo'
  subjectToken: string
  subjectTokenType: string
  requestedTokenType: string | null
}

/** What an identity provider is asked for, so that another authorization server gives a token for it. */
export type AssertionWish = TokenWish & {
  /** The issuer that will be shown the assertion. */
  audience: string
  subjectToken: string
  subjectTokenType: string
}

export interface OAuthClient {
  /**
   * The order of MCP's authorization: `resource_metadata` of the challenge, else below the path, else at the root.
   * @param challenge `WWW-Authenticate` as it came, or null
   * @returns null: the server has no such document
   */
  findResource(serverUrl: string, challenge: string | null): Promise<ProtectedResource | null>
  /**
   * RFC 8414 with the path inserted, OpenID with it inserted, OpenID with it appended. `issuer` must be the very same text, but for the slash that
   * is the whole path of an address without one; what the server calls itself counts from then on.
   */
  findServer(issuer: string): Promise<AuthorizationServer>
  /** A server of before 2025-06-18 is its own authorization server: with metadata at its root, or with `/authorize`, `/token`, `/register` there. */
  findOwnServer(serverUrl: string): Promise<AuthorizationServer>
  /** RFC 7591. */
  register(server: AuthorizationServer, metadata: ClientMetadata): Promise<RegisteredClient>
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
  /** MCP's enterprise-managed authorization, first step: the identity provider gives an ID-JAG, which is good for `redeemAssertion` once. */
  issueAssertion(source: TokenSource, wish: AssertionWish): Promise<string>
  /** Second step, at the server's own authorization server (RFC 7523 §2.1). */
  redeemAssertion(source: TokenSource, wish: TokenWish & { assertion: string }): Promise<TokenSet>
  /** RFC 7009. A server without that endpoint is told nothing. */
  revoke(source: TokenSource, token: { text: string; hint: 'access_token' | 'refresh_token' }): Promise<void>
}
