/**
 * The event streams of one legacy session, remembered so that a client that lost its connection can take one up again with
 * `Last-Event-ID` (2025-11-25, transports, resumability). Memory per session is bounded; what no longer fits cannot be replayed.
 */
import { messageEvent, primingEvent } from '#core/protocol/sse.ts'

const retryMs = 1_000
const bytesMax = 1_048_576
const eventsMax = 512

/** Who receives the events of a stream after its own connection has gone. */
export type StreamTaker = { write(event: string): void; end(): void }

export class EventStream {
  readonly #id: number
  readonly #owner: EventStreams
  #sequence = 0
  #kept: { sequence: number; event: string }[] = []
  #taker: StreamTaker | null = null
  #hasEnded = false

  constructor(id: number, owner: EventStreams) {
    this.#id = id
    this.#owner = owner
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  priming(): string {
    return primingEvent(`${this.#id}_0`, retryMs)
  }

  /** The event's text, with the id it can be resumed from. */
  event(json: string): string {
    const sequence = ++this.#sequence
    const event = messageEvent(json, `${this.#id}_${sequence}`)
    this.#kept.push({ sequence, event })
    this.#owner.keep(event.length)
    this.#taker?.write(event)
    return event
  }

  /** Drops the oldest event; returns its size. */
  forgetOldest(): number {
    return this.#kept.shift()?.event.length ?? 0
  }

  /** The answer has been written; it stays until the session needs the room. */
  end(): void {
    this.#hasEnded = true
    this.#taker?.end()
    this.#taker = null
  }

  /** Replays what came after `sequence`, then continues with what is still to come. */
  resume(sequence: number, taker: StreamTaker): void {
    this.#taker?.end()
    for (const kept of this.#kept) if (kept.sequence > sequence) taker.write(kept.event)
    if (this.#hasEnded) taker.end()
    else this.#taker = taker
  }

  release(taker: StreamTaker): void {
    if (this.#taker === taker) this.#taker = null
  }
}

export class EventStreams {
  readonly #streams = new Map<number, EventStream>()
  #nextId = 1
  #bytes = 0
  #events = 0

  open(): EventStream {
    const stream = new EventStream(this.#nextId, this)
    this.#streams.set(this.#nextId++, stream)
    return stream
  }

  /** @param eventId as the client got it */
  find(eventId: string): { stream: EventStream; sequence: number } | null {
    const match = /^(\d{1,9})_(\d{1,9})$/.exec(eventId)
    const stream = match ? this.#streams.get(Number(match[1])) : undefined
    return stream ? { stream, sequence: Number(match?.[2]) } : null
  }

  /** Counts a kept event and makes room for it. */
  keep(bytes: number): void {
    this.#bytes += bytes
    this.#events++
    for (const [id, stream] of this.#streams) {
      while (this.#isFull) {
        const freed = stream.forgetOldest()
        if (freed === 0) break
        this.#bytes -= freed
        this.#events--
      }
      if (!this.#isFull) return
      if (stream.hasEnded) this.#streams.delete(id)
    }
  }

  get #isFull(): boolean {
    return this.#bytes > bytesMax || this.#events > eventsMax
  }
}
