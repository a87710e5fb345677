/** What is left to do when a master key is lost: to go on without what only it could open. */
import type { KeyStore } from './key-store.ts'
import { pagesOf } from './pages-of.ts'
import type { SealedEntry, SealedPlace } from './sealed-place.ts'
import { openSealed, type Vault } from './vault.ts'

export type ForgottenText = { place: string; id: string }

export type Forgotten = {
  deleted: readonly ForgottenText[]
  /** Something that stays still needs them. */
  kept: readonly ForgottenText[]
  /** Keys that nothing needs any more. */
  keys: readonly string[]
}

type ForgettingDeps = { store: KeyStore; vault: Vault; places: readonly SealedPlace[] }

const pageMax = 100

/** Deletes what cannot be opened, and the keys that nothing is under then. What is under an older key that opens is not touched. */
export async function forgetUnreadable({ store, vault, places }: ForgettingDeps): Promise<Forgotten> {
  const deleted: ForgottenText[] = []
  const kept: ForgottenText[] = []
  for (const place of places) {
    const unreadable = (await unreadableIn(vault, place)).map(({ id }) => id)
    const needed = await forgetEach(place, unreadable)
    const toText = (id: string): ForgottenText => ({ place: place.name, id })
    deleted.push(...unreadable.filter((id) => !needed.has(id)).map(toText))
    kept.push(...[...needed].map(toText))
  }
  const keys: string[] = []
  for (const { id, retiredAt } of await store.list()) if (retiredAt !== null && (await store.delete(id))) keys.push(id)
  return { deleted, kept, keys }
}

/** @returns those that something still needs which stays. One that goes as well may need another: that one goes in the next round. */
async function forgetEach(place: SealedPlace, ids: readonly string[]): Promise<Set<string>> {
  const waiting = new Set(ids)
  for (let before = Infinity; waiting.size < before;) {
    before = waiting.size
    for (const id of waiting) if (await place.forget(id)) waiting.delete(id)
  }
  return waiting
}

async function unreadableIn(vault: Vault, place: SealedPlace): Promise<SealedEntry[]> {
  const unreadable: SealedEntry[] = []
  for await (const entries of pagesOf(place, { limit: pageMax, notUnder: () => '' }))
    for (const entry of entries)
      if (entry.isSealed && (await openSealed(vault, entry.text, entry.context)) === null) unreadable.push(entry)
  return unreadable
}
