/** Stored credentials in memory, as several replicas would share them. */
import type { CredentialBook, CredentialEntry } from '#core/credential/credential-book.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import type { StoredCredential, StoredGrant } from '#core/credential/stored-credential.ts'

export class MemoryCredentialBook implements CredentialBook {
  readonly #entries = new Map<string, CredentialEntry>()
  version = 0
  /** Writes that were not refused, in their order. */
  readonly written: StoredCredential[] = []
  /** What reading or writing throws now, if anything. */
  failure: { reads?: Error | undefined; writes?: Error | undefined } = {}
  /** Runs before the next write is looked at: what another replica does meanwhile. */
  meanwhile: (() => void) | undefined

  find(name: string): CredentialEntry | undefined {
    return this.#entries.get(name)
  }

  all(): CredentialEntry[] {
    return [...this.#entries.values()]
  }

  async latest(name: string): Promise<CredentialEntry | null> {
    await Promise.resolve()
    if (this.failure.reads) throw this.failure.reads
    return this.#entries.get(name) ?? null
  }

  async write(credential: StoredCredential, seen: CredentialEntry): Promise<CredentialEntry | null> {
    await Promise.resolve()
    if (this.failure.writes) throw this.failure.writes
    const { meanwhile } = this
    this.meanwhile = undefined
    meanwhile?.()
    if (this.find(seen.name)?.version !== seen.version) return null
    this.written.push(credential)
    return this.put(credential, seen.name)
  }

  /** As if somebody had stored it. */
  put(credential: StoredCredential, name = nameOfCredential(credential.server, credential.owner)): CredentialEntry {
    const entry = { id: `crd_${name}`, name, version: (this.find(name)?.version ?? 0) + 1, credential }
    this.#entries.set(name, entry)
    this.version++
    return entry
  }

  remove(name: string): void {
    this.#entries.delete(name)
    this.version++
  }
}

/** Ann's, for the server `srv_files`, unless told otherwise. */
export function storedCredential(differs: Partial<StoredCredential> = {}): StoredCredential {
  return {
    server: 'srv_files',
    owner: { kind: 'user', ref: 'usr_ann' },
    state: 'connected',
    reason: 'connected',
    stateAt: 1_000_000,
    secret: null,
    variables: {},
    renewingUntil: null,
    ...differs,
  }
}

export function storedGrant(differs: Partial<StoredGrant> = {}): StoredGrant {
  return {
    kind: 'oauth',
    accessToken: 'access-0',
    refreshToken: 'refresh-0',
    idToken: null,
    expiresAt: 1_000_000 + 3_600_000,
    scopes: null,
    issuer: 'https://as.example',
    clientId: 'gateway',
    resource: null,
    ...differs,
  }
}
