/** The part of OAuth that goes through a browser (RFC 6749 §4.1, RFC 7636, RFC 9207). */
import { createHash, randomBytes } from 'node:crypto'
import type {
  AuthorizationRequest,
  AuthorizationServer,
  ClientIdentity,
  TokenWish,
} from '#core/credential/oauth-client.ts'
import { refused, serverFailed, toRefusal } from './oauth-failure.ts'
import { toSecureUrl, type AddressRules } from './secure-address.ts'

const step = 'authorization'

export type AuthorizationWish = TokenWish & { redirectUri: string }

/** See the port. */
export function startAuthorization(
  rules: AddressRules,
  { server, client }: { server: AuthorizationServer; client: ClientIdentity },
  wish: AuthorizationWish,
): AuthorizationRequest {
  if (server.authorizationEndpoint === null) throw serverFailed('no_authorization_endpoint', step)
  if (!server.takesPkce) throw serverFailed('no_pkce', step)
  const url = toSecureUrl(server.authorizationEndpoint, rules, step)
  const state = randomText()
  const codeVerifier = randomText()
  const fields = {
    ...toFields(wish),
    client_id: client.clientId,
    state,
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value)
  return { url: url.href, state, codeVerifier }
}

/** 43 characters, as RFC 7636 §4.1 wants of a verifier. */
function randomText(): string {
  return randomBytes(32).toString('base64url')
}

function toFields({ scopes, resource, audience, extra, redirectUri }: AuthorizationWish): Record<string, string> {
  return {
    // OpenID Connect Core §11: without it a server need not give what offline access asks for.
    ...(scopes?.includes('offline_access') === true && { prompt: 'consent' }),
    ...extra,
    response_type: 'code',
    redirect_uri: redirectUri,
    ...(scopes !== null && scopes.length > 0 && { scope: scopes.join(' ') }),
    ...(resource !== null && { resource }),
    ...(audience !== null && { audience }),
  }
}

/**
 * The code of an answer that is this server's, and to this request. MCP basic/authorization: as long as `iss` is not known to be right, nothing
 * else in the answer is looked at, its error among it.
 *
 * | server sends `iss` | it is there | |
 * | --- | --- | --- |
 * | yes | yes | compared, as texts |
 * | yes | no | refused |
 * | does not say | yes | compared, as texts |
 * | does not say | no | goes on |
 *
 * @throws GatewayError `oauth_refused`: `missing_iss`, `wrong_issuer`, `wrong_state`, what the server refused with, `missing_code`
 */
export function readCode(answer: URLSearchParams, server: AuthorizationServer, state: string): string {
  const issuer = answer.get('iss')
  if (issuer === null && server.sendsIssuer) throw refused('missing_iss', step)
  if (issuer !== null && !isOnly(answer, 'iss', server.issuer)) throw refused('wrong_issuer', step)
  if (!isOnly(answer, 'state', state)) throw refused('wrong_state', step)
  const error = answer.get('error')
  if (error !== null) throw toRefusal(error, step)
  const [code = '', ...more] = answer.getAll('code')
  if (code === '' || more.length > 0) throw refused('missing_code', step)
  return code
}

/** Parameters that come twice are not OAuth's (RFC 6749 §3.1). */
function isOnly(answer: URLSearchParams, name: string, text: string): boolean {
  const [first, ...more] = answer.getAll(name)
  return first === text && more.length === 0
}
