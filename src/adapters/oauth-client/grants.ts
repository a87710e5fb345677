/** Everything that a token endpoint is asked for. */
import type { AssertionWish, ExchangeWish, TokenSet, TokenSource, TokenWish } from '#core/credential/oauth-client.ts'
import type { Clock } from '#core/clock.ts'
import { proveClient } from './client-auth.ts'
import type { Answer, GuardedFetch } from './guarded-fetch.ts'
import { readText } from './json-answer.ts'
import { serverFailed, type OAuthStep } from './oauth-failure.ts'
import { readGrant, readToken, readTokens } from './token-answer.ts'

type Deps = { fetch: GuardedFetch; clock: Clock }

/** Form fields; null: not sent. */
type Fields = Readonly<Record<string, string | null>>

const grantTypes = {
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
}
const assertionType = 'urn:ietf:params:oauth:token-type:id-jag'

export function askClientCredentials(deps: Deps, source: TokenSource, wish: TokenWish): Promise<TokenSet> {
  return askTokens(deps, source, toForm(wish, { grant_type: 'client_credentials', ...targetOf(wish) }))
}

export type CodeWish = { code: string; codeVerifier: string; redirectUri: string; resource: string | null }

export function redeemCode(deps: Deps, source: TokenSource, wish: CodeWish): Promise<TokenSet> {
  const { code, codeVerifier, redirectUri, resource } = wish
  const fields = { code, code_verifier: codeVerifier, redirect_uri: redirectUri, resource }
  return askTokens(deps, source, toForm(null, { grant_type: 'authorization_code', ...fields }))
}

export function refreshTokens(
  deps: Deps,
  source: TokenSource,
  wish: TokenWish & { refreshToken: string },
): Promise<TokenSet> {
  const fields = { grant_type: 'refresh_token', refresh_token: wish.refreshToken, ...targetOf(wish) }
  return askTokens(deps, source, toForm(wish, fields))
}

export function exchangeToken(deps: Deps, source: TokenSource, wish: ExchangeWish): Promise<TokenSet> {
  const fields = wish.profile === 'rfc8693' ? toExchange(wish) : toOnBehalfOf(wish)
  return askTokens(deps, source, toForm(wish, fields))
}

/** RFC 8693 §2.1. */
function toExchange(wish: ExchangeWish): Fields {
  return {
    grant_type: grantTypes.tokenExchange,
    subject_token: wish.subjectToken,
    subject_token_type: wish.subjectTokenType,
    requested_token_type: wish.requestedTokenType,
    ...targetOf(wish),
  }
}

/** Microsoft identity platform, on-behalf-of: whom the token is for, its scopes say. */
function toOnBehalfOf(wish: ExchangeWish): Fields {
  const use = { assertion: wish.subjectToken, requested_token_use: 'on_behalf_of' }
  return { grant_type: grantTypes.jwtBearer, ...use, scope: scopeOf(wish) }
}

/** draft-ietf-oauth-identity-assertion-authz-grant §4.3. What comes back is no access token, whatever its member is called. */
export async function askAssertion(deps: Deps, source: TokenSource, wish: AssertionWish): Promise<string> {
  const fields = {
    grant_type: grantTypes.tokenExchange,
    requested_token_type: assertionType,
    subject_token: wish.subjectToken,
    subject_token_type: wish.subjectTokenType,
    ...targetOf(wish),
  }
  const body = readGrant(await askTokenEndpoint(deps, source, toForm(wish, fields)), 'token')
  const assertion = readToken(body, 'access_token')
  if (assertion === null || readText(body, 'issued_token_type', invalid) !== assertionType) throw invalid()
  return assertion
}

export function redeemAssertion(
  deps: Deps,
  source: TokenSource,
  wish: TokenWish & { assertion: string },
): Promise<TokenSet> {
  const fields = { grant_type: grantTypes.jwtBearer, assertion: wish.assertion, ...targetOf(wish) }
  return askTokens(deps, source, toForm(wish, fields))
}

/** RFC 7009 §2.2: a token that the server does not know is as good as revoked. */
export async function revokeToken(
  deps: Deps,
  source: TokenSource,
  token: { text: string; hint: string },
): Promise<void> {
  const endpoint = source.server.revocationEndpoint
  if (endpoint === null) return
  const form = toForm(null, { token: token.text, token_type_hint: token.hint })
  const answer = await post(deps, { endpoint, source, form, step: 'revocation' })
  // The body of a success says nothing, and need not be JSON.
  if (answer.status !== 200) readGrant(answer, 'revocation')
}

/** A token's time runs from before it was asked for: so it ends here no later than there. */
async function askTokens(deps: Deps, source: TokenSource, form: URLSearchParams): Promise<TokenSet> {
  const askedAt = deps.clock.now()
  return readTokens(await askTokenEndpoint(deps, source, form), askedAt)
}

function askTokenEndpoint(deps: Deps, source: TokenSource, form: URLSearchParams): Promise<Answer> {
  return post(deps, { endpoint: source.server.tokenEndpoint, source, form, step: 'token' })
}

type Posting = { endpoint: string; source: TokenSource; form: URLSearchParams; step: OAuthStep }

async function post({ fetch, clock }: Deps, { endpoint, source, form, step }: Posting): Promise<Answer> {
  const { server, client, timeoutMs } = source
  const proof = await proveClient(client, { issuer: server.issuer, nowMs: clock.now() })
  for (const [name, value] of Object.entries(proof.fields)) form.set(name, value)
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...proof.headers }
  return fetch(endpoint, { method: 'POST', headers, body: form.toString(), timeoutMs, step })
}

/** What a wish names besides has names of its own: it replaces nothing of ours. */
function toForm(wish: TokenWish | null, fields: Fields): URLSearchParams {
  const form = new URLSearchParams(wish?.extra)
  for (const [name, value] of Object.entries(fields)) if (value !== null) form.set(name, value)
  return form
}

function targetOf(wish: TokenWish): Fields {
  return { scope: scopeOf(wish), resource: wish.resource, audience: wish.audience }
}

function scopeOf({ scopes }: TokenWish): string | null {
  return scopes === null || scopes.length === 0 ? null : scopes.join(' ')
}

const invalid = () => serverFailed('invalid_token_answer', 'token')
