/** Where an account is connected, and as whom: by what the server's definition says, and else by what the server and its authorization server say. */
import type { AuthorizationServer, ClientAuth, ClientIdentity, OAuthClient, SigningAlgorithm } from './oauth-client.ts'
import { silentServer } from './silent-server.ts'

/** What a definition says of an account, its secrets in it. */
export type AccountDefinition = {
  issuer?: string | undefined
  authorizationUrl?: string | undefined
  tokenUrl?: string | undefined
  registrationUrl?: string | undefined
  clientId?: string | undefined
  authMethod?: ClientAuth['method'] | undefined
  clientSecret?: string | undefined
  privateKey?: string | undefined
  privateKeyId?: string | undefined
  signingAlgorithm?: SigningAlgorithm | undefined
  /** RFC 8707. */
  resource?: string | undefined
}

/** - `resource`: what tokens are for; null: the account is no server's (an identity provider's). */
export type AccountSource = {
  server: AuthorizationServer
  resource: string | null
  /** Scopes that the metadata of the server names; null: none. */
  supported: readonly string[] | null
}

type Finder = Pick<OAuthClient, 'findResource' | 'findServer' | 'findOwnServer'>

/**
 * @param serverUrl null: the account is no server's, and the definition says where it is
 * @throws GatewayError as `OAuthClient` does
 */
export async function findAccountSource(
  oauth: Finder,
  definition: AccountDefinition,
  { serverUrl, challenge = null }: { serverUrl: string | null; challenge?: string | null },
): Promise<AccountSource> {
  const source =
    serverUrl === null || isGiven(definition)
      ? { server: await findGiven(oauth, definition), resource: serverUrl && toResource(serverUrl), supported: null }
      : await askServer(oauth, serverUrl, challenge)
  return {
    server: withEndpoints(source.server, definition),
    resource: definition.resource ?? source.resource,
    supported: source.supported,
  }
}

async function askServer(oauth: Finder, serverUrl: string, challenge: string | null): Promise<AccountSource> {
  const said = await oauth.findResource(serverUrl, challenge)
  const [first] = said?.authorizationServers ?? []
  const server = first === undefined ? await oauth.findOwnServer(serverUrl) : await oauth.findServer(first)
  return { server, resource: said?.resource ?? toResource(serverUrl), supported: said?.scopes ?? null }
}

function isGiven({ issuer, authorizationUrl, tokenUrl }: AccountDefinition): boolean {
  return issuer !== undefined || (authorizationUrl !== undefined && tokenUrl !== undefined)
}

async function findGiven(
  oauth: Finder,
  { issuer, authorizationUrl, tokenUrl }: AccountDefinition,
): Promise<AuthorizationServer> {
  if (authorizationUrl === undefined || tokenUrl === undefined) return oauth.findServer(issuer ?? '')
  return silentServer({ issuer: issuer ?? tokenUrl, tokenEndpoint: tokenUrl })
}

/** What the operator gives comes before what is looked up. */
function withEndpoints(server: AuthorizationServer, definition: AccountDefinition): AuthorizationServer {
  const { authorizationUrl, tokenUrl, registrationUrl } = definition
  return {
    ...server,
    ...(authorizationUrl !== undefined && { authorizationEndpoint: authorizationUrl }),
    ...(tokenUrl !== undefined && { tokenEndpoint: tokenUrl }),
    ...(registrationUrl !== undefined && { registrationEndpoint: registrationUrl }),
  }
}

/** MCP basic/authorization, canonical server URI: without a fragment, and no slash where there is no path. */
function toResource(serverUrl: string): string {
  const url = new URL(serverUrl)
  url.hash = ''
  return url.pathname === '/' && url.search === '' ? url.origin : url.href
}

/** Who the gateway is where it was registered by hand; null: it was not. */
export function registeredClient(
  definition: AccountDefinition,
  { authMethods }: Pick<AuthorizationServer, 'authMethods'>,
): ClientIdentity | null {
  const { clientId, clientSecret, privateKey } = definition
  if (clientId === undefined) return null
  const method = definition.authMethod ?? preferredMethod(authMethods, { clientSecret, privateKey })
  if (method === 'private_key_jwt' && privateKey !== undefined) {
    const { privateKeyId: keyId = null, signingAlgorithm: algorithm = 'RS256' } = definition
    return { clientId, auth: { method, privateKey, keyId, algorithm } }
  }
  const isSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  return {
    clientId,
    auth: isSecret && clientSecret !== undefined ? { method, secret: clientSecret } : { method: 'none' },
  }
}

/** RFC 8414 §2: a server that names no methods takes `client_secret_basic`. */
function preferredMethod(
  authMethods: readonly string[] | null,
  { clientSecret, privateKey }: Pick<AccountDefinition, 'clientSecret' | 'privateKey'>,
): ClientAuth['method'] {
  if (privateKey !== undefined) return 'private_key_jwt'
  if (clientSecret === undefined) return 'none'
  const takesPostAlone =
    authMethods?.includes('client_secret_post') === true && !authMethods.includes('client_secret_basic')
  return takesPostAlone ? 'client_secret_post' : 'client_secret_basic'
}
