import type { Connection } from '#contract/connection.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Caller } from '#control/actor.ts'
import { recorded } from '#control/recorded.ts'
import { findAccountSource } from '#core/credential/account-source.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { AuthorizationServer } from '#core/credential/oauth-client.ts'
import type { StoredCredential, StoredGrant } from '#core/credential/stored-credential.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import type { AccountNeed } from './connection-needs.ts'
import { findTarget, type Target, type TargetWords } from './connection-target.ts'
import { toConnection } from './connection-view.ts'
import { findClient } from './own-client.ts'
import { toAccount, urlOf } from './start-connection.ts'
import { changeStored } from './stored-connection.ts'

/**
 * Ends a connection: nothing of what was given is kept, here at once, and the authorization server is told (RFC 7009). That it cannot be told
 * changes nothing here.
 * @throws GatewayError `no_such_resource`, `forbidden`, `storage_unavailable`
 */
export async function revokeConnection(deps: ConnectionDeps, caller: Caller, words: TargetWords): Promise<Connection> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'revoke', kind: 'credential', name: '' }, async (note) => {
    const target = findTarget(deps, actor, { words, right: 'end' })
    note.name = nameOfCredential(target.server.id, target.owner)
    const ended: { secret: StoredCredential['secret'] } = { secret: null }
    const stored = await changeStored(deps, { actor, name: note.name }, (before) => {
      if (!before) return null
      ended.secret = before.secret
      return toRevoked(before, deps.clock.now())
    })
    if (!stored) throw new GatewayError('no_such_resource')
    note.id = stored.id
    if (ended.secret?.kind === 'oauth') note.changed = [await tell(deps, target, ended.secret)]
    return toConnection(deps, actor, { ...target, stored: stored.credential })
  })
}

function toRevoked({ server, owner }: StoredCredential, now: number): StoredCredential {
  return {
    server,
    owner,
    state: 'revoked',
    reason: 'revoked',
    stateAt: now,
    secret: null,
    variables: {},
    renewingUntil: null,
  }
}

/** The refresh token first: with it, whoever has it could go on. */
async function tell(deps: ConnectionDeps, target: Target, grant: StoredGrant): Promise<string> {
  try {
    const { account, base } = toAccount(deps, target)
    const server = await findIssuer(deps, { account, grant, serverUrl: urlOf(account, target.server) })
    const client = await findClient(deps, { serverId: target.server.id, account, server, base })
    // To another authorization server, or as another client, it is somebody else's secret.
    if (server.issuer !== grant.issuer || client?.clientId !== grant.clientId)
      return 'not told: it was issued elsewhere'
    const source = { server, client, timeoutMs: account.timeoutMs }
    const { refreshToken, accessToken } = grant
    if (refreshToken !== null) await deps.oauth.revoke(source, { text: refreshToken, hint: 'refresh_token' })
    await deps.oauth.revoke(source, { text: accessToken, hint: 'access_token' })
    return server.revocationEndpoint === null ? 'not told: it takes no revocations' : 'told the authorization server'
  } catch {
    return 'not told: it could not be asked'
  }
}

type Issued = { account: AccountNeed; grant: StoredGrant; serverUrl: string | null }

/** Who issued it, also where the server has another authorization server by now. */
async function findIssuer(
  { oauth }: ConnectionDeps,
  { account, grant, serverUrl }: Issued,
): Promise<AuthorizationServer> {
  const { issuer = grant.issuer, authorizationUrl, tokenUrl } = account
  if (serverUrl === null || (authorizationUrl !== undefined && tokenUrl !== undefined))
    return (await findAccountSource(oauth, account, { serverUrl })).server
  try {
    return await oauth.findServer(issuer)
  } catch (error) {
    // One of before 2025-06-18 has no metadata.
    const own = await oauth.findOwnServer(serverUrl)
    if (own.issuer !== issuer) throw error
    return own
  }
}
