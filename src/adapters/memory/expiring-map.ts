/** A Map whose entries end by themselves. Those that have ended are cleared away as the map grows, so that no timer is needed. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, { value: Value; until: number }>()
  readonly #now: () => number
  readonly #entriesMax: number
  #clearAt: number

  /** @param options.entriesMax beyond it the oldest entries go */
  constructor(options: { now: () => number; entriesMax?: number }) {
    this.#now = options.now
    this.#entriesMax = options.entriesMax ?? Infinity
    this.#clearAt = Math.min(clearAtMin, this.#entriesMax)
  }

  get(key: string): Value | undefined {
    return this.#live(key)?.value
  }

  /** Unix time in milliseconds; 0 for what is not there. */
  untilOf(key: string): number {
    return this.#live(key)?.until ?? 0
  }

  set(key: string, value: Value, until: number): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, until })
    if (this.#entries.size >= this.#clearAt) this.#clear()
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
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
    // A tenth at once: going through them all for each new one would be paid for each time.
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.#entriesMax * 0.9) break
      this.#entries.delete(key)
    }
    this.#clearAt = Math.min(this.#entriesMax, Math.max(clearAtMin, this.#entries.size * 2))
  }
}

const clearAtMin = 1_000
