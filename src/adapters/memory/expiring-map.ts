/** A Map whose entries end by themselves. Those that have ended are cleared away as the map grows, so that no timer is needed. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, { value: Value; until: number }>()
  readonly #now: () => number
  #clearAt = clearAtMin

  constructor({ now }: { now: () => number }) {
    this.#now = now
  }

  get(key: string): Value | undefined {
    return this.#live(key)?.value
  }

  /** Unix time in milliseconds; 0 for what is not there. */
  untilOf(key: string): number {
    return this.#live(key)?.until ?? 0
  }

  set(key: string, value: Value, until: number): void {
    this.#entries.set(key, { value, until })
    if (this.#entries.size >= this.#clearAt) this.#clear()
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  #live(key: string): { value: Value; until: number } | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.until > this.#now() ? entry : undefined
  }

  #clear(): void {
    const now = this.#now()
    for (const [key, { until }] of this.#entries) if (until <= now) this.#entries.delete(key)
    this.#clearAt = Math.max(clearAtMin, this.#entries.size * 2)
  }
}

const clearAtMin = 1_000
