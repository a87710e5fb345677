/**
 * When tokens were used last, as this process knows it: noted at each use, stored seldom, so that a token that is busy writes no more than
 * one that is not. What is kept is bounded by how many tokens there are: only a bearer that was found good is noted.
 */
export class TokenUses {
  readonly #spacingMs: number
  /** Not stored yet. Times here are Unix milliseconds. */
  readonly #noted = new Map<string, number>()
  /** When the token was stored, as long as that is too short a time ago for it to be stored again. */
  readonly #storedAt = new Map<string, number>()

  /** @param spacingMs how long after it was stored a token is stored again */
  constructor(spacingMs: number) {
    this.#spacingMs = spacingMs
  }

  /** Runs for each call. @param tokenId empty where it was no token that was used */
  note(tokenId: string, at: number): void {
    if (tokenId !== '') this.#noted.set(tokenId, at)
  }

  /** What is to be stored now, by token id. */
  due(now: number): Map<string, number> {
    for (const [id, at] of this.#storedAt) if (now - at >= this.#spacingMs) this.#storedAt.delete(id)
    return new Map([...this.#noted].filter(([id]) => !this.#storedAt.has(id)))
  }

  /** All that is not stored, due or not: for the end. */
  rest(): ReadonlyMap<string, number> {
    return this.#noted
  }

  stored(uses: ReadonlyMap<string, number>, now: number): void {
    for (const [id, at] of uses) {
      this.#storedAt.set(id, now)
      // It may have been used again meanwhile.
      if (this.#noted.get(id) === at) this.#noted.delete(id)
    }
  }
}
