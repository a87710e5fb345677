/** The answers under way. One timer for all of them keeps long silences from being taken for dead connections. */
import { Slots } from '#core/slots.ts'

export interface OpenReply {
  /** Unix time in milliseconds. */
  readonly startedAt: number
  keepAlive(): void
}

const tickMs = 5_000
/** A call that is silent for this long becomes a stream, if it was not one, and is kept alive. */
const silentMs = 15_000

export class OpenReplies {
  readonly #replies = new Slots<OpenReply>()
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #lastTickAt: number

  constructor(now: () => number) {
    this.#now = now
    this.#lastTickAt = now()
    this.#timer = setInterval(() => this.#tick(), tickMs)
    this.#timer.unref()
  }

  get size(): number {
    return this.#replies.size
  }

  /** @returns what takes the reply out again */
  add(reply: OpenReply): () => void {
    const slot = this.#replies.add(reply)
    return () => this.#replies.delete(slot, reply)
  }

  #tick(): void {
    const now = this.#now()
    if (now - this.#lastTickAt < silentMs) return
    this.#lastTickAt = now
    for (const reply of this.#replies) if (now - reply.startedAt >= silentMs) reply.keepAlive()
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
