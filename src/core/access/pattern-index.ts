/**
 * Many patterns, asked with one text: which of them match. A text that matches a pattern contains each of its literal parts, so patterns
 * stand at the end of their longest part in a tree of letters, and only those are tried whose part the text contains.
 */
import { matchesWildcard } from './wildcard.ts'

/** Below it a tree costs more than it saves. */
const treeMin = 8

export class PatternIndex {
  readonly #root = new Letter()
  /** The first letters again, by their codes, for ASCII: most starts lead nowhere, and that is told at once. */
  readonly #first: readonly (Letter | undefined)[]
  /** Those that are tried on every text. */
  readonly #always: Entry[]
  #now = 0

  /** @param patterns each once */
  constructor(patterns: readonly string[]) {
    const entries = patterns.map((pattern) => ({ pattern, triedAt: 0 }))
    this.#always = entries.length < treeMin ? entries : entries.filter((entry) => !this.#plant(entry))
    this.#first = Array.from({ length: 128 }, (_, code) => this.#root.next(code))
  }

  /** Those that match, in no particular order. */
  match(text: string): string[] {
    this.#now++
    const found: string[] = []
    this.#try(this.#always, text, found)
    for (let start = 0; start < text.length; start++) {
      const code = text.charCodeAt(start)
      let letter = code < 128 ? this.#first[code] : this.#root.next(code)
      for (let at = start + 1; letter; at++) {
        if (letter.entries) this.#try(letter.entries, text, found)
        letter = at < text.length ? letter.next(text.charCodeAt(at)) : undefined
      }
    }
    return found
  }

  /** @returns false for a pattern that has no literal part */
  #plant(entry: Entry): boolean {
    const part = longest(entry.pattern.split(/[*?]+/))
    if (part === '') return false
    let letter = this.#root
    for (let at = 0; at < part.length; at++) letter = letter.follow(part.charCodeAt(at))
    ;(letter.entries ??= []).push(entry)
    return true
  }

  /** Each once: a text can contain a part twice. */
  #try(entries: readonly Entry[], text: string, found: string[]): void {
    for (const entry of entries) {
      if (entry.triedAt === this.#now) continue
      entry.triedAt = this.#now
      if (matchesWildcard(entry.pattern, text)) found.push(entry.pattern)
    }
  }
}

/** `triedAt`: for which text it was last tried. */
type Entry = { pattern: string; triedAt: number }

/** Most letters are followed by one other only: that one needs no map. */
class Letter {
  entries: Entry[] | undefined
  #code = -1
  #only: Letter | undefined
  #others: Map<number, Letter> | undefined

  next(code: number): Letter | undefined {
    return code === this.#code ? this.#only : this.#others?.get(code)
  }

  follow(code: number): Letter {
    const known = this.next(code)
    if (known) return known
    const letter = new Letter()
    if (!this.#only) {
      this.#code = code
      this.#only = letter
    } else (this.#others ??= new Map()).set(code, letter)
    return letter
  }
}

function longest(parts: readonly string[]): string {
  return parts.reduce((best, part) => (part.length > best.length ? part : best), '')
}
