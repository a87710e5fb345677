/** What an authorization server says of itself (RFC 8414, OpenID Connect Discovery 1.0; the order is MCP's). */
import { parseScopes } from '#core/credential/challenge.ts'
import type { AuthorizationServer } from '#core/credential/oauth-client.ts'
import { silentServer } from '#core/credential/silent-server.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { readText, readWords, type JsonObject } from './json-answer.ts'
import { findFirstDocument, insertWellKnown } from './metadata-documents.ts'
import { serverFailed } from './oauth-failure.ts'
import { toSecureUrl, type AddressRules } from './secure-address.ts'

const step = 'server_metadata'

type Deps = { fetch: GuardedFetch; rules: AddressRules }

/** See the port. */
export async function findServer({ fetch, rules }: Deps, issuer: string): Promise<AuthorizationServer> {
  const found = await findMetadata(fetch, toSecureUrl(issuer, rules, step))
  if (found === null) throw serverFailed('no_metadata', step)
  return toServer(found, issuer, rules)
}

/** See the port. */
export async function findOwnServer({ fetch, rules }: Deps, serverUrl: string): Promise<AuthorizationServer> {
  const { origin } = toSecureUrl(serverUrl, rules, step)
  const found = await findMetadata(fetch, new URL(origin))
  return found === null ? defaultServer(origin) : toServer(found, origin, rules)
}

function findMetadata(fetch: GuardedFetch, issuer: URL): Promise<JsonObject | null> {
  const urls = [
    insertWellKnown(issuer, 'oauth-authorization-server'),
    insertWellKnown(issuer, 'openid-configuration'),
    `${issuer.origin}${issuer.pathname.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ]
  return findFirstDocument(fetch, [...new Set(urls)], step)
}

/** MCP 2025-03-26, basic/authorization: fallbacks for servers without metadata discovery. */
function defaultServer(origin: string): AuthorizationServer {
  return silentServer({
    issuer: origin,
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    registrationEndpoint: `${origin}/register`,
  })
}

function toServer(document: JsonObject, asked: string, rules: AddressRules): AuthorizationServer {
  const issuer = readText(document, 'issuer', invalid)
  if (issuer === null) throw invalid()
  if (!isSameIssuer(issuer, asked)) throw serverFailed('wrong_issuer', step)
  const endpoint = (name: string) => {
    const text = readText(document, name, invalid)
    return text === null ? null : toSecureUrl(text, rules, step).href
  }
  const tokenEndpoint = endpoint('token_endpoint')
  if (tokenEndpoint === null) throw serverFailed('no_token_endpoint', step)
  const scopes = readWords(document, 'scopes_supported', step)
  return {
    issuer,
    authorizationEndpoint: endpoint('authorization_endpoint'),
    tokenEndpoint,
    registrationEndpoint: endpoint('registration_endpoint'),
    revocationEndpoint: endpoint('revocation_endpoint'),
    scopes: scopes && parseScopes(scopes.join(' ')),
    authMethods: readWords(document, 'token_endpoint_auth_methods_supported', step),
    sendsIssuer: document['authorization_response_iss_parameter_supported'] === true,
    takesPkce: readWords(document, 'code_challenge_methods_supported', step)?.includes('S256') ?? false,
    takesClientDocuments: document['client_id_metadata_document_supported'] === true,
  }
}

/**
 * RFC 8414 §3.3: the very same text. One thing is let pass: the slash alone that is the path of an address without one, which many a resource's
 * metadata appends. Both name one place, and what the server calls itself is what counts from here on.
 */
function isSameIssuer(issuer: string, asked: string): boolean {
  return issuer === asked || (URL.parse(asked)?.pathname === '/' && `${issuer}/` === asked)
}

const invalid = () => serverFailed('invalid_metadata', step)
