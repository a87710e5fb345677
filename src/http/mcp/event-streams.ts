/**
 * The event streams of one legacy session, remembered so that a client that lost its connection can take one up again with
 * `Last-Event-ID` (2025-11-25, transports, resumability). Memory per session is bounded; what no longer fits cannot be replayed.
 */
import { messageEvent, primingEvent } from '#core/protocol/sse.ts'

const retryMs = 1_000
const charsMax = 1_048_576
const eventsMax = 512

/** Where an event stands: in which stream, of which replica (null: none was said), after which others. */
export type EventPlace = { isStanding: boolean; stream: number; sequence: number; replica: string | null }

const idForm = /^(s?)(\d{1,9})_(\d{1,9})(?:@([\w-]{1,64}))?$/

/** Null for an id that no replica has given. */
export function parseEventId(eventId: string): EventPlace | null {
  const [id, kind, stream, sequence, replica = null] = idForm.exec(eventId) ?? []
  return id === undefined
    ? null
    : { isStanding: kind === 's', stream: Number(stream), sequence: Number(sequence), replica }
}

/** Who receives the events of a stream after its own connection has gone. */
export type StreamTaker = { write(event: string): void; end(): void }

export class EventStream {
  /** Of no request: it carries what happens outside of them. */
  readonly isStanding: boolean
  readonly #id: number
  readonly #owner: EventStreams
  #sequence = 0
  #kept: { sequence: number; event: string }[] = []
  #taker: StreamTaker | null = null
  #hasEnded = false

  constructor(id: number, owner: EventStreams, isStanding: boolean) {
    this.#id = id
    this.#owner = owner
    this.isStanding = isStanding
  }

  get id(): number {
    return this.#id
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isEmpty(): boolean {
    return this.#kept.length === 0
  }

  /** @param sequence of the event that the client has seen last */
  priming(sequence = 0): string {
    return primingEvent(this.#eventId(sequence), retryMs)
  }

  /** The event's text, with the id it can be resumed from. */
  event(json: string): string {
    const sequence = ++this.#sequence
    const event = messageEvent(json, this.#eventId(sequence))
    this.#kept.push({ sequence, event })
    this.#owner.keep(event.length)
    this.#taker?.write(event)
    return event
  }

  #eventId(sequence: number): string {
    return `${this.isStanding ? 's' : ''}${this.#id}_${sequence}${this.#owner.idEnding}`
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
    this.#owner.ended(this)
  }

  /** What came after `sequence`. */
  replay(sequence: number, write: (event: string) => void): void {
    write(this.priming(sequence))
    for (const kept of this.#kept) if (kept.sequence > sequence) write(kept.event)
  }

  /** Replays what came after `sequence`, then continues with what is still to come. */
  resume(sequence: number, taker: StreamTaker): void {
    this.#taker?.end()
    this.replay(sequence, (event) => taker.write(event))
    if (this.#hasEnded) taker.end()
    else this.#taker = taker
  }

  release(taker: StreamTaker): void {
    if (this.#taker === taker) this.#taker = null
  }

  /** A standing stream is listened on again. */
  revive(): void {
    this.#hasEnded = false
  }
}

export class EventStreams {
  /** Tells ids of this replica from those of the others. */
  readonly idEnding: string
  readonly #replica: string | null
  readonly #streams = new Map<number, EventStream>()
  #standing: EventStream | undefined
  #nextId = 1
  #chars = 0
  #events = 0

  constructor(replica: string | null = null) {
    this.#replica = replica
    this.idEnding = replica === null ? '' : `@${replica}`
  }

  /** Streams that go on or hold something. */
  get size(): number {
    return this.#streams.size
  }

  /** For one request. */
  open(): EventStream {
    return this.#open(false)
  }

  /** For what belongs to no request. There is one: the one before has ended. */
  openStanding(): EventStream {
    const stream = this.#open(true)
    this.stand(stream)
    return stream
  }

  /** Makes a standing stream, new or taken up again, the one that is listened on. */
  stand(stream: EventStream): void {
    const before = this.#standing
    this.#standing = stream
    stream.revive()
    this.#streams.set(stream.id, stream)
    if (before !== stream) before?.end()
  }

  #open(isStanding: boolean): EventStream {
    const stream = new EventStream(this.#nextId++, this, isStanding)
    this.#streams.set(stream.id, stream)
    return stream
  }

  /** @param eventId as the client got it */
  find(eventId: string): { stream: EventStream; sequence: number } | null {
    const place = parseEventId(eventId)
    const stream = place?.replica === this.#replica ? this.#streams.get(place.stream) : undefined
    return place && stream?.isStanding === place.isStanding ? { stream, sequence: place.sequence } : null
  }

  /** Counts a kept event and makes room for it. */
  keep(chars: number): void {
    this.#chars += chars
    this.#events++
    for (const stream of this.#streams.values()) {
      if (!this.#isFull) return
      this.#makeRoom(stream)
    }
  }

  #makeRoom(stream: EventStream): void {
    while (this.#isFull && !stream.isEmpty) {
      this.#chars -= stream.forgetOldest()
      this.#events--
    }
    this.ended(stream)
  }

  /** Forgets a stream that has ended and holds nothing. */
  ended(stream: EventStream): void {
    if (stream.hasEnded && stream.isEmpty) this.#streams.delete(stream.id)
  }

  get #isFull(): boolean {
    return this.#chars > charsMax || this.#events > eventsMax
  }
}
