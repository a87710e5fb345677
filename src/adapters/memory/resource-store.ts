import type { ResourceKind } from '#contract/resource.ts'
import { compareTexts } from '#core/access/rule-order.ts'
import type { PasswordStore, StoredPassword } from '#core/identity/password-store.ts'
import { applyChanges, digestOf, type ResourceTarget, type ResourceTransaction } from '#core/resources/apply-changes.ts'
import { referencesOf } from '#core/resources/references.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import { checkPageLimit, isOfKind } from '#core/resources/resource-query.ts'
import type {
  Change,
  ChangeNumber,
  Resource,
  ResourceChanges,
  ResourceQuery,
  ResourceStore,
} from '#core/resources/resource-store.ts'

type Numbered = ResourceTarget & { number: number }

/** A ResourceStore that ends with the process. It looks at everything it has for each question: a few thousand are no trouble. */
export function createMemoryResourceStore(
  options: { historyMax?: number } = {},
): ResourceStore & { readonly passwords: PasswordStore } {
  return new MemoryResourceStore(options.historyMax ?? 10_000)
}

class MemoryResourceStore implements ResourceStore {
  readonly passwords: PasswordStore = { get: async (userId) => structuredClone(this.#passwords.get(userId) ?? null) }
  readonly #historyMax: number
  readonly #history: Numbered[] = []
  readonly #uses = new Map<string, number>()
  #stored: ReadonlyMap<string, Resource> = new Map()
  #passwords: ReadonlyMap<string, StoredPassword> = new Map()
  #last = 0
  #writing: Promise<unknown> = Promise.resolve()

  constructor(historyMax: number) {
    this.#historyMax = historyMax
  }

  async get<Kind extends ResourceKind>(kind: Kind, id: string): Promise<Resource<Kind> | null> {
    return copyOfKind(kind, this.#stored.get(id))
  }

  async find<Kind extends ResourceKind>(kind: Kind, name: string): Promise<Resource<Kind> | null> {
    return copyOfKind(
      kind,
      [...this.#stored.values()].find((one) => one.kind === kind && one.name === name),
    )
  }

  async list<Kind extends ResourceKind>(kind: Kind, query: ResourceQuery): Promise<Resource<Kind>[]> {
    checkPageLimit(query.limit)
    const found = [...this.#stored.values()].filter((one) => isOfKind(kind, one)).filter((one) => isAsked(one, query))
    const ordered = found.toSorted((one, other) => compareTexts(one.name, other.name))
    return structuredClone(ordered.slice(0, query.limit))
  }

  async referrers(kind: ResourceKind, id: string, limit: number) {
    checkPageLimit(limit)
    return [...this.#stored.values()]
      .filter((one) => names(one, { kind, id }))
      .toSorted((one, other) => compareTexts(one.kind, other.kind) || compareTexts(one.name, other.name))
      .slice(0, limit)
      .map(({ kind, id, name }) => ({ kind, id, name }))
  }

  write(changes: readonly Change[]): Promise<ChangeNumber> {
    const written = this.#writing.then(() => this.#write(structuredClone(changes)))
    this.#writing = written.catch(() => undefined)
    return written
  }

  async load(): Promise<ResourceChanges> {
    return { changed: structuredClone([...this.#stored.values()]), deleted: [], upTo: this.#last }
  }

  async changesSince(number: ChangeNumber): Promise<ResourceChanges & { isWhole: boolean }> {
    const forgotten = this.#last - this.#history.length
    if (number > this.#last || number < forgotten) return { ...(await this.load()), isWhole: true }
    const since = this.#history.filter((one) => one.number > number)
    const targets = new Map(since.map(({ kind, id }) => [id, { kind, id }]))
    const changed = [...targets.keys()].flatMap((id) => this.#stored.get(id) ?? [])
    const deleted = [...targets.values()].filter(({ id }) => !this.#stored.has(id))
    return { changed: structuredClone(changed), deleted, upTo: this.#last, isWhole: false }
  }

  async lastChange(): Promise<ChangeNumber> {
    return this.#last
  }

  async touchTokens(uses: ReadonlyMap<string, number>): Promise<void> {
    for (const [id, at] of uses)
      if (isDeclaredId(id) || this.#stored.has(id)) this.#uses.set(id, Math.max(at, this.#uses.get(id) ?? at))
  }

  async lastUses(tokenIds: readonly string[]): Promise<Map<string, number>> {
    return new Map(tokenIds.flatMap((id) => toEntry(id, this.#uses.get(id))))
  }

  async #write(changes: readonly Change[]): Promise<ChangeNumber> {
    const [staged, passwords] = [new Map(this.#stored), new Map(this.#passwords)]
    const done = await applyChanges(changes, createTransaction(staged, passwords))
    this.#stored = staged
    this.#passwords = passwords
    for (const target of done) this.#history.push({ ...target, number: ++this.#last })
    this.#history.splice(0, this.#history.length - this.#historyMax)
    for (const { id } of done) if (!staged.has(id)) this.#uses.delete(id)
    return this.#last
  }
}

function createTransaction(staged: Map<string, Resource>, passwords: Map<string, StoredPassword>): ResourceTransaction {
  return {
    async get(id) {
      return staged.get(id) ?? null
    },
    async findHolders({ id, kind, name, digest }) {
      return [...staged.values()].filter(
        (one) =>
          one.id === id || (one.kind === kind && one.name === name) || (digest !== null && digestOf(one) === digest),
      )
    },
    async findKinds(ids) {
      return new Map(ids.flatMap((id) => toEntry(id, staged.get(id)?.kind)))
    },
    async findReferrers(targets) {
      const wanted = new Map(targets.map((target) => [`${target.kind} ${target.id}`, target]))
      return [...staged.values()].flatMap((one) =>
        referencesOf(one).flatMap(({ kind, id, path }) => {
          const to = wanted.get(`${kind} ${id}`)
          return to ? [{ kind: one.kind, id: one.id, path, to }] : []
        }),
      )
    },
    async insert(resource) {
      staged.set(resource.id, resource)
    },
    async replace(resource) {
      staged.set(resource.id, resource)
    },
    async remove(targets) {
      for (const { id } of targets) {
        staged.delete(id)
        passwords.delete(id)
      }
    },
    async putPassword(userId, password) {
      passwords.set(userId, password)
    },
  }
}

function copyOfKind<Kind extends ResourceKind>(kind: Kind, resource: Resource | undefined): Resource<Kind> | null {
  return resource !== undefined && isOfKind(kind, resource) ? structuredClone(resource) : null
}

function isAsked({ name, labels }: Resource, query: ResourceQuery): boolean {
  if (query.after !== undefined && compareTexts(name, query.after) <= 0) return false
  if (query.names && !query.names.has(name)) return false
  return Object.entries(query.labels ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)
}

function names(resource: Resource, { kind, id }: ResourceTarget): boolean {
  return referencesOf(resource).some((reference) => reference.kind === kind && reference.id === id)
}

function toEntry<Value>(key: string, value: Value | undefined): [string, Value][] {
  return value === undefined ? [] : [[key, value]]
}
