/**
 * Many patterns, asked with one text: which of them match. Each pattern is kept under a few letters that every match must contain, the
 * rarest that it has; so of a thousand patterns only a handful are tried. Few patterns are simply tried one by one.
 */
import { matchesWildcard } from './wildcard.ts'

/** Below it an index costs more than it saves. */
const indexedMin = 12
const gramCharsMax = 3

type Entry<Item> = {
  pattern: string
  item: Item
  position: number
  /** When it was last tried: a text can hold its letters twice. */
  triedAt: number
}

export class PatternIndex<Item> {
  /** Those that are tried on every text. */
  readonly #always: Entry<Item>[] = []
  /** By the letters that they need. Two groups of letters may meet in one key: what is found is tried. */
  readonly #byGram = new Map<number, Entry<Item>[]>()
  /** How many letters the keys in use are made of. */
  readonly #gramChars = new Set<number>()
  #now = 0

  constructor(items: readonly Item[], patternOf: (item: Item) => string) {
    const entries = items.map((item, position) => ({ pattern: patternOf(item), item, position, triedAt: 0 }))
    if (entries.length < indexedMin) this.#always = entries
    else this.#build(entries)
  }

  /** Those that match, in the order in which they were given. */
  match(text: string): Item[] {
    const found = this.#always.filter(({ pattern }) => matchesWildcard(pattern, text))
    this.#now++
    for (const chars of this.#gramChars) this.#collect(text, chars, found)
    if (found.length > 1) found.sort((one, other) => one.position - other.position)
    return found.map(({ item }) => item)
  }

  #collect(text: string, chars: number, found: Entry<Item>[]): void {
    for (let at = 0; at + chars <= text.length; at++) {
      const entries = this.#byGram.get(toKey(text, at, chars))
      if (!entries) continue
      for (const entry of entries) {
        if (entry.triedAt === this.#now) continue
        entry.triedAt = this.#now
        if (matchesWildcard(entry.pattern, text)) found.push(entry)
      }
    }
  }

  #build(entries: readonly Entry<Item>[]): void {
    const keyed = entries.map((entry) => ({ entry, ...gramsOf(entry.pattern) }))
    const counts = new Map<number, number>()
    for (const { keys } of keyed) for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    for (const { entry, chars, keys } of keyed) {
      const [rarest] = keys.toSorted((one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0))
      if (rarest === undefined) {
        this.#always.push(entry)
        continue
      }
      this.#gramChars.add(chars)
      const sameKey = this.#byGram.get(rarest)
      if (sameKey) sameKey.push(entry)
      else this.#byGram.set(rarest, [entry])
    }
  }
}

/** All groups of neighbouring letters that a pattern has: of three letters, or of fewer where it has no three in a row. */
function gramsOf(pattern: string): { chars: number; keys: number[] } {
  const runs = pattern.split(/[*?]+/)
  const chars = Math.min(gramCharsMax, Math.max(...runs.map(({ length }) => length)))
  if (chars === 0) return { chars, keys: [] }
  const keys = new Set<number>()
  for (const run of runs) for (let at = 0; at + chars <= run.length; at++) keys.add(toKey(run, at, chars))
  return { chars, keys: [...keys] }
}

/** A small integer, so that maps find it quickly. */
function toKey(text: string, at: number, chars: number): number {
  let key = chars
  for (let index = at; index < at + chars; index++) key = Math.imul(key, 0x9e37) + text.charCodeAt(index)
  return key & 0x3fff_ffff
}
