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

export const callbackUrl = (base: string): string => `${base}/connect/callback`
const documentUrl = (base: string): string => `${base}/connect/client.json`

/**
 * @param actor who makes it necessary to register
 * @throws GatewayError as `OAuthClient` does; `oauth_server_failed` (`client_required`): somebody has to register the gateway by hand
 */
export async function getClient(deps: ConnectionDeps, actor: Actor, question: ClientQuestion): Promise<ClientIdentity> {
  const { server, base } = question
  const known = await findClient(deps, question)
  if (known) return known
  if (server.registrationEndpoint === null)
    throw new GatewayError('oauth_server_failed', { details: { reason: 'client_required' } })
  const metadata = { clientName: 'Toolgate', clientUri: base, redirectUri: callbackUrl(base), scopes: null }
  const { clientId, auth, expiresAt } = await deps.oauth.register(server, metadata)
  const { issuer } = server
  const client = { kind: 'client' as const, issuer, redirectUri: callbackUrl(base), clientId, auth, expiresAt }
  await keepClient(deps, actor, { serverId: question.serverId, client })
  return { clientId, auth }
}

/** Without registering anything. */
export async function findClient(deps: ConnectionDeps, question: ClientQuestion): Promise<ClientIdentity | null> {
  const { account, server, base } = question
  const registered = registeredClient(account, server)
  if (registered) return registered
  // It has to be read by the authorization server, so it is at an address that others reach (CIMD §3).
  if (server.takesClientDocuments && base.startsWith('https://'))
    return { clientId: documentUrl(base), auth: { method: 'none' } }
  const stored = await deps.store.find('credential', nameOfClient(question.serverId))
  const client = stored?.spec.secret
  if (client?.kind !== 'client' || !isGood(client, { issuer: server.issuer, base, now: deps.clock.now() })) return null
  return { clientId: client.clientId, auth: client.auth }
}

/** What one authorization server gave is shown to no other. */
function isGood(
  { issuer, redirectUri, expiresAt }: StoredClient,
  now: { issuer: string; base: string; now: number },
): boolean {
  const isAlive = expiresAt === null || expiresAt > now.now
  return issuer === now.issuer && redirectUri === callbackUrl(now.base) && isAlive
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
