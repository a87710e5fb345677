/** Several upstream sessions, or a busy server, say the same within moments: clients are told once. */
import type { Clock } from '#core/clock.ts'
import type { ListKind } from '#gateway/upstream/peer.ts'

const gatherMs = 50

export class GatheredChanges {
  readonly #clock: Clock
  readonly #tell: (server: string, kind: ListKind) => void
  readonly #waiting = new Map<string, () => void>()

  constructor(clock: Clock, tell: (server: string, kind: ListKind) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  add(server: string, kind: ListKind): void {
    const key = `${server} ${kind}`
    if (this.#waiting.has(key)) return
    const cancel = this.#clock.after(gatherMs, () => {
      this.#waiting.delete(key)
      this.#tell(server, kind)
    })
    this.#waiting.set(key, cancel)
  }

  close(): void {
    for (const cancel of this.#waiting.values()) cancel()
  }
}
