import type { SealedEntry, SealedPlace } from './sealed-place.ts'

/**
 * All that is sealed in a place, a page at a time.
 * @param notUnder asked for each page: see SealedQuery
 */
export async function* pagesOf(
  place: Pick<SealedPlace, 'list'>,
  { limit, notUnder }: { limit: number; notUnder: () => string },
): AsyncGenerator<SealedEntry[]> {
  let after: string | null = null
  do {
    const entries: SealedEntry[] = await place.list({ notUnder: notUnder(), after, limit })
    yield entries
    after = entries.length < limit ? null : (entries.at(-1)?.id ?? null)
  } while (after !== null)
}
