/** What is shown of a connection: its state and what it takes, and nothing that was given. */
import type { Connection } from '#contract/connection.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Actor } from '#control/actor.ts'
import { connectPath } from '#core/credential/connect-link.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import type { Needs } from './connection-needs.ts'
import { mayDo, type Target } from './connection-target.ts'
import { knownCredential, usableHere } from './stored-connection.ts'

/** How long a person has at the authorization server. */
export const flowMs = 600_000

/** @param target `stored` is what is there; by default what this process knows of */
export function toConnection(
  deps: ConnectionDeps,
  actor: Actor,
  target: Target & { stored?: StoredCredential | undefined },
): Connection {
  const { server, owner, ownerName, needs } = target
  const { id, name, description = null } = server
  const stored = usableHere(server, target.stored ?? knownCredential(deps, { serverId: id, owner }))
  const { expiresAt, scopes } = grantOf(needs, stored)
  const give = mayDo(deps, actor, { target, right: 'give' })
  return {
    server: { id, name, description },
    owner: { kind: owner.kind, id: owner.ref, name: ownerName },
    kind: kindOf(needs),
    ...stateOf(needs, stored, deps.clock.now()),
    expiresAt,
    scopes,
    keyParts: needs.key?.parts ?? [],
    variables: needs.variables.map(({ name: variable, description: text = null, isRequired }) => ({
      name: variable,
      description: text,
      isRequired,
      isSet: isGiven(stored, variable),
    })),
    helpUrl: needs.key?.helpUrl ?? null,
    sentTo: give ? hostOf(server) : null,
    connectUrl: toUrl(deps, target),
    may: { give, end: mayDo(deps, actor, { target, right: 'end' }) },
  }
}

function grantOf({ account }: Needs, stored: StoredCredential | null): Pick<Connection, 'expiresAt' | 'scopes'> {
  if (!account || stored?.secret?.kind !== 'oauth') return { expiresAt: null, scopes: null }
  const { expiresAt, scopes } = stored.secret
  return { expiresAt, scopes }
}

function kindOf({ account, key }: Needs): Connection['kind'] {
  if (account) return 'account'
  return key ? 'key' : 'variables'
}

type State = Pick<Connection, 'state' | 'reason' | 'since'>

function stateOf(needs: Needs, stored: StoredCredential | null, now: number): State {
  if (!stored) return { state: 'missing', reason: null, since: null }
  const { state, reason, stateAt: since } = stored
  if (state === 'revoked') return { state, reason, since }
  if (!hasSecret(needs, stored)) return withoutSecret(stored, now)
  const isLacking = needs.variables.some(({ name, isRequired }) => isRequired && !isGiven(stored, name))
  return isLacking ? { state: 'missing', reason: 'variables_missing', since } : { state, reason, since }
}

/** Whether what was given is of the kind that the server's definition asks for by now. */
function hasSecret({ account, key }: Needs, { secret }: StoredCredential): boolean {
  if (account) return secret?.kind === 'oauth'
  return !key || (secret?.kind === 'key' && key.parts.every((part) => secret.parts[part] !== undefined))
}

function withoutSecret({ state, reason, stateAt: since }: StoredCredential, now: number): State {
  if (state !== 'connecting')
    return state === 'needs_attention' ? { state, reason, since } : { state: 'missing', reason: null, since }
  return now < since + flowMs ? { state, reason, since } : { state: 'missing', reason: 'abandoned', since }
}

function isGiven(stored: StoredCredential | null, name: string): boolean {
  return stored !== null && Object.hasOwn(stored.variables, name)
}

/** No more of the address: the rest can hold what is secret. */
export function hostOf({ transport }: ServedServer): string | null {
  return transport.kind === 'stdio' ? null : new URL(transport.url).host
}

function toUrl({ baseUrl }: ConnectionDeps, { server, owner }: Target): string | null {
  const base = baseUrl()
  return base === null ? null : `${base}${connectPath(server)}?owner=${encodeURIComponent(ownerWord(owner))}`
}

export function ownerWord({ kind, ref }: Target['owner']): string {
  return kind === 'gateway' ? kind : `${kind}:${ref}`
}
