import type { Connection, ConnectionsQuery } from '#contract/connection.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Actor } from '#control/actor.ts'
import type { CredentialOwner, StoredCredential } from '#core/credential/stored-credential.ts'
import type { ServedServer } from '#contract/server.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import { findOwner, findServer, mayDo, ownOwners, targetFor } from './connection-target.ts'
import { toConnection } from './connection-view.ts'
import { reachOf, type Reach } from './owner-reach.ts'

/**
 * One owner's; by default the actor's own, its teams', and the gateway's of servers that the actor may edit; or those of all owners for one server, as far as the actor may see them.
 * @throws GatewayError `no_such_resource`
 */
export async function listConnections(
  deps: ConnectionDeps,
  actor: Actor,
  { owner: word, server: serverWord }: ConnectionsQuery,
): Promise<Connection[]> {
  if (serverWord !== undefined) return listOfServer(deps, actor, serverWord)
  const gateway: CredentialOwner = { kind: 'gateway', ref: '' }
  const owners = word === undefined ? [...ownOwners(deps, actor), gateway] : [ownerCalled(deps, word)]
  const found = owners.flatMap((owner) => {
    const reach = reachOf(deps, owner)
    return deps.servers().flatMap((server) => connectionFor(deps, actor, { server, owner, reach }))
  })
  if (word !== undefined && found.length === 0) throw new GatewayError('no_such_resource')
  return found.toSorted(byName)
}

function ownerCalled(deps: ConnectionDeps, word: string): CredentialOwner {
  const owner = findOwner(deps, word)
  if (!owner) throw new GatewayError('no_such_resource')
  return owner
}

const pageMax = 1_000

async function listOfServer(deps: ConnectionDeps, actor: Actor, word: string): Promise<Connection[]> {
  const server = findServer(deps, word)
  if (!server) throw new GatewayError('no_such_resource')
  const stored = await storedOf(deps, server)
  const known = new Set(stored.map(({ owner }) => owner.ref))
  const others = ownOwners(deps, actor).filter(({ ref }) => !known.has(ref))
  const owners = [...stored.map(({ owner }) => owner), ...others]
  const found = owners.flatMap((owner) => connectionFor(deps, actor, { server, owner }))
  // Whether it is there is told to nobody who has nothing to do with it.
  if (found.length === 0) throw new GatewayError('no_such_resource')
  return found.toSorted(byName)
}

/** Names of what belongs to one server begin alike, so they are beside each other. */
async function storedOf({ store }: ConnectionDeps, { id }: ServedServer): Promise<StoredCredential[]> {
  const all: StoredCredential[] = []
  const prefix = `${id}.`
  for (let after = prefix; ;) {
    const page = await store.list('credential', { limit: pageMax, after })
    const own = page.filter(({ name }) => name.startsWith(prefix))
    all.push(...own.map(({ spec }) => spec).filter(({ secret }) => secret?.kind !== 'client'))
    const last = page.at(-1)
    if (!last || own.length < pageMax) return all
    after = last.name
  }
}

type Asked = { server: ServedServer; owner: CredentialOwner; reach?: Reach }

function connectionFor(deps: ConnectionDeps, actor: Actor, { reach, ...asked }: Asked): Connection[] {
  const target = targetFor(deps, asked, reach)
  return target && mayDo(deps, actor, { target, right: 'view' }) ? [toConnection(deps, actor, target)] : []
}

function byName(one: Connection, other: Connection): number {
  const [left, right] = [one, other].map(({ server, owner }) => `${server.name} ${owner.kind} ${owner.name}`)
  return (left ?? '') < (right ?? '') ? -1 : 1
}
