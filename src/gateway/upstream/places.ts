/** The pool of one upstream. Keyed by two texts that exist already: one text of both would be made, and hashed, for each call. */
import type { PooledSession } from './pooled-session.ts'

/** Who may share a place: an isolation identity, and what its clients declared. */
export type PlaceKey = { owner: string; declared: string }

export class Places {
  readonly #byOwner = new Map<string, Map<string, PooledSession>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get({ owner, declared }: PlaceKey): PooledSession | undefined {
    return this.#byOwner.get(owner)?.get(declared)
  }

  /** The key must be free. */
  add({ owner, declared }: PlaceKey, place: PooledSession): void {
    const own = this.#byOwner.get(owner)
    if (own) own.set(declared, place)
    else this.#byOwner.set(owner, new Map([[declared, place]]))
    this.#size++
  }

  /** Takes out what is not wanted any more, and returns it. */
  dropWhere(isUnwanted: (place: PooledSession) => boolean): PooledSession[] {
    const dropped: PooledSession[] = []
    for (const [owner, own] of this.#byOwner) {
      for (const [declared, place] of own) {
        if (!isUnwanted(place)) continue
        own.delete(declared)
        dropped.push(place)
      }
      if (own.size === 0) this.#byOwner.delete(owner)
    }
    this.#size -= dropped.length
    return dropped
  }

  *[Symbol.iterator](): Iterator<PooledSession> {
    for (const own of this.#byOwner.values()) yield* own.values()
  }
}
