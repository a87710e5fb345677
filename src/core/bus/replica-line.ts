/** One replica's end of the line to the others: it sends frames to any of them, and hears what is for itself. */
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { Clock } from '#core/clock.ts'
import type { Bus } from './bus.ts'
import { cut, parseFrame, type Frame, type FrameHead } from './replica-frame.ts'

export type ReplicaLineOptions = {
  bus: Bus
  clock: Pick<Clock, 'now'>
  /** Of this replica, and of no other. */
  id: string
  onFrame(frame: Frame): void
  /** Frames may have been missed. */
  onGap(): void
}

/** After the line was away, others may need so long to hear again, in milliseconds. */
const settleMs = 5_000

export class ReplicaLine {
  readonly #options: ReplicaLineOptions
  readonly #unsubscribe: () => void
  #hasHeard = false
  #backAt = -Infinity

  constructor(options: ReplicaLineOptions) {
    this.#options = options
    this.#unsubscribe = options.bus.subscribe(topicOf(options.id), {
      onMessage: (message) => this.#take(message),
      onGap: () => this.#gap(),
    })
  }

  /**
   * Resolves with whether all of it was carried to somebody.
   * @throws GatewayError `carried_too_large`
   */
  async send(to: string, head: FrameHead, body: JsonObject = {}): Promise<boolean> {
    const { bus, id: from } = this.#options
    const topic = topicOf(to)
    // All at once, so that nothing comes between.
    const carried = await Promise.all(cut(body).map((part) => bus.publish(topic, { ...head, from, ...part })))
    return carried.every(Boolean)
  }

  /** Whether what is said to this replica comes to it. */
  hears(): Promise<boolean> {
    const { bus, id } = this.#options
    return bus.publish(topicOf(id), {})
  }

  /** Where somebody does not hear: whether that can be laid at his door. It cannot while this replica does not hear itself. */
  async isSound(): Promise<boolean> {
    return (await this.hears()) && this.#options.clock.now() - this.#backAt > settleMs
  }

  close(): void {
    this.#unsubscribe()
  }

  #take(message: JsonObject): void {
    const frame = parseFrame(message)
    if (frame) this.#options.onFrame(frame)
  }

  /** The first is the beginning. */
  #gap(): void {
    if (this.#hasHeard) this.#backAt = this.#options.clock.now()
    this.#hasHeard = true
    this.#options.onGap()
  }
}

function topicOf(replica: string): string {
  return `replicas/${replica}`
}
