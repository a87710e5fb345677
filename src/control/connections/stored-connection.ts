/** Reads and changes what is stored of one owner for one server. */
import { GatewayError } from '#contract/errors.ts'
import { commit } from '#control/commit.ts'
import type { Actor } from '#control/actor.ts'
import type { ServedServer } from '#contract/server.ts'
import { givenFor, originOf } from '#core/credential/given-for.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { CredentialOwner, StoredCredential } from '#core/credential/stored-credential.ts'
import { idPrefixes } from '#core/resources/resource-ids.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { ConnectionDeps } from './connection-deps.ts'

export type Place = { serverId: string; owner: CredentialOwner }

type Step = (before: StoredCredential | null) => StoredCredential | null

/** What renews it writes as well, so it is read again, this often. */
const attemptsMax = 5

/**
 * @param name of `credential-name.ts`
 * @param step gets what is stored at that moment; null: there is nothing to do. It may be asked several times
 * @returns what is stored then, and its id; null: nothing was done
 * @throws GatewayError `storage_unavailable`, `version_conflict`, `dangling_reference`
 */
export async function changeStored(
  deps: ConnectionDeps,
  { actor, name }: { actor: Actor; name: string },
  step: Step,
): Promise<{ id: string; credential: StoredCredential } | null> {
  for (let attempt = 1; ; attempt++) {
    const change = await toChange(deps, { actor, name }, step)
    if (!change) return null
    try {
      await commit(deps, [change.change])
      return change
    } catch (error) {
      if (attempt >= attemptsMax || !isOvertaken(error)) throw error
    }
  }
}

async function toChange(
  deps: ConnectionDeps,
  { actor, name }: { actor: Actor; name: string },
  step: Step,
): Promise<{ id: string; credential: StoredCredential; change: Change } | null> {
  const seen = await deps.store.find('credential', name)
  const credential = step(seen?.spec ?? null)
  if (!credential) return null
  if (!seen) {
    const resource = newStored(deps, actor, { name, credential })
    return { id: resource.id, credential, change: { do: 'create', resource } }
  }
  const resource = { ...seen, updatedAt: deps.clock.now(), updatedBy: actor.id, spec: credential }
  return { id: seen.id, credential, change: { do: 'update', resource } }
}

function newStored(
  { clock, newId }: ConnectionDeps,
  actor: Actor,
  { name, credential }: { name: string; credential: StoredCredential },
): Resource<'credential'> {
  const at = clock.now()
  const who = { createdAt: at, updatedAt: at, createdBy: actor.id, updatedBy: actor.id }
  return {
    kind: 'credential',
    id: newId(idPrefixes.credential),
    name,
    labels: {},
    version: 1,
    ...who,
    spec: credential,
  }
}

function isOvertaken(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'version_conflict' || error.code === 'already_exists')
}

/** As this process knows it. */
export function knownCredential(
  { index }: Pick<ConnectionDeps, 'index'>,
  { serverId, owner }: Place,
): StoredCredential | null {
  return index.find('credential', nameOfCredential(serverId, owner))?.spec ?? null
}

/** Of an owner who has given nothing yet. */
export function emptyCredential({ serverId, owner }: Place, now: number): StoredCredential {
  return {
    server: serverId,
    owner,
    state: 'connecting',
    reason: 'began',
    stateAt: now,
    secret: null,
    variables: {},
    renewingUntil: null,
  }
}

/** Null where it was given for another address. */
export function usableHere({ transport }: ServedServer, stored: StoredCredential | null): StoredCredential | null {
  return transport.kind === 'stdio' ? stored : (givenFor(transport.url, stored) ?? null)
}

export function givenHere({ transport }: ServedServer, credential: StoredCredential): StoredCredential {
  return transport.kind === 'stdio' ? credential : { ...credential, origin: originOf(transport.url) }
}
