/**
 * Port: short messages among the replicas of one gateway. Types only.
 *
 * A message comes at most once, and some never come: a bus says *look again*, and what is true is in a store. Of one publisher, the
 * messages of one topic come in the order in which they were published.
 */
import type { JsonObject } from '#core/protocol/json-rpc.ts'

export type BusListener = {
  /** A copy of what was published. What this throws is swallowed. */
  onMessage(message: JsonObject): void
  /**
   * Messages may have been missed: look at what they speak of. Told each time when a subscription begins to hear (again), and when a
   * publisher says that it lost some on the way.
   */
  onGap(): void
}

export interface Bus {
  /**
   * Tells everyone who listens to the topic, on every replica and on this one, where it is told after `publish` has returned.
   *
   * Never rejects. Resolves with whether it was carried to somebody who listens; false also where nobody knows, and where it could be told on
   * this replica only. Waits at most one second.
   * @throws RangeError at once for a message of more than `busMessageCharsMax` characters of JSON
   */
  publish(topic: string, message: JsonObject): Promise<boolean>
  /** @returns ends the subscription */
  subscribe(topic: string, listener: BusListener): () => void
}
