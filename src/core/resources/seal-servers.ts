/** A store whose medium never sees a server's secrets: what a server says is sealed on its way in, for its id alone, and opened on its way out. */
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { Change, Resource, ResourceChanges, ResourceStore } from './resource-store.ts'

/** @throws GatewayError `internal`, from each reading, where a server was sealed under a key that is not known any more */
export function createSealedStore(inner: ResourceStore, sealer: Sealer): ResourceStore {
  const open = <Kind extends ResourceKind>(resource: Resource<Kind>): Resource<Kind> => opened(resource, sealer)
  const openAll = <Changes extends ResourceChanges>(changes: Changes): Changes => ({
    ...changes,
    changed: changes.changed.map(open),
  })
  return {
    async get(kind, id) {
      const resource = await inner.get(kind, id)
      return resource && open(resource)
    },
    async find(kind, name) {
      const resource = await inner.find(kind, name)
      return resource && open(resource)
    },
    list: async (kind, query) => (await inner.list(kind, query)).map(open),
    referrers: (kind, id, limit) => inner.referrers(kind, id, limit),
    write: (changes) => inner.write(changes.map((change) => sealed(change, sealer))),
    load: async () => openAll(await inner.load()),
    changesSince: async (number) => openAll(await inner.changesSince(number)),
    lastChange: () => inner.lastChange(),
    touchTokens: (uses) => inner.touchTokens(uses),
    lastUses: (tokenIds) => inner.lastUses(tokenIds),
  }
}

function sealed(change: Change, sealer: Sealer): Change {
  if (change.do === 'delete' || change.resource.kind !== 'server') return change
  const { resource } = change
  const spec: unknown = { sealed: sealer.seal(JSON.stringify(resource.spec), contextOf(resource.id)) }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- for the medium a spec is text; only `opened` reads this one
  return { ...change, resource: { ...resource, spec: spec as typeof resource.spec } }
}

function opened<Kind extends ResourceKind>(resource: Resource<Kind>, sealer: Sealer): Resource<Kind> {
  const { kind, id } = resource
  const spec: unknown = resource.spec
  if (kind !== 'server' || !isJsonObject(spec) || typeof spec['sealed'] !== 'string') return resource
  const text = sealer.open(spec['sealed'], contextOf(id))
  if (text === null)
    throw new GatewayError('internal', { details: { reason: 'A server’s secrets were sealed under another key.', id } })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `sealed` wrote it
  return { ...resource, spec: JSON.parse(text) as typeof resource.spec }
}

function contextOf(id: string): string {
  return `server ${id}`
}
