/** Port: what owners have given for servers, of all replicas. Types only. */
import type { CredentialOwner, StoredCredential } from './stored-credential.ts'

export type CredentialEntry = {
  id: string
  /** See `credential-name.ts`. */
  name: string
  /** Rises by one with each change; a writer names the one it has seen. */
  version: number
  credential: StoredCredential
}

export interface CredentialBook {
  /** Rises with each change that this process knows of: what was concluded from `find` is good for one version. */
  readonly version: number
  /** As this process knows it: at once, and a moment late. */
  find(name: string): CredentialEntry | undefined
  /** All that this process knows of. */
  all(): Iterable<CredentialEntry>
  /**
   * As it is stored.
   * @throws GatewayError `storage_unavailable`
   */
  latest(name: string): Promise<CredentialEntry | null>
  /**
   * In place of what was seen, and told to every replica.
   * @returns null: what is stored is not what was seen, so nothing was written
   * @throws GatewayError `storage_unavailable`, `dangling_reference` (its server or its owner is gone)
   */
  write(credential: StoredCredential, seen: CredentialEntry): Promise<CredentialEntry | null>
}

/** Whose credential, for which server. */
export type CredentialPlace = { serverId: string; owner: CredentialOwner }
