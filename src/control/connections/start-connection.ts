import { GatewayError } from '#contract/errors.ts'
import type { Caller } from '#control/actor.ts'
import { recorded } from '#control/recorded.ts'
import { useOf } from '#control/server-secrets.ts'
import { findAccountSource, type AccountSource } from '#core/credential/account-source.ts'
import { parseChallenge } from '#core/credential/challenge.ts'
import { chooseScopes } from '#core/credential/choose-scopes.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import { chargeRates } from '#core/limits/charge-rates.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import type { ServedServer } from '#contract/server.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import type { AccountNeed } from './connection-needs.ts'
import { findTarget, type Target, type TargetWords } from './connection-target.ts'
import { flowMs, hostOf } from './connection-view.ts'
import { getClient, type OwnClient } from './own-client.ts'
import { changeStored, emptyCredential, givenHere, knownCredential, usableHere } from './stored-connection.ts'

/** Where the browser goes, and whose sign-in that is. */
export type Departure = { url: string; host: string; server: string }

/** For an hour it is known that a flow was there: an answer that comes late or twice is no stranger's. */
const rememberMs = 3_600_000
/** Each asks other servers, and leaves a row. */
const startRate = { burst: 20, perSecond: 20 / 60 }

/**
 * Begins to connect an account. Whoever comes back must be the same person in the same browser.
 *
 * @param browser SHA-256 of what this person's browser has in its cookie
 * @throws GatewayError `person_required`, `rate_limited`, `no_such_resource`, `forbidden`, `wrong_status` (this server takes no account), `oauth_server_failed`
 *   (`client_required`: somebody has to register the gateway by hand), `oauth_refused`, `credential_unavailable`
 */
export async function startConnection(
  deps: ConnectionDeps,
  caller: Caller,
  { words, browser }: { words: TargetWords; browser: string },
): Promise<Departure> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'connect', kind: 'credential', name: '' }, async (note) => {
    if (!actor.user) throw new GatewayError('person_required')
    await chargeRates(deps.counters, [[`connect by ${actor.id}`, startRate]], { limit: 'connect' })
    const target = findTarget(deps, actor, { words, right: 'give' })
    const name = nameOfCredential(target.server.id, target.owner)
    Object.assign(note, { name, changed: ['begun'] })
    const { account, base } = toAccount(deps, target)
    const challenge = isLookedUp(account) ? await deps.challengeOf(target.server) : null
    const source = await findAccountSource(deps.oauth, account, { serverUrl: urlOf(account, target.server), challenge })
    const client = await getClient(deps, actor, { serverId: target.server.id, account, server: source.server, base })
    const stored = knownCredential(deps, { serverId: target.server.id, owner: target.owner })
    const scopes = scopesFor(account, { source, stored, challenge })
    const begun = await deps.oauth.startAuthorization(
      { server: source.server, client },
      { scopes, resource: source.resource, audience: null, extra: {}, redirectUri: client.redirectUri },
    )
    await keepFlow(deps, { target, source, client, scopes, begun, browser, startedBy: actor.user.id })
    const changed = await changeStored(deps, { actor, name }, (before) => toBegun(deps, target, before))
    note.id = changed?.id ?? deps.index.find('credential', name)?.id ?? ''
    return { url: begun.url, host: new URL(begun.url).host, server: target.server.name }
  })
}

/** @throws GatewayError `wrong_status`, `config_invalid` */
export function toAccount({ baseUrl }: ConnectionDeps, { needs }: Target): { account: AccountNeed; base: string } {
  const base = baseUrl()
  if (!needs.account) throw new GatewayError('wrong_status', { details: { reason: 'no_account' } })
  if (base === null) throw new GatewayError('config_invalid', { details: { reason: 'address_unknown' } })
  return { account: needs.account, base }
}

export function urlOf({ isAtServer }: AccountNeed, { transport }: ServedServer): string | null {
  return isAtServer && transport.kind !== 'stdio' ? transport.url : null
}

/** Whether the server says itself where its accounts are. */
function isLookedUp({ isAtServer, issuer, authorizationUrl, tokenUrl }: AccountNeed): boolean {
  return isAtServer && issuer === undefined && (authorizationUrl === undefined || tokenUrl === undefined)
}

type Known = { source: AccountSource; stored: StoredCredential | null; challenge: string | null }

function scopesFor({ scopes }: AccountNeed, { source, stored, challenge }: Known): string[] | null {
  const held = stored?.reason === 'more_scopes_needed' && stored.secret?.kind === 'oauth' ? stored.secret.scopes : null
  return chooseScopes({
    configured: scopes ?? null,
    challenged: stored?.scopesWanted ?? parseChallenge(challenge)?.scopes ?? null,
    supported: source.supported,
    held,
    listed: source.server.scopes,
  })
}

type Begun = {
  target: Target
  source: AccountSource
  client: OwnClient
  scopes: string[] | null
  begun: { state: string; codeVerifier: string }
  browser: string
  startedBy: string
}

async function keepFlow(deps: ConnectionDeps, flow: Begun): Promise<void> {
  const { target, source, client, scopes, begun, browser, startedBy } = flow
  const id = deps.hash(begun.state)
  const now = deps.clock.now()
  await deps.flows.put(
    {
      id,
      server: target.server.id,
      host: hostOf(target.server),
      owner: target.owner,
      startedBy,
      browser,
      authorizationServer: source.server,
      clientId: client.clientId,
      codeVerifier: deps.sealer.seal(begun.codeVerifier, flowContext(deps, { id, server: target.server })),
      redirectUri: client.redirectUri,
      resource: source.resource,
      scopes,
      elicitationId: target.elicitationId,
      createdAt: now,
      expiresAt: now + flowMs,
    },
    now + rememberMs,
  )
}

/** What is begun for one definition is not finished for another: whose tokens these are, and where they go, is in it. */
export function flowContext(
  { hash }: Pick<ConnectionDeps, 'hash'>,
  { id, server: { transport } }: { id: string; server: ServedServer },
): string {
  return `connect flow ${id} ${transport.kind === 'stdio' ? '' : hash(useOf(transport.credential))}`
}

/** What works goes on working until there is something better, and what needs attention needs it still. */
function toBegun(
  { clock }: ConnectionDeps,
  { server, owner }: Target,
  stored: StoredCredential | null,
): StoredCredential | null {
  const before = usableHere(server, stored)
  if (before && before.state !== 'revoked' && before.secret !== null) return null
  const empty = emptyCredential({ serverId: server.id, owner }, clock.now())
  return givenHere(server, { ...empty, variables: before?.variables ?? {} })
}
