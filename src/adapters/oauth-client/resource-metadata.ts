/** What a protected resource says of itself (RFC 9728; MCP basic/authorization). */
import { parseChallenge, parseScopes } from '#core/credential/challenge.ts'
import type { ProtectedResource } from '#core/credential/oauth-client.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { readText, readWords, type JsonObject } from './json-answer.ts'
import { findDocument, findFirstDocument, insertWellKnown } from './metadata-documents.ts'
import { serverFailed } from './oauth-failure.ts'

const step = 'resource_metadata'
const wellKnown = 'oauth-protected-resource'
const authorizationServersMax = 10

/** See the port. */
export async function findResource(
  fetch: GuardedFetch,
  serverUrl: string,
  challenge: string | null,
): Promise<ProtectedResource | null> {
  const server = new URL(serverUrl)
  const named = parseChallenge(challenge)?.resourceMetadata ?? null
  const found = named === null ? await findWellKnown(fetch, server) : await findDocument(fetch, named, step)
  // Who names a document has to have it.
  if (found === null && named !== null) throw serverFailed('no_metadata', step)
  return found && toResource(found, server)
}

function findWellKnown(fetch: GuardedFetch, server: URL): Promise<JsonObject | null> {
  const below = insertWellKnown(server, wellKnown)
  const root = `${server.origin}/.well-known/${wellKnown}`
  // RFC 9728 §3.1 keeps the query.
  return findFirstDocument(fetch, [...new Set([below + server.search, root])], step)
}

function toResource(document: JsonObject, server: URL): ProtectedResource {
  const resource = readText(document, 'resource', invalid)
  if (resource === null) throw invalid()
  if (!holds(resource, server)) throw serverFailed('resource_mismatch', step)
  const scopes = readWords(document, 'scopes_supported', step)
  return {
    resource,
    authorizationServers: (readWords(document, 'authorization_servers', step) ?? []).slice(0, authorizationServersMax),
    scopes: scopes && parseScopes(scopes.join(' ')),
  }
}

/** Else a token that is meant for this server could be had for, and used at, another one. */
function holds(resource: string, server: URL): boolean {
  const url = URL.parse(resource)
  if (url === null || url.origin !== server.origin || url.hash !== '' || url.username !== '' || url.password !== '')
    return false
  if (url.search !== '' && url.search !== server.search) return false
  return `${server.pathname}/`.startsWith(url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`)
}

const invalid = () => serverFailed('invalid_metadata', step)
