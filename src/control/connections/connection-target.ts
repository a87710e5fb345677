/** Which connection is meant, and what the actor may do with it. Who may not see it is told that there is none. */
import type { ConnectRefusal } from '#contract/connection.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Actor } from '#control/actor.ts'
import { isAllowed } from '#control/authority.ts'
import { openLink } from '#core/credential/connect-link.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { ServedServer } from '#contract/server.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import { needsOf, ownerKindOf, type Needs } from './connection-needs.ts'
import { reachOf, type Reach } from './owner-reach.ts'

export type TargetWords = {
  /** Name, id or alias. */
  server: string
  /** `user:ann`, `team:blue`, `gateway`; undefined: the actor's own. */
  owner?: string | undefined
  /** What the actor was shown a link with; it says both. */
  link?: string | undefined
}

/** - `view`: its state. `give`: an account, a key, values. `end`: to disconnect. */
export type ConnectionRight = 'view' | 'give' | 'end'

export type Target = {
  server: ServedServer
  owner: CredentialOwner
  /** Of the user or team; empty where it is the gateway. */
  ownerName: string
  needs: Needs
  elicitationId: string | null
}

type Deps = Pick<ConnectionDeps, 'index' | 'servers' | 'sealer' | 'clock'>

/** @throws GatewayError `no_such_resource`, `forbidden` (`other_user`, `link_ended`, or the right that is missing) */
export function findTarget(deps: Deps, actor: Actor, asked: { words: TargetWords; right: ConnectionRight }): Target {
  const { words, right } = asked
  const target = words.link === undefined ? targetOfWords(deps, actor, words) : targetOfLink(deps, words)
  const isLinked = words.link !== undefined
  if (!mayDo(deps, actor, { target, right: 'view' })) throw isLinked ? forbidden('other_user') : noSuch()
  // Who was shown the link was led there by a call, whichever token that came with.
  if (!isLinked && !isReachable(deps, target)) throw noSuch()
  if (!mayDo(deps, actor, { target, right })) throw forbidden(isLinked ? 'other_user' : ownersOnly(target, right))
  return target
}

/** Every owner whose connections are the actor's own to look at. */
export function ownOwners(deps: Deps, { user, token }: Actor): CredentialOwner[] {
  if (token) return [{ ...token.spec.owner }]
  if (!user) return []
  const teams = deps.index.teamsOf(user.id).map(({ id }): CredentialOwner => ({ kind: 'team', ref: id }))
  return [{ kind: 'user', ref: user.id }, ...teams]
}

/**
 * What this owner has to give for this server, or has given; null: nothing, or it may not know of the server.
 * @param reach of this owner
 */
export function targetFor(
  deps: Deps,
  { server, owner }: Pick<Target, 'server' | 'owner'>,
  reach: Reach = reachOf(deps, owner),
): Target | null {
  const target = toTarget(deps, server, owner)
  return target && isReachable(deps, target, reach) ? target : null
}

export function mayDo(
  deps: Deps,
  actor: Actor,
  { target, right }: { target: Target; right: ConnectionRight },
): boolean {
  const { owner, server } = target
  switch (owner.kind) {
    case 'user':
      return mayDoForUser(deps, actor, { user: deps.index.get('user', owner.ref), right })
    case 'team': {
      const resource = deps.index.get('team', owner.ref)
      if (right === 'view' && actor.token?.spec.owner.ref === owner.ref) return true
      return (
        resource !== undefined && isAllowed(deps.index, actor, { role: right === 'view' ? 'view' : 'edit', resource })
      )
    }
    default: {
      const resource = deps.index.get('server', server.id)
      return resource !== undefined && isAllowed(deps.index, actor, { role: 'edit', resource })
    }
  }
}

/** Nobody gives anything in a person's name but that person: its calls would go out as somebody else. */
function mayDoForUser(
  { index }: Deps,
  actor: Actor,
  { user, right }: { user: Resource<'user'> | undefined; right: ConnectionRight },
): boolean {
  if (!user) return false
  if (actor.user?.id === user.id) return true
  if (right === 'view' && actor.token?.spec.owner.ref === user.id) return true
  if (right === 'give' && user.spec.type === 'human') return false
  return isAllowed(index, actor, { role: 'edit', resource: user })
}

/** A link for one server is no key to the page of another. */
function targetOfLink(deps: Deps, { server: word, link = '' }: TargetWords): Target {
  const aim = openLink(deps, link)
  const server = findServer(deps, word)
  const target = aim && server?.id === aim.serverId ? toTarget(deps, server, aim.owner) : null
  if (!aim || !target) throw forbidden('link_ended')
  return { ...target, elicitationId: aim.elicitationId }
}

function targetOfWords(deps: Deps, actor: Actor, { server: word, owner: ownerWord }: TargetWords): Target {
  const server = findServer(deps, word)
  const owner = server && (ownerWord === undefined ? defaultOwner(deps, actor, server) : findOwner(deps, ownerWord))
  const target = server && owner ? toTarget(deps, server, owner) : null
  if (!target) throw noSuch()
  return target
}

/** Null: this owner has nothing to give for this server, or is not there. */
function toTarget(deps: Deps, server: ServedServer, owner: CredentialOwner): Target | null {
  const needs = needsOf(server, owner.kind)
  const ownerName = nameOfOwner(deps, owner)
  return needs && ownerName !== null ? { server, owner, ownerName, needs, elicitationId: null } : null
}

/** An id comes before a name, and a name before an alias. An alias of two is none. */
export function findServer({ servers }: Pick<Deps, 'servers'>, word: string): ServedServer | null {
  const all = servers()
  const called = all.filter(({ aliases }) => aliases.includes(word))
  const [only] = called.length === 1 ? called : []
  return all.find(({ id }) => id === word) ?? all.find(({ name }) => name === word) ?? only ?? null
}

/** @param word `user:ann`; the name or the id */
export function findOwner({ index }: Pick<Deps, 'index'>, word: string): CredentialOwner | null {
  if (word === 'gateway') return { kind: 'gateway', ref: '' }
  const at = word.indexOf(':')
  const [kind, ref] = [word.slice(0, at), word.slice(at + 1)]
  if (kind !== 'user' && kind !== 'team') return null
  const found = index.get(kind, ref) ?? index.find(kind, ref)
  return found ? { kind, ref: found.id } : null
}

/** Of a server that teams connect: the one team that the actor manages. */
function defaultOwner(deps: Deps, actor: Actor, server: ServedServer): CredentialOwner | null {
  const kind = ownerKindOf(server)
  if (kind === 'gateway') return { kind, ref: '' }
  const own = ownOwners(deps, actor)
  const first = own.find((owner) => owner.kind === 'user') ?? null
  if (kind !== 'team') return first
  const teams = own.filter((owner) => owner.kind === 'team')
  const managed = teams.filter(({ ref }) => {
    const team = deps.index.get('team', ref)
    return team !== undefined && isAllowed(deps.index, actor, { role: 'edit', resource: team })
  })
  const [only = null] = managed.length > 0 ? managed : teams
  return managed.length > 1 ? null : only
}

function nameOfOwner({ index }: Deps, { kind, ref }: CredentialOwner): string | null {
  return kind === 'gateway' ? '' : (index.get(kind, ref)?.name ?? null)
}

/** Whether its owner may call anything at all of the server, or has given something for it. */
function isReachable(deps: Deps, { server, owner }: Pick<Target, 'server' | 'owner'>, reach?: Reach): boolean {
  if (deps.index.find('credential', nameOfCredential(server.id, owner))) return true
  return (reach ?? reachOf(deps, owner))(server.name)
}

function ownersOnly({ owner }: Target, right: ConnectionRight): ConnectRefusal {
  return owner.kind === 'user' && right === 'give' ? 'only_the_owner' : 'not_yours'
}

const noSuch = (): GatewayError => new GatewayError('no_such_resource')
const forbidden = (reason: ConnectRefusal): GatewayError => new GatewayError('forbidden', { details: { reason } })
