import type { Connection, ConnectRefusal } from '#contract/connection.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Actor, Caller } from '#control/actor.ts'
import { type ChangeNote, recorded } from '#control/recorded.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { Flow } from '#core/credential/flow-store.ts'
import type { TokenSet } from '#core/credential/oauth-client.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import { findTarget, type Target } from './connection-target.ts'
import { hostOf, ownerWord, toConnection } from './connection-view.ts'
import { findClient } from './own-client.ts'
import { flowContext, toAccount } from './start-connection.ts'
import { changeStored, emptyCredential, givenHere, usableHere } from './stored-connection.ts'

export type Arrival = {
  /** SHA-256 of what this person's browser has in its cookie. */
  browser: string
  /** What follows `/connect/callback` in the address: which authorization server's answer it is, where that has one of its own. */
  at: string
  /** The query that the browser brought. Nothing of it is kept or told. */
  answer: URLSearchParams
}

/**
 * What comes back from the authorization server becomes a grant, where the person and the browser are those who began.
 *
 * @throws GatewayError `oauth_refused` (`unknown_state`, `expired_state`, `replayed_state`, `signed_out`, `other_user`, `other_browser`,
 *   `client_changed`, `missing_iss`, `wrong_issuer`, `access_denied`, …), `oauth_server_failed`, `credential_unavailable`,
 *   `no_such_resource`, `forbidden`
 */
export async function finishConnection(
  deps: ConnectionDeps,
  caller: Caller,
  { browser, at, answer }: Arrival,
): Promise<Connection> {
  return recorded(deps, { caller, action: 'connect', kind: 'credential', name: '' }, async (note) => {
    const state = stateIn(answer)
    // Before the flow is taken: the same person can still come back to it.
    if (!caller.actor.user) throw refused('signed_out')
    const flow = await takeFlow(deps, deps.hash(state))
    note.name = nameOfCredential(flow.server, flow.owner)
    if (flow.startedBy !== caller.actor.user.id) throw refused('other_user')
    if (flow.browser !== browser) throw refused('other_browser')
    if (!flow.redirectUri.endsWith(`/connect/callback${at}`)) throw refused('wrong_issuer')
    const target = targetOf(deps, caller.actor, flow)
    const tokens = await exchange(deps, { flow, target, state, answer }).catch(async (error: unknown) => {
      if (isDeclined(error))
        await keep(deps, { actor: caller.actor, target, note }, (before) => toDeclined(before, deps.clock.now()))
      throw error
    })
    note.changed = ['connected']
    const stored = await keep(deps, { actor: caller.actor, target, note }, (before) =>
      givenHere(
        target.server,
        toConnected(
          usableHere(target.server, before) ?? emptyCredential({ serverId: flow.server, owner: flow.owner }, 0),
          { flow, tokens, now: deps.clock.now() },
        ),
      ),
    )
    return toConnection(deps, caller.actor, { ...target, stored: stored ?? undefined })
  })
}

const stateCharsMax = 512

function stateIn(answer: URLSearchParams): string {
  const [state = '', ...more] = answer.getAll('state')
  if (state === '' || state.length > stateCharsMax || more.length > 0) throw refused('unknown_state')
  return state
}

async function takeFlow({ flows, clock }: ConnectionDeps, id: string): Promise<Flow> {
  const taken = await flows.take(id, clock.now())
  if (taken.state !== 'taken') throw refused(`${taken.state}_state`)
  return taken.flow
}

/** It may be another person's to decide by now, and the server another one. */
function targetOf(deps: ConnectionDeps, actor: Actor, { server, owner }: Flow): Target {
  const target = findTarget(deps, actor, { words: { server, owner: ownerWord(owner) }, right: 'give' })
  // Another one may be called what that one's id was.
  if (target.server.id !== server) throw new GatewayError('no_such_resource')
  return target
}

type Exchange = { flow: Flow; target: Target; state: string; answer: URLSearchParams }

async function exchange(deps: ConnectionDeps, { flow, target, state, answer }: Exchange): Promise<TokenSet> {
  const { account, base } = toAccount(deps, target)
  const { authorizationServer: server, redirectUri, resource } = flow
  const client = await findClient(deps, { serverId: target.server.id, account, server, base })
  const codeVerifier = deps.sealer.open(flow.codeVerifier, flowContext(deps, { id: flow.id, server: target.server }))
  const isSame = client?.clientId === flow.clientId && hostOf(target.server) === flow.host
  if (!isSame || codeVerifier === null) throw refused('client_changed')
  return deps.oauth.finishAuthorization(
    { server, client, timeoutMs: account.timeoutMs },
    { answer, state, codeVerifier, redirectUri, resource },
  )
}

async function keep(
  deps: ConnectionDeps,
  { actor, target, note }: { actor: Actor; target: Target; note: ChangeNote },
  step: (before: StoredCredential | null) => StoredCredential | null,
): Promise<StoredCredential | null> {
  const name = nameOfCredential(target.server.id, target.owner)
  const changed = await changeStored(deps, { actor, name }, step)
  if (changed) note.id = changed.id
  return changed?.credential ?? null
}

function toConnected(
  before: StoredCredential,
  { flow, tokens, now }: { flow: Flow; tokens: TokenSet; now: number },
): StoredCredential {
  const { accessToken, refreshToken, idToken, expiresAt } = tokens
  const { scopesWanted: _asked, ...rest } = before
  return {
    ...rest,
    state: 'connected',
    reason: 'connected',
    stateAt: now,
    secret: {
      kind: 'oauth',
      accessToken,
      refreshToken,
      idToken,
      expiresAt,
      scopes: tokens.scopes ?? flow.scopes,
      issuer: flow.authorizationServer.issuer,
      clientId: flow.clientId,
      resource: flow.resource,
      givenAt: now,
    },
    renewingUntil: null,
  }
}

/** Where something works already, nothing is lost by it. */
function toDeclined(before: StoredCredential | null, now: number): StoredCredential | null {
  if (!before || before.secret !== null) return null
  return { ...before, state: 'needs_attention', reason: 'declined', stateAt: now }
}

function isDeclined(error: unknown): boolean {
  return error instanceof GatewayError && error.details['reason'] === 'access_denied'
}

const refused = (reason: ConnectRefusal | 'wrong_issuer'): GatewayError =>
  new GatewayError('oauth_refused', { details: { reason } })
