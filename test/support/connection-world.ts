/** The use cases of connections on a store in memory, over an authorization server that says what a test wants. */
import { randomBytes } from 'node:crypto'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { createSealer } from '#adapters/crypto/sealer.ts'
import { createMemoryFlowStore } from '#adapters/memory/flow-store.ts'
import type { Connection } from '#contract/connection.ts'
import type { ServedServer } from '#contract/server.ts'
import type { ConnectionDeps } from '#control/connections/connection-deps.ts'
import { createConnectionsControl, type ConnectionsControl } from '#control/connections/connections.ts'
import type { AuthorizationServer, ClientIdentity, TokenSet } from '#core/credential/oauth-client.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import { silentServer } from '#core/credential/silent-server.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { controlWorld, type ControlWorld } from './control-world.ts'
import { resource } from './resources.ts'

export const issuer = 'https://login.example.com'

/** An authorization server as the port shows it, and what it was asked. */
export class SaidOAuth {
  readonly asked: string[] = []
  readonly clients: ClientIdentity[] = []
  readonly revoked: string[] = []
  /** Where the browser was to come back to, the last time. */
  callback = ''
  server: AuthorizationServer = silentServer({
    issuer,
    authorizationEndpoint: `${issuer}/authorize`,
    tokenEndpoint: `${issuer}/token`,
    registrationEndpoint: `${issuer}/register`,
    revocationEndpoint: `${issuer}/revoke`,
    scopes: ['read', 'write', 'offline_access'],
    sendsIssuer: true,
  })
  /** What the next exchange gives. */
  tokens: TokenSet | Error = { accessToken: 'AT-1', refreshToken: 'RT-1', idToken: null, expiresAt: null, scopes: null }
  revokes: Error | null = null
  /** What servers say to who comes without a credential. */
  challenge: string | null = null
  #count = 0

  readonly port: ConnectionDeps['oauth'] = {
    findResource: async () => ({
      resource: 'https://mcp.example.com/',
      authorizationServers: [this.server.issuer],
      scopes: ['read'],
    }),
    findServer: async () => this.server,
    findOwnServer: async () => this.server,
    register: async (server, { redirectUri }) => {
      this.asked.push(`register at ${server.issuer} for ${redirectUri}`)
      return { clientId: `client-${++this.#count}`, auth: { method: 'none' }, expiresAt: null }
    },
    startAuthorization: async ({ server, client }, wish) => {
      const state = `state-${++this.#count}`
      this.clients.push(client)
      this.callback = wish.redirectUri
      this.asked.push(`authorize ${wish.scopes?.join(' ') ?? 'no scopes'} for ${wish.resource}`)
      return { url: `${server.authorizationEndpoint}?state=${state}`, state, codeVerifier: `VERIFIER-${state}` }
    },
    finishAuthorization: async ({ client }, { state, codeVerifier }) => {
      this.asked.push(
        `exchange as ${client.clientId} with ${codeVerifier === `VERIFIER-${state}` ? 'the' : 'another'} verifier`,
      )
      if (this.tokens instanceof Error) throw this.tokens
      return this.tokens
    },
    revoke: async (_source, { text, hint }) => {
      if (this.revokes) throw this.revokes
      this.revoked.push(`${hint} ${text}`)
    },
  }
}

export type ConnectionWorld = ControlWorld & {
  connections: ConnectionsControl
  oauth: SaidOAuth
  all: ConnectionDeps
  /** From beginning to end; `answer` beside the state. */
  connect(by: string, words: { server: string; owner?: string }, browser?: string): Promise<Connection>
  begin(
    by: string,
    words: { server: string; owner?: string; link?: string },
    browser?: string,
  ): Promise<URLSearchParams>
  finish(by: string, answer: URLSearchParams, browser?: string): Promise<Connection>
}

export function accountServer(name: string, credential: object = {}): Resource<'server'> {
  const account = { kind: 'oauth2_authorization_code', ...credential }
  return resource('server', name, {
    transport: { kind: 'streamable_http', url: 'https://mcp.example.com/', credential: account },
  })
}

export function keyServer(name: string, transport: object): Resource<'server'> {
  return resource('server', name, {
    transport: { kind: 'streamable_http', url: 'https://mcp.example.com/', ...transport },
  })
}

export async function connectionWorld(
  stored: readonly Resource[],
  baseUrl: string | null = 'https://tools.example.com',
): Promise<ConnectionWorld> {
  const world = await controlWorld(stored)
  const oauth = new SaidOAuth()
  const all: ConnectionDeps = {
    ...world.deps,
    servers: () => world.index.all('server').map(toOffered),
    flows: createMemoryFlowStore(),
    oauth: oauth.port,
    challengeOf: async () => oauth.challenge,
    sealer: createSealer({ current: randomBytes(32), previous: null }),
    hash: hashToken,
    baseUrl: () => baseUrl,
    limits: { credentialValueBytesMax: 100 },
  }
  const connections = createConnectionsControl(all)
  const begin: ConnectionWorld['begin'] = async (by, words, browser = `browser of ${by}`) => {
    const { url } = await connections.start(world.as('user', by), { words, browser })
    return new URLSearchParams({ state: new URL(url).searchParams.get('state') ?? '', code: 'CODE' })
  }
  const finish: ConnectionWorld['finish'] = (by, answer, browser = `browser of ${by}`) =>
    connections.finish(world.as('user', by), {
      browser,
      at: oauth.callback.split('/connect/callback')[1] ?? '',
      answer,
    })
  return Object.assign(world, {
    connections,
    oauth,
    all,
    begin,
    finish,
    connect: async (by: string, words: { server: string; owner?: string }, browser?: string) =>
      finish(by, await begin(by, words, browser), browser),
  })
}

function toOffered({ id, name, spec }: Resource<'server'>): ServedServer {
  return { ...resolveSecrets({ name, ...spec }, noSecrets), id }
}
