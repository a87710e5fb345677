/** How the gateway becomes a client of an authorization server that does not know it (RFC 7591). */
import type {
  AuthorizationServer,
  ClientAuth,
  ClientMetadata,
  RegisteredClient,
} from '#core/credential/oauth-client.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { readText, type JsonObject } from './json-answer.ts'
import { serverFailed } from './oauth-failure.ts'
import { isLoopback } from './secure-address.ts'
import { readGrant } from './token-answer.ts'

const step = 'registration'
const registrationTimeoutMs = 10_000
const identifierCharsMax = 4_096

type Method = 'client_secret_basic' | 'client_secret_post' | 'none'

/** See the port. */
export async function registerClient(
  fetch: GuardedFetch,
  server: AuthorizationServer,
  metadata: ClientMetadata,
): Promise<RegisteredClient> {
  if (server.registrationEndpoint === null) throw serverFailed('no_registration_endpoint', step)
  const method = chooseMethod(server.authMethods)
  const answer = await fetch(server.registrationEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(toDocument(metadata, method)),
    timeoutMs: registrationTimeoutMs,
    step,
  })
  return toClient(readGrant(answer, step), method)
}

/** The gateway can keep a secret. A server that says nothing takes it as Basic (RFC 8414 §2). */
function chooseMethod(offered: readonly string[] | null): Method {
  const methods: readonly Method[] = ['client_secret_basic', 'client_secret_post', 'none']
  const method = methods.find((one) => offered?.includes(one) ?? true)
  if (method === undefined) throw serverFailed('unsupported_auth_method', step)
  return method
}

function toDocument({ clientName, clientUri, redirectUri, scopes }: ClientMetadata, method: Method): JsonObject {
  return {
    client_name: clientName,
    ...(clientUri !== null && { client_uri: clientUri }),
    redirect_uris: [redirectUri],
    // OpenID Connect Registration §2: only there may an address of this machine, or one over http, be gone back to.
    application_type: isLoopback(new URL(redirectUri)) ? 'native' : 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
    ...(scopes !== null && scopes.length > 0 && { scope: scopes.join(' ') }),
  }
}

function toClient(body: JsonObject, asked: Method): RegisteredClient {
  const clientId = readText(body, 'client_id', invalid)
  if (clientId === null || clientId.length > identifierCharsMax) throw invalid()
  const secret = readText(body, 'client_secret', invalid)
  if (secret !== null && secret.length > identifierCharsMax) throw invalid()
  const method = readText(body, 'token_endpoint_auth_method', invalid) ?? asked
  return { clientId, auth: toAuth(method, secret), expiresAt: toExpiry(body['client_secret_expires_at']) }
}

/** The server has the last word (RFC 7591 §3.2.1). One that forgets to repeat the method has given a secret, or none. */
function toAuth(method: string, secret: string | null): ClientAuth {
  if (method === 'none' || (secret === null && isSecretMethod(method))) return { method: 'none' }
  if (!isSecretMethod(method) || secret === null) throw serverFailed('unsupported_auth_method', step)
  return { method, secret }
}

function isSecretMethod(method: string): method is 'client_secret_basic' | 'client_secret_post' {
  return method === 'client_secret_basic' || method === 'client_secret_post'
}

/** Seconds; 0, or nothing, where it does not end. */
function toExpiry(value: unknown): number | null {
  if (value === undefined || value === null || value === 0) return null
  if (typeof value !== 'number' || !(value > 0 && value < 1e11)) throw invalid()
  return Math.floor(value * 1_000)
}

const invalid = () => serverFailed('invalid_registration', step)
