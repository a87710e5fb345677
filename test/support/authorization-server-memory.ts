/** What the authorization server of tests keeps: all of it, where the package's own forgets after a thousand entries. */
import type { Adapter, AdapterPayload } from 'oidc-provider'

type Entry = { payload: AdapterPayload; endsAt: number }

/** One for each kind of thing; `storage` is what they share. */
export function memoryAdapters(): (kind: string) => Adapter {
  const storage = new Map<string, Entry>()
  return (kind) => new MemoryAdapter(kind, storage)
}

class MemoryAdapter implements Adapter {
  readonly #kind: string
  readonly #storage: Map<string, Entry>

  constructor(kind: string, storage: Map<string, Entry>) {
    this.#kind = kind
    this.#storage = storage
  }

  upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const endsAt = expiresIn ? Date.now() + expiresIn * 1_000 : Number.POSITIVE_INFINITY
    this.#storage.set(this.#key(id), { payload, endsAt })
    return Promise.resolve()
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.#good(this.#storage.get(this.#key(id))))
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const entries = this.#own().map(([, entry]) => this.#good(entry))
    return Promise.resolve(entries.find((payload) => payload?.uid === uid))
  }

  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  consume(id: string): Promise<void> {
    const entry = this.#storage.get(this.#key(id))
    if (entry) entry.payload['consumed'] = Math.floor(Date.now() / 1_000)
    return Promise.resolve()
  }

  destroy(id: string): Promise<void> {
    this.#storage.delete(this.#key(id))
    return Promise.resolve()
  }

  revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.#own()) if (payload.grantId === grantId) this.#storage.delete(key)
    return Promise.resolve()
  }

  #key(id: string): string {
    return `${this.#kind}:${id}`
  }

  #own(): [string, Entry][] {
    return [...this.#storage].filter(([key]) => key.startsWith(`${this.#kind}:`))
  }

  #good(entry: Entry | undefined): AdapterPayload | undefined {
    return entry !== undefined && entry.endsAt > Date.now() ? entry.payload : undefined
  }
}
