/**
 * A store whose medium never sees a secret: what resources of `sealedKinds` say is sealed on its way in, for its id alone, and opened on its
 * way out.
 */
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { storeSealed, type Vault } from '#core/vault/vault.ts'
import type { Change, Resource, ResourceChanges, ResourceStore } from './resource-store.ts'
import { isSealedKind, sealedSpecContext, sealedTextOf, toSealedSpec } from './sealed-spec.ts'

/**
 * @throws GatewayError from each reading: `internal` where something was sealed under a key that is not known any more,
 *   `vault_unavailable` where it is under a new one that cannot be had now
 */
export function createSealedStore(inner: ResourceStore, vault: Vault): ResourceStore {
  const openAll = async <Kind extends ResourceKind>(
    resources: readonly Resource<Kind>[],
  ): Promise<Resource<Kind>[]> => {
    if (!resources.every((one) => vault.knows(sealedTextOf(one) ?? ''))) await vault.reload()
    return resources.map((one) => opened(one, vault))
  }
  const openOne = async <Kind extends ResourceKind>(resource: Resource<Kind> | null): Promise<Resource<Kind> | null> =>
    resource && ((await openAll([resource]))[0] ?? null)
  const openChanges = async <Changes extends ResourceChanges>(changes: Changes): Promise<Changes> => ({
    ...changes,
    changed: await openAll(changes.changed),
  })
  return {
    get: async (kind, id) => openOne(await inner.get(kind, id)),
    find: async (kind, name) => openOne(await inner.find(kind, name)),
    list: async (kind, query) => openAll(await inner.list(kind, query)),
    referrers: (kind, id, limit) => inner.referrers(kind, id, limit),
    write: (changes) => storeSealed(vault, () => inner.write(changes.map((change) => sealed(change, vault)))),
    load: async () => openChanges(await inner.load()),
    changesSince: async (number) => openChanges(await inner.changesSince(number)),
    lastChange: () => inner.lastChange(),
    touchTokens: (uses) => inner.touchTokens(uses),
    lastUses: (tokenIds) => inner.lastUses(tokenIds),
  }
}

function sealed(change: Change, vault: Vault): Change {
  if (change.do === 'delete' || !isSealedKind(change.resource.kind)) return change
  const { kind, id, spec } = change.resource
  const text = vault.seal(JSON.stringify(spec), sealedSpecContext(kind, id))
  return { ...change, resource: withSpec(change.resource, toSealedSpec(change.resource, text)) }
}

function opened<Kind extends ResourceKind>(resource: Resource<Kind>, vault: Vault): Resource<Kind> {
  const sealedText = sealedTextOf(resource)
  if (sealedText === null) return resource
  const { kind, id } = resource
  const text = vault.open(sealedText, sealedSpecContext(kind, id))
  if (text === null)
    throw new GatewayError('internal', { details: { reason: `This ${kind} was sealed under another key.`, id } })
  return withSpec(resource, JSON.parse(text))
}

function withSpec<Kind extends ResourceKind>(resource: Resource<Kind>, spec: unknown): Resource<Kind> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- for the medium a spec is any JSON; only what is sealed here is opened here
  return { ...resource, spec: spec as typeof resource.spec }
}
