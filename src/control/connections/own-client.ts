/** Who the gateway is to an authorization server: registered by hand, by a document of its own, or by itself (MCP basic/authorization). */
import { GatewayError } from '#contract/errors.ts'
import type { Actor } from '#control/actor.ts'
import { registeredClient } from '#core/credential/account-source.ts'
import { nameOfClient } from '#core/credential/credential-name.ts'
import type { AuthorizationServer, ClientIdentity } from '#core/credential/oauth-client.ts'
import type { StoredClient } from '#core/credential/stored-credential.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import type { AccountNeed } from './connection-needs.ts'
import { changeStored, emptyCredential } from './stored-connection.ts'

export type ClientQuestion = {
  serverId: string
  account: AccountNeed
  server: AuthorizationServer
  /** How people reach this gateway, without a slash at its end. */
  base: string
}

/** Who the gateway is there, and where the browser comes back to. */
export type OwnClient = ClientIdentity & { redirectUri: string }

const callbackUrl = (base: string): string => `${base}/connect/callback`
/** Its answers come back to a place of their own: one for a client that was registered by hand cannot be taken for one of these. */
const documentUrl = (base: string): string => `${base}/connect/client.json`

/**
 * @param actor who makes it necessary to register
 * @throws GatewayError as `OAuthClient` does; `oauth_server_failed` (`client_required`): somebody has to register the gateway by hand, or
 *   (`wrong_issuer`): it is registered at another authorization server
 */
export async function getClient(deps: ConnectionDeps, actor: Actor, question: ClientQuestion): Promise<OwnClient> {
  const { server } = question
  const known = await findClient(deps, question)
  if (known && isUnbound(question.account, known)) await bind(deps, actor, { question, known })
  if (known) return known
  if (server.registrationEndpoint === null)
    throw new GatewayError('oauth_server_failed', { details: { reason: 'client_required' } })
  const redirectUri = ownCallback(deps, question)
  const metadata = { clientName: 'Toolgate', clientUri: question.base, redirectUri, scopes: null }
  const { clientId, auth, expiresAt } = await deps.oauth.register(server, metadata)
  const client = { kind: 'client' as const, issuer: server.issuer, redirectUri, clientId, auth, expiresAt }
  await keepClient(deps, actor, { serverId: question.serverId, client })
  return { clientId, auth, redirectUri }
}

/** Nobody has said which authorization server its secret is for. */
function isUnbound({ clientId, issuer }: AccountNeed, { auth }: OwnClient): boolean {
  return clientId !== undefined && issuer === undefined && auth.method !== 'none'
}

/**
 * Then it is for the first that the server has named, and for that one until the definition changes: whoever has the server in its hands could
 * otherwise have the secret shown to any other (MCP basic/authorization).
 * @throws GatewayError `oauth_server_failed` (`wrong_issuer`)
 */
async function bind(
  deps: ConnectionDeps,
  actor: Actor,
  { question, known }: { question: ClientQuestion; known: OwnClient },
): Promise<void> {
  const { serverId, server } = question
  const { clientId, redirectUri } = known
  const stored = await deps.store.find('credential', nameOfClient(serverId))
  const bound = stored?.spec.secret
  if (bound?.kind === 'client' && bound.clientId === clientId) {
    if (bound.issuer === server.issuer) return
    throw new GatewayError('oauth_server_failed', { details: { reason: 'wrong_issuer' } })
  }
  const auth = { method: 'none' as const }
  const client = { kind: 'client' as const, issuer: server.issuer, redirectUri, clientId, auth, expiresAt: null }
  await keepClient(deps, actor, { serverId, client })
}

/** Without registering anything. */
export async function findClient(deps: ConnectionDeps, question: ClientQuestion): Promise<OwnClient | null> {
  const { account, server, base } = question
  const registered = registeredClient(account, server)
  if (registered) return { ...registered, redirectUri: callbackUrl(base) }
  // It has to be read by the authorization server, so it is at an address that others reach (CIMD §3).
  if (server.takesClientDocuments && base.startsWith('https://'))
    return { clientId: documentUrl(base), auth: { method: 'none' }, redirectUri: `${callbackUrl(base)}/document` }
  const stored = await deps.store.find('credential', nameOfClient(question.serverId))
  const client = stored?.spec.secret
  const redirectUri = ownCallback(deps, question)
  if (client?.kind !== 'client' || !isGood(client, { issuer: server.issuer, redirectUri, now: deps.clock.now() }))
    return null
  return { clientId: client.clientId, auth: client.auth, redirectUri }
}

/**
 * One for each authorization server: so an answer of one is told from that of another, also where neither says who it is (mix-up, RFC 9700
 * §4.4.2.2).
 */
function ownCallback({ hash }: Pick<ConnectionDeps, 'hash'>, { server, base }: ClientQuestion): string {
  return `${callbackUrl(base)}/${hash(server.issuer).slice(0, 16)}`
}

/** What one authorization server gave is shown to no other. */
function isGood(
  client: StoredClient,
  { issuer, redirectUri, now }: Pick<StoredClient, 'issuer' | 'redirectUri'> & { now: number },
): boolean {
  const isAlive = client.expiresAt === null || client.expiresAt > now
  return client.issuer === issuer && client.redirectUri === redirectUri && isAlive
}

async function keepClient(
  deps: ConnectionDeps,
  actor: Actor,
  { serverId, client }: { serverId: string; client: StoredClient },
): Promise<void> {
  const now = deps.clock.now()
  const empty = emptyCredential({ serverId, owner: { kind: 'gateway', ref: '' } }, now)
  await changeStored(deps, { actor, name: nameOfClient(serverId) }, () => ({
    ...empty,
    state: 'connected',
    reason: 'connected',
    secret: client,
  }))
}
