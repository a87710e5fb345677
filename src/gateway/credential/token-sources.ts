/** Where tokens are asked for, and as whom: what servers and authorization servers say of themselves is remembered for a while. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import {
  findAccountSource,
  registeredClient,
  type AccountDefinition,
  type AccountSource,
} from '#core/credential/account-source.ts'
import type { CredentialBook } from '#core/credential/credential-book.ts'
import { nameOfClient } from '#core/credential/credential-name.ts'
import { reasonOf } from '#core/credential/credential-refusals.ts'
import type {
  AuthorizationServer,
  ClientIdentity,
  OAuthClient,
  OAuthFailure,
  TokenSource,
} from '#core/credential/oauth-client.ts'
import type { StoredGrant } from '#core/credential/stored-credential.ts'
import { SharedAsks } from '#core/shared-asks.ts'

/** What a definition says of the place where the gateway gets tokens as itself. */
export type ClientDefinition = AccountDefinition & { timeoutMs: number; scopes?: readonly string[] | undefined }

/** A stored grant, and the definition that it was given for. */
export type GrantPlace = {
  serverId: string
  /** Null: it is an identity provider's. */
  serverUrl: string | null
  definition: AccountDefinition & { timeoutMs: number }
}

export type TokenSourcesDeps = {
  oauth: Pick<OAuthClient, 'findResource' | 'findServer' | 'findOwnServer'>
  book: Pick<CredentialBook, 'find' | 'latest'>
  clock: Pick<Clock, 'now'>
}

const rememberedMs = 600_000
const rememberedMax = 1_000

type Remembered = { source: AccountSource; until: number }

export class TokenSources {
  readonly #deps: TokenSourcesDeps
  readonly #asks = new SharedAsks<AccountSource>()
  readonly #remembered = new Map<string, Remembered>()
  /** Who issued the first token for a server, as long as this process runs. */
  readonly #issuers = new Map<string, string>()

  constructor(deps: TokenSourcesDeps) {
    this.#deps = deps
  }

  /**
   * Where the gateway gets a token as itself.
   * @throws GatewayError as `OAuthClient` does
   */
  async ofClient(
    definition: ClientDefinition,
    serverUrl: string,
  ): Promise<{ source: TokenSource; resource: string | null; scopes: readonly string[] | null }> {
    const { issuer, tokenUrl, timeoutMs } = definition
    const isGiven = tokenUrl !== undefined || issuer !== undefined
    const found = isGiven ? await this.#given(definition) : await this.#pinned(serverUrl)
    const client = registeredClient(definition, found.server)
    if (!client) throw unusable('invalid_client')
    return {
      source: { server: found.server, client, timeoutMs },
      // An authorization server that was not found through the resource need not know what that is.
      resource: definition.resource ?? (isGiven ? null : found.resource),
      scopes: definition.scopes ?? found.supported,
    }
  }

  /**
   * Where a stored grant is renewed or exchanged: at its own issuer, as the client that it was given to.
   * @throws GatewayError as `OAuthClient` does
   */
  async ofGrant(place: GrantPlace, grant: Pick<StoredGrant, 'issuer' | 'clientId'>): Promise<TokenSource> {
    const server = await this.#issuerOf(place, grant.issuer)
    return { server, client: await this.#clientOf(place, { ...grant, server }), timeoutMs: place.definition.timeoutMs }
  }

  async #issuerOf({ definition, serverUrl }: GrantPlace, issuer: string): Promise<AuthorizationServer> {
    const { authorizationUrl, tokenUrl } = definition
    const isWhole = authorizationUrl !== undefined && tokenUrl !== undefined
    try {
      const { server } = isWhole
        ? await findAccountSource(this.#deps.oauth, definition, { serverUrl })
        : await this.issuedBy(issuer)
      if (server.issuer === issuer) return tokenUrl === undefined ? server : { ...server, tokenEndpoint: tokenUrl }
    } catch (error) {
      if (serverUrl === null || reasonOf(error) !== ('no_metadata' satisfies OAuthFailure)) throw error
    }
    // A server of before 2025-06-18, which is its own authorization server, may have no document about it.
    const { server } = serverUrl === null ? { server: null } : await this.#ofServer(serverUrl)
    if (server?.issuer === issuer) return server
    throw unusable('wrong_issuer')
  }

  /** RFC 7591 clients are stored, and a document about the gateway (CIMD) is its own identifier. */
  async #clientOf(
    { definition, serverId }: GrantPlace,
    { clientId, issuer, server }: { clientId: string; issuer: string; server: AuthorizationServer },
  ): Promise<ClientIdentity> {
    const registered = registeredClient(definition, server)
    if (registered?.clientId === clientId) return registered
    const name = nameOfClient(serverId)
    const entry = this.#deps.book.find(name) ?? (await this.#deps.book.latest(name))
    const stored = entry?.credential.secret
    if (stored?.kind === 'client' && stored.clientId === clientId && stored.issuer === issuer)
      return { clientId, auth: stored.auth }
    if (clientId.startsWith('https://') && server.takesClientDocuments) return { clientId, auth: { method: 'none' } }
    throw unusable('invalid_client')
  }

  async #given({ tokenUrl, issuer }: ClientDefinition): Promise<AccountSource> {
    if (tokenUrl === undefined) return this.issuedBy(issuer ?? '')
    // With both endpoints given nothing is looked up; that of authorization is not used here.
    const definition = { tokenUrl, authorizationUrl: tokenUrl }
    return findAccountSource(this.#deps.oauth, definition, { serverUrl: null })
  }

  /** What is registered at one authorization server is shown to no other, whatever the server says later (MCP basic/authorization). */
  async #pinned(serverUrl: string): Promise<AccountSource> {
    const found = await this.#ofServer(serverUrl)
    const issuer = this.#issuers.get(serverUrl)
    if (issuer !== undefined && issuer !== found.server.issuer) throw unusable('wrong_issuer')
    this.#issuers.set(serverUrl, found.server.issuer)
    return found
  }

  issuedBy(issuer: string): Promise<AccountSource> {
    return this.#remember(`issuer ${issuer}`, () =>
      findAccountSource(this.#deps.oauth, { issuer }, { serverUrl: null }),
    )
  }

  #ofServer(serverUrl: string): Promise<AccountSource> {
    return this.#remember(`server ${serverUrl}`, () => findAccountSource(this.#deps.oauth, {}, { serverUrl }))
  }

  async #remember(key: string, find: () => Promise<AccountSource>): Promise<AccountSource> {
    const known = this.#remembered.get(key)
    const now = this.#deps.clock.now()
    if (known && now < known.until) return known.source
    return this.#asks.run(key, async () => {
      const source = await find()
      if (this.#remembered.size >= rememberedMax) this.#remembered.clear()
      this.#remembered.set(key, { source, until: now + rememberedMs })
      return source
    })
  }
}

function unusable(reason: OAuthFailure): GatewayError {
  return new GatewayError('oauth_server_failed', { details: { reason } })
}
