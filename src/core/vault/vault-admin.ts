/** Port: the keys in the database of an installation, for who stands at its machine. Types only. */
import type { Forgotten } from './forget-lost.ts'
import type { StoredKey } from './key-store.ts'
import type { Rotation, RotationEnd } from './rotate-keys.ts'

export type SealedCount = {
  /** The name of a `SealedPlace`. */
  place: string
  /** Null: sealed before there were data keys, or not at all. */
  keyId: string | null
  count: number
}

export type VaultStatus = {
  /** Unix milliseconds. */
  now: number
  /** The oldest first. */
  keys: readonly StoredKey[]
  counts: readonly SealedCount[]
}

export type RotationWatch = {
  /** @param total of the texts that are under other keys */
  onBegin: (rotation: Rotation, total: number) => void
  /** So many are under the new key by now. */
  onProgress: (count: number) => void
}

export interface VaultAdmin extends AsyncDisposable {
  status(): Promise<VaultStatus>
  /** @throws GatewayError `config_invalid`, `vault_unavailable`, `storage_unavailable`; it can be called again, and goes on then */
  rotate(watch: RotationWatch): Promise<RotationEnd>
  /**
   * The keys that the master keys of this installation do not unwrap.
   * @throws GatewayError `vault_unavailable`: then nothing is known to be lost
   */
  lostKeys(): Promise<StoredKey[]>
  /** Deletes what cannot be opened, and puts a new key in the place of a lost current one. */
  forget(): Promise<Forgotten>
}
