/**
 * Every resource in memory, as this replica knows it: what calls are decided from, so that no database stands on their path.
 *
 * What the configuration declares is laid over what is stored: of two of one name the declared one is found by it.
 */
import type { ResourceKind } from '#contract/resource.ts'
import type { Subject } from '#contract/role-binding.ts'
import { compareTexts } from '#core/access/rule-order.ts'
import type { ResourceIndex } from './resource-index.ts'
import type { Resource, ResourceChanges, SpecOf } from './resource-store.ts'
import { TokenIndex } from './token-index.ts'

/** One kind's resources of one source. */
class Shelf {
  readonly byId = new Map<string, Resource>()
  readonly byName = new Map<string, Resource>()
}

export class ResourceSnapshot implements ResourceIndex {
  readonly #stored = new Map<ResourceKind, Shelf>()
  #declared = new Map<ResourceKind, Shelf>()
  #version = 0
  readonly #versions = new Map<ResourceKind, number>()
  readonly #tokens = new TokenIndex()
  readonly #teamsByUser = new Index<Resource<'team'>>(({ spec }) => spec.members.map(({ user }) => user))
  readonly #serversByWord = new Index<Resource<'server'>>(({ name, spec }) => [name, ...spec.aliases])
  readonly #bindingsBySubject = new Index<Resource<'role_binding'>>(({ spec }) =>
    spec.subjects.map(({ kind, ref }) => subjectKey(kind, ref)),
  )

  /** Rises with each change: what was concluded from all of it is good for one version. */
  get version(): number {
    return this.#version
  }

  /** The same for one kind alone. */
  versionOf(kind: ResourceKind): number {
    return this.#versions.get(kind) ?? 0
  }

  get<Kind extends ResourceKind>(kind: Kind, id: string): Resource<Kind> | undefined {
    return ofKind(kind, this.#declared.get(kind)?.byId.get(id) ?? this.#stored.get(kind)?.byId.get(id))
  }

  find<Kind extends ResourceKind>(kind: Kind, name: string): Resource<Kind> | undefined {
    return ofKind(kind, this.#declared.get(kind)?.byName.get(name) ?? this.#stored.get(kind)?.byName.get(name))
  }

  /** Each name once; what is declared comes first. */
  all<Kind extends ResourceKind>(kind: Kind): Resource<Kind>[] {
    const byName = new Map(this.#declared.get(kind)?.byName)
    for (const [name, resource] of this.#stored.get(kind)?.byName ?? [])
      if (!byName.has(name)) byName.set(name, resource)
    return [...byName.values()].flatMap((resource) => ofKind(kind, resource) ?? [])
  }

  serversCalled(word: string): readonly Resource<'server'>[] {
    // What is stored under a name that is declared is hidden by it.
    return this.#serversByWord.of(word).filter((server) => this.find('server', server.name) === server)
  }

  declared<Kind extends ResourceKind>(kind: Kind): readonly Resource<Kind>[] {
    const resources = [...(this.#declared.get(kind)?.byName.values() ?? [])]
    return resources
      .flatMap((resource) => ofKind(kind, resource) ?? [])
      .toSorted((one, other) => compareTexts(one.name, other.name))
  }

  /** @param digest lower-case hex SHA-256 of the whole bearer */
  tokenByDigest(digest: string): Resource<'token'> | undefined {
    return this.#tokens.withDigest(digest)
  }

  tokensReplacedBy(id: string): readonly Resource<'token'>[] {
    return this.#tokens.replacedBy(id)
  }

  tokenCountOf(owner: SpecOf['token']['owner']): number {
    return this.#tokens.countOf(owner)
  }

  tokensOf(owner: SpecOf['token']['owner']): Iterable<Resource<'token'>> {
    return this.#tokens.ofOwner(owner)
  }

  teamsOf(userId: string): readonly Resource<'team'>[] {
    return this.#teamsByUser.of(userId)
  }

  roleBindingsOf(kind: Subject['kind'], id: string): readonly Resource<'role_binding'>[] {
    return this.#bindingsBySubject.of(subjectKey(kind, id))
  }

  /** Takes what has changed in the store; `isWhole` says that what is not named is gone. */
  apply({ changed, deleted, isWhole }: Omit<ResourceChanges, 'upTo'> & { isWhole: boolean }): void {
    if (isWhole || changed.length + deleted.length > 0) this.#version++
    if (isWhole) this.#forgetAllBut(new Set(changed.map(({ id }) => id)))
    for (const { kind, id } of deleted) this.#remove(this.#stored, kind, id)
    for (const resource of changed) this.#put(this.#stored, resource)
  }

  /** Replaces all that the configuration declares. */
  declare(resources: readonly Resource[]): void {
    this.#version++
    for (const [kind, { byId }] of this.#declared) for (const id of byId.keys()) this.#remove(this.#declared, kind, id)
    this.#declared = new Map()
    for (const resource of resources) this.#put(this.#declared, resource)
  }

  #forgetAllBut(kept: ReadonlySet<string>): void {
    for (const [kind, { byId }] of this.#stored)
      for (const id of byId.keys()) if (!kept.has(id)) this.#remove(this.#stored, kind, id)
  }

  #put(shelves: Map<ResourceKind, Shelf>, resource: Resource): void {
    this.#remove(shelves, resource.kind, resource.id)
    this.#touch(resource.kind)
    let shelf = shelves.get(resource.kind)
    if (!shelf) shelves.set(resource.kind, (shelf = new Shelf()))
    shelf.byId.set(resource.id, resource)
    shelf.byName.set(resource.name, resource)
    if (resource.kind === 'token') this.#tokens.add(resource)
    else if (resource.kind === 'team') this.#teamsByUser.add(resource)
    else if (resource.kind === 'server') this.#serversByWord.add(resource)
    else if (resource.kind === 'role_binding') this.#bindingsBySubject.add(resource)
  }

  #remove(shelves: Map<ResourceKind, Shelf>, kind: ResourceKind, id: string): void {
    const shelf = shelves.get(kind)
    const known = shelf?.byId.get(id)
    if (!shelf || !known) return
    this.#touch(kind)
    shelf.byId.delete(id)
    if (shelf.byName.get(known.name) === known) shelf.byName.delete(known.name)
    if (known.kind === 'team') this.#teamsByUser.delete(known)
    else if (known.kind === 'server') this.#serversByWord.delete(known)
    else if (known.kind === 'role_binding') this.#bindingsBySubject.delete(known)
    else if (known.kind === 'token') this.#tokens.delete(known)
  }

  #touch(kind: ResourceKind): void {
    this.#versions.set(kind, this.versionOf(kind) + 1)
  }
}

function subjectKey(kind: Subject['kind'], id: string): string {
  return `${kind} ${id}`
}

/** A shelf holds one kind: the look costs nothing and saves an assertion. */
function ofKind<Kind extends ResourceKind>(kind: Kind, resource: Resource | undefined): Resource<Kind> | undefined {
  return resource !== undefined && isOfKind(kind, resource) ? resource : undefined
}

function isOfKind<Kind extends ResourceKind>(
  kind: Kind,
  resource: { kind: ResourceKind },
): resource is Resource & Resource<Kind> {
  return resource.kind === kind
}

/** Resources by the ids that they name. */
class Index<Item extends Resource> {
  readonly #keysOf: (item: Item) => readonly string[]
  readonly #items = new Map<string, Item[]>()

  constructor(keysOf: (item: Item) => readonly string[]) {
    this.#keysOf = keysOf
  }

  of(key: string): readonly Item[] {
    return this.#items.get(key) ?? []
  }

  add(item: Item): void {
    for (const key of new Set(this.#keysOf(item))) this.#items.set(key, [...this.of(key), item])
  }

  delete(item: Item): void {
    for (const key of this.#keysOf(item)) {
      const rest = this.of(key).filter((other) => other !== item)
      if (rest.length > 0) this.#items.set(key, rest)
      else this.#items.delete(key)
    }
  }
}
