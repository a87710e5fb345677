/**
 * A real authorization server on loopback: oidc-provider as MCP wants one. PKCE, registration, client documents, resource indicators, rotating
 * refresh tokens, client credentials, `iss`, revocation; token exchange and JWT bearer as grants of its own.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose'
import { Provider, type ClientMetadata, type Configuration } from 'oidc-provider'
import { addExchangeGrants, assertionGrant, exchangeGrant } from './authorization-server-grants.ts'
import { memoryAdapters } from './authorization-server-memory.ts'
import { showInteraction } from './authorization-server-pages.ts'
import { lookFor } from './planted.ts'
import { exempt } from './planted/connections.ts'

export type TokenFacts = { scopes: string[]; audience: unknown; clientId: string; account: string | null }

/** A client document's owner, or an identity provider, that this server believes. */
export type TrustedIssuer = { issuer: string; key: CryptoKey }

export type AuthorizationServerOptions = {
  /** Of the issuer, such as `/tenant`. */
  path?: string
  clients?: ClientMetadata[]
  accessTokenSeconds?: number
  /** Over the documents that are served to it in place of the network. */
  documents?: ReadonlyMap<string, object>
  /** Whose assertions are redeemed here. */
  trusts?: TrustedIssuer
}

export type TestAuthorizationServer = AsyncDisposable & {
  issuer: string
  /** Method and path of each request, in order. */
  seen: string[]
  /** What the token endpoint was asked, in order; secrets are not among it. */
  grants: Record<string, unknown>[]
  /** What signs the assertions that it issues. */
  trusted: TrustedIssuer
  /** Null: no token of this server that is good now. */
  findToken(text: string): Promise<TokenFacts | null>
}

const scopes = ['openid', 'offline_access', 'mcp:read', 'mcp:write']
const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const

export async function openAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<TestAuthorizationServer> {
  const path = options.path ?? ''
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  const keys = await generateKeyPair('RS256', { extractable: true })
  const provider = new Provider(issuer, toConfiguration(options, await exportJWK(keys.privateKey)))
  lookForIssued(provider, server)
  const trusted = { issuer, key: keys.publicKey }
  addExchangeGrants(provider, { signingKey: keys.privateKey, trusts: options.trusts ?? null })
  const seen: string[] = []
  server.on('request', (request, response) => {
    seen.push(`${request.method} ${new URL(request.url ?? '', issuer).pathname}`)
    void route(provider, path, { request, response })
  })
  return {
    issuer,
    seen,
    grants: recordGrants(provider),
    trusted,
    findToken: (text) => findToken(provider, text),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Visit = { request: IncomingMessage & { originalUrl?: string }; response: ServerResponse }

async function route(provider: Provider, path: string, { request, response }: Visit): Promise<void> {
  const asked = request.url ?? '/'
  if (asked.startsWith('/interaction/')) return showInteraction(provider, request, response)
  // The package serves one of the two well-known documents; what they say is the same.
  const url =
    asked === `/.well-known/oauth-authorization-server${path}` ? `${path}/.well-known/openid-configuration` : asked
  if (!url.startsWith(path)) {
    response.writeHead(404).end()
    return
  }
  request.originalUrl = url
  request.url = url.slice(path.length)
  await provider.callback()(request, response)
}

function toConfiguration(options: AuthorizationServerOptions, key: JWK): Configuration {
  return {
    adapter: memoryAdapters(),
    clients: options.clients ?? [],
    jwks: { keys: [{ ...key, kid: 'signing', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['a key that only tests know'] },
    scopes,
    clientAuthMethods: [...methods],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: options.accessTokenSeconds ?? 3_600,
      ClientCredentials: options.accessTokenSeconds ?? 600,
      IdToken: 3_600,
      Grant: 86_400,
      Session: 86_400,
      Interaction: 600,
      RefreshToken: 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({ scope: scopes.join(' '), audience: resource }),
      },
    },
    // The one thing that it asks of the world is a client's document.
    fetch: (url) => Promise.resolve(toDocument(options.documents?.get(typeof url === 'string' ? url : ''))),
  }
}

function toDocument(document: object | undefined): Response {
  return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
}

/** So many of what is issued: a test in which thousands of tokens come and go is about something else. */
const lookedForMax = 50

/** What it issues goes from here to the gateway, or by way of a browser; nothing of it comes out of the gateway again. */
function lookForIssued(provider: Provider, server: Server): void {
  exempt(server)
  let count = 0
  const note = (text: string | undefined): void => {
    if (text !== undefined && count++ < lookedForMax) lookFor(text)
  }
  provider.on('access_token.saved', ({ jti }) => note(jti))
  provider.on('refresh_token.saved', ({ jti }) => note(jti))
  provider.on('client_credentials.saved', ({ jti }) => note(jti))
  provider.on('authorization_code.saved', ({ jti }) => note(jti))
  provider.on('registration_create.success', (_, { clientSecret }) => note(clientSecret))
}

const secrets = new Set(['client_secret', 'client_assertion', 'code', 'refresh_token', 'subject_token', 'assertion'])

function recordGrants(provider: Provider): Record<string, unknown>[] {
  const grants: Record<string, unknown>[] = []
  const record = (ctx: { oidc: { params?: object | undefined } }) => {
    const given = Object.entries(ctx.oidc.params ?? {}).filter(
      ([name, value]) => value !== undefined && !secrets.has(name),
    )
    grants.push(Object.fromEntries(given))
  }
  provider.on('grant.success', record)
  provider.on('grant.error', record)
  return grants
}

async function findToken(provider: Provider, text: string): Promise<TokenFacts | null> {
  const user = await provider.AccessToken.find(text)
  const found = user ?? (await provider.ClientCredentials.find(text))
  if (found === undefined) return null
  const names = found.scope?.split(' ') ?? []
  return { scopes: names, audience: found.aud, clientId: found.clientId ?? '', account: user?.accountId ?? null }
}

export const testGrants = { exchange: exchangeGrant, assertion: assertionGrant }
