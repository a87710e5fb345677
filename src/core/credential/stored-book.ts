/** The book over stored resources: read from the snapshot, written over the very version that was seen, and told to every replica. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { ChangeNumber, Resource, ResourceStore } from '#core/resources/resource-store.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { CredentialBook, CredentialEntry } from './credential-book.ts'
import type { StoredCredential } from './stored-credential.ts'

export type StoredBookDeps = {
  store: Pick<ResourceStore, 'find' | 'write'>
  snapshot: Pick<ResourceSnapshot, 'find' | 'all' | 'versionOf'>
  clock: Pick<Clock, 'now'>
  /** Tells the other replicas; resolves when this one's snapshot has it. */
  announce: (upTo: ChangeNumber) => Promise<void>
}

/** Who changes what an owner has given, where it is the gateway. */
const by = 'system'

export class StoredBook implements CredentialBook {
  readonly #deps: StoredBookDeps

  constructor(deps: StoredBookDeps) {
    this.#deps = deps
  }

  get version(): number {
    return this.#deps.snapshot.versionOf('credential')
  }

  find(name: string): CredentialEntry | undefined {
    const resource = this.#deps.snapshot.find('credential', name)
    return resource && toEntry(resource)
  }

  all(): CredentialEntry[] {
    return this.#deps.snapshot.all('credential').map(toEntry)
  }

  async latest(name: string): Promise<CredentialEntry | null> {
    const resource = await this.#deps.store.find('credential', name)
    return resource && toEntry(resource)
  }

  async write(credential: StoredCredential, seen: CredentialEntry): Promise<CredentialEntry | null> {
    const { id, name, version } = seen
    const at = this.#deps.clock.now()
    const meta = { id, name, version, labels: {}, createdAt: at, updatedAt: at, createdBy: by, updatedBy: by }
    const upTo = await this.#tryToWrite({ kind: 'credential', ...meta, spec: credential })
    if (upTo === null) return null
    await this.#deps.announce(upTo)
    return { id, name, version: version + 1, credential }
  }

  /** When and by whom it was made, the store keeps. */
  async #tryToWrite(resource: Resource<'credential'>): Promise<ChangeNumber | null> {
    try {
      return await this.#deps.store.write([{ do: 'update', resource }])
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'version_conflict') return null
      throw error
    }
  }
}

function toEntry({ id, name, version, spec }: Resource<'credential'>): CredentialEntry {
  return { id, name, version, credential: spec }
}
