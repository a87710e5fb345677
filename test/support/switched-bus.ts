/** A bus that may be cut off, and says afterwards that there was a gap. */
import type { Bus } from '#core/bus/bus.ts'
import { busMessageCharsMax } from '#core/bus/bus-message.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'

export class SwitchedBus implements Bus {
  readonly published: JsonObject[] = []
  readonly #line: Bus
  readonly #gaps: (() => void)[] = []
  #isAway = false

  constructor(line: Bus) {
    this.#line = line
  }

  publish: Bus['publish'] = (topic, message) => {
    if (JSON.stringify(message).length > busMessageCharsMax) throw new RangeError('too large')
    if (this.#isAway) return Promise.resolve(false)
    this.published.push(message)
    return this.#line.publish(topic, message)
  }

  subscribe: Bus['subscribe'] = (topic, listener) => {
    this.#gaps.push(() => listener.onGap())
    const onMessage = (message: JsonObject): void => {
      if (!this.#isAway) listener.onMessage(message)
    }
    return this.#line.subscribe(topic, { onMessage, onGap: () => listener.onGap() })
  }

  leave(): void {
    this.#isAway = true
  }

  comeBack(): void {
    this.#isAway = false
    for (const gap of this.#gaps) gap()
  }
}
