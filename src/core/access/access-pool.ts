/** Callers who are made of equal parts have one access, so that what is compiled for one, and the lists that are kept by it, serve all. */
import { composeAccess, type Access, type Hash } from './access.ts'
import type { Composition, ServerFacts } from './composition.ts'
import { toFingerprint } from './fingerprint.ts'

/** Below it nobody looks for what has gone. */
const sweptMin = 1_024

/**
 * For one state of the servers: where labels change, or which server is for everyone, a new pool is made. It keeps nothing alive that
 * nobody uses.
 */
export class AccessPool {
  readonly #facts: ServerFacts
  readonly #hash: Hash
  readonly #accesses = new Map<string, WeakRef<Access>>()
  #sweepAt = sweptMin

  constructor({ hash, ...facts }: ServerFacts & { hash: Hash }) {
    this.#facts = facts
    this.#hash = hash
  }

  of(composition: Composition): Access {
    const key = toFingerprint(composition, this.#hash)
    const known = this.#accesses.get(key)?.deref()
    if (known) return known
    const access = composeAccess({ ...composition, ...this.#facts, hash: this.#hash })
    if (this.#accesses.size >= this.#sweepAt) this.#sweep()
    this.#accesses.set(key, new WeakRef(access))
    return access
  }

  #sweep(): void {
    for (const [key, access] of this.#accesses) if (!access.deref()) this.#accesses.delete(key)
    this.#sweepAt = Math.max(sweptMin, 2 * this.#accesses.size)
  }
}
