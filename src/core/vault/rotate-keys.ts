/** A new data key in the place of the old ones. */
import type { KeyRing } from './key-ring.ts'
import type { KeyStore } from './key-store.ts'
import { resealAll, type ResealOptions } from './reseal.ts'
import type { SealedPlace } from './sealed-place.ts'
import type { Vault } from './vault.ts'

export type RotationDeps = {
  store: KeyStore
  ring: Pick<KeyRing, 'replace'>
  vault: Vault
  places: readonly SealedPlace[]
}

export type Rotation = {
  keyId: string
  /** It goes on with one that ended in the middle, and has made no key of its own. */
  isResumed: boolean
}

export type RotationEnd = {
  resealed: number
  /** Keys that nothing needs any more. */
  deleted: readonly string[]
  /** Keys that something is still under, which cannot be opened. */
  kept: readonly string[]
  unreadable: number
}

/**
 * Makes the new key. From then on all that is written is sealed under it, by each gateway as soon as it learns of it.
 * @throws GatewayError `vault_unavailable`, `storage_unavailable`; nothing is changed
 */
export async function beginRotation({ store, ring, vault }: RotationDeps): Promise<Rotation> {
  const isResumed = (await store.list()).some(({ retiredAt }) => retiredAt !== null)
  if (!isResumed) await ring.replace()
  return { keyId: vault.keyId, isResumed }
}

/** A gateway that writes without end under an old key is overtaken: as soon as that key is deleted, it takes the new one. */
const roundsMax = 20

/** Brings everything under the new key, and deletes the old ones. To be called again when it ended in the middle. */
export async function finishRotation(deps: RotationDeps, options: ResealOptions): Promise<RotationEnd> {
  const { vault, places, store } = deps
  const deleted: string[] = []
  let resealed = 0
  for (let round = 1; ; round++) {
    const { count, unreadable } = await resealAll(vault, places, options)
    resealed += count
    const retired = await retiredOf(store)
    for (const id of retired) if (await store.delete(id)) deleted.push(id)
    const kept = retired.filter((id) => !deleted.includes(id))
    // Where nothing was left to do, what still holds a key is what cannot be opened.
    if (kept.length === 0 || (count === 0 && unreadable > 0) || round === roundsMax)
      return { resealed, deleted, kept, unreadable }
  }
}

async function retiredOf(store: KeyStore): Promise<string[]> {
  return (await store.list()).filter(({ retiredAt }) => retiredAt !== null).map(({ id }) => id)
}
