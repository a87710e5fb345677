/** Keeps a legacy upstream's subscriptions equal to what is wished. One request at a time, so that the last wish wins. */
export class ResourceSubscriptions {
  readonly #send: (method: 'resources/subscribe' | 'resources/unsubscribe', uri: string) => Promise<unknown>
  readonly #held = new Set<string>()
  #wished: ReadonlySet<string> = new Set()
  #isWorking = false

  constructor(send: (method: 'resources/subscribe' | 'resources/unsubscribe', uri: string) => Promise<unknown>) {
    this.#send = send
  }

  set(uris: readonly string[]): void {
    this.#wished = new Set(uris)
    if (!this.#isWorking) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    for (let step = this.#nextStep(); step; step = this.#nextStep()) {
      // Marked before it is sent: an upstream that refuses is not asked for ever.
      if (step.method === 'resources/subscribe') this.#held.add(step.uri)
      else this.#held.delete(step.uri)
      await this.#send(step.method, step.uri).catch(() => undefined)
    }
    this.#isWorking = false
  }

  #nextStep(): { method: 'resources/subscribe' | 'resources/unsubscribe'; uri: string } | undefined {
    for (const uri of this.#wished) if (!this.#held.has(uri)) return { method: 'resources/subscribe', uri }
    for (const uri of this.#held) if (!this.#wished.has(uri)) return { method: 'resources/unsubscribe', uri }
    return undefined
  }
}
