/** Questions of one key that are under way: who asks meanwhile gets the same answer. */
export class SharedAsks<Answer> {
  readonly #running = new Map<string, Promise<Answer>>()

  /** @param ask told whether its answer still counts: false once the key was forgotten meanwhile */
  run(key: string, ask: (isCurrent: () => boolean) => Promise<Answer>): Promise<Answer> {
    const running = this.#running.get(key)
    if (running) return running
    const isCurrent = (): boolean => this.#running.get(key) === mine
    const mine: Promise<Answer> = ask(isCurrent).finally(() => {
      if (isCurrent()) this.#running.delete(key)
    })
    this.#running.set(key, mine)
    return mine
  }

  /** Who asks from now on asks anew. */
  forget(key: string): void {
    this.#running.delete(key)
  }
}
