/** Brings what is sealed under other keys under the current one, while gateways read and write it. */
import { pagesOf } from './pages-of.ts'
import type { SealedEntry, SealedPlace } from './sealed-place.ts'
import { openSealed, storeSealed, type Vault } from './vault.ts'

export type ResealOptions = {
  /** After each transaction, with how many texts it brought over. Whoever else writes gets a turn while it waits. */
  afterEach: (count: number) => Promise<void>
  /** Texts in one transaction. */
  batchMax?: number
}

export type ResealEnd = {
  count: number
  /** Texts that nothing here opens: they were changed, or their key is gone. They stay as they are. */
  unreadable: number
}

const batchMaxDefault = 50

/**
 * One round. What it has done stays done when the process ends in the middle, and who writes meanwhile is never in the way: a text that
 * was changed since it was read is left as it is.
 */
export async function resealAll(
  vault: Vault,
  places: readonly SealedPlace[],
  options: ResealOptions,
): Promise<ResealEnd> {
  const total = { count: 0, unreadable: 0 }
  for (const place of places) {
    const { count, unreadable } = await resealPlace(vault, place, options)
    total.count += count
    total.unreadable += unreadable
  }
  return total
}

async function resealPlace(
  vault: Vault,
  place: SealedPlace,
  { afterEach, batchMax = batchMaxDefault }: ResealOptions,
): Promise<ResealEnd> {
  let [count, unreadable]: [number, number] = [0, 0]
  for await (const entries of pagesOf(place, { limit: batchMax, notUnder: () => vault.keyId })) {
    const opened = await openEach(vault, entries)
    unreadable += entries.length - opened.length
    const replaced = await replaceEach(vault, place, opened)
    count += replaced
    if (replaced > 0) await afterEach(replaced)
  }
  return { count, unreadable }
}

type Opened = { seen: SealedEntry; text: string }

async function openEach(vault: Vault, entries: readonly SealedEntry[]): Promise<Opened[]> {
  const opened: Opened[] = []
  for (const seen of entries) {
    const text = seen.isSealed ? await openSealed(vault, seen.text, seen.context) : seen.text
    if (text !== null) opened.push({ seen, text })
  }
  return opened
}

function replaceEach(vault: Vault, place: SealedPlace, opened: readonly Opened[]): Promise<number> {
  if (opened.length === 0) return Promise.resolve(0)
  return storeSealed(vault, () =>
    place.replace(opened.map(({ seen, text }) => ({ seen, sealed: vault.seal(text, seen.context) }))),
  )
}
