/** A Bus over Redis's publish and subscribe, which forgets at once what nobody listens to. */
import { randomUUID } from 'node:crypto'
import { decodeBusMessage, encodeBusMessage } from '#core/bus/bus-message.ts'
import type { Bus, BusListener } from '#core/bus/bus.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { RedisLink } from './redis-link.ts'

/** Messages of this topic were lost before they came to Redis. */
const gapMark = '!'
const owedTopicsMax = 1_000

export function createRedisBus(link: RedisLink): Bus & Disposable {
  return new RedisBus(link)
}

type Topic = { channel: string; listeners: Set<BusListener>; isHeard: boolean; hear: (text: string) => void }

class RedisBus implements Bus, Disposable {
  readonly #link: RedisLink
  readonly #connection: RedisConnection
  readonly #topics = new Map<string, Topic>()
  /** Who publishes: its own listeners are told without Redis. */
  readonly #me = randomUUID()
  /** Where others must be told that they missed something of this replica's. */
  readonly #owed = new Set<string>()
  readonly #forgetUp: () => void

  constructor(link: RedisLink) {
    this.#link = link
    this.#connection = link.connect('toolgate-bus', {
      onUp: () => this.#listenToAll(),
      onDown: () => {
        for (const topic of this.#topics.values()) topic.isHeard = false
      },
    })
    this.#forgetUp = link.onUp(() => void this.#payOwed())
  }

  publish(topic: string, message: Parameters<Bus['publish']>[1]): Promise<boolean> {
    const text = encodeBusMessage(message)
    this.#tell(topic, (listener) => listener.onMessage(decodeBusMessage(text) ?? {}))
    return this.#send(topic, text)
  }

  subscribe(name: string, given: BusListener): () => void {
    const topic = this.#topics.get(name) ?? this.#createTopic(name)
    const listener: BusListener = {
      onMessage: (message) => given.onMessage(message),
      onGap: () => given.onGap(),
    }
    topic.listeners.add(listener)
    if (topic.isHeard) this.#tell(name, (other) => other === listener && listener.onGap())
    else void this.#listen(name, topic)
    return () => {
      topic.listeners.delete(listener)
      if (topic.listeners.size > 0 || this.#topics.get(name) !== topic) return
      this.#topics.delete(name)
      this.#connection.client.unsubscribe(topic.channel, topic.hear).catch(() => undefined)
    }
  }

  #createTopic(name: string): Topic {
    const hear = (text: string): void => this.#hear(name, text)
    const topic = { channel: this.#channelOf(name), listeners: new Set<BusListener>(), isHeard: false, hear }
    this.#topics.set(name, topic)
    return topic
  }

  #channelOf(topic: string): string {
    return `${this.#link.prefix}bus:${topic}`
  }

  #listenToAll(): void {
    for (const [name, topic] of this.#topics) {
      topic.isHeard = false
      void this.#listen(name, topic)
    }
  }

  /** Where it fails the connection is lost; the next one begins anew. */
  async #listen(name: string, topic: Topic): Promise<void> {
    if (!this.#connection.isReady) return
    try {
      await this.#connection.client.subscribe(topic.channel, topic.hear)
    } catch {
      return
    }
    topic.isHeard = true
    this.#tell(name, (listener) => listener.onGap())
  }

  #hear(topic: string, text: string): void {
    const space = text.indexOf(' ')
    if (text.slice(0, space) === this.#me) return
    const body = text.slice(space + 1)
    if (body === gapMark) return this.#tell(topic, (listener) => listener.onGap())
    if (decodeBusMessage(body)) this.#tell(topic, (listener) => listener.onMessage(decodeBusMessage(body) ?? {}))
  }

  #tell(topic: string, task: (listener: BusListener) => void): void {
    const listeners = this.#topics.get(topic)?.listeners
    for (const listener of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(listener)) swallow(() => task(listener))
      })
    }
  }

  async #send(topic: string, body: string): Promise<boolean> {
    try {
      return Number(await this.#link.send(['PUBLISH', this.#channelOf(topic), `${this.#me} ${body}`])) > 0
    } catch {
      if (this.#owed.size < owedTopicsMax) this.#owed.add(topic)
      return false
    }
  }

  async #payOwed(): Promise<void> {
    const topics = [...this.#owed]
    this.#owed.clear()
    await Promise.all(topics.map((topic) => this.#send(topic, gapMark)))
  }

  [Symbol.dispose](): void {
    this.#forgetUp()
    this.#topics.clear()
    this.#connection.close()
  }
}

/** What one listener does wrong must not keep the others from hearing. */
function swallow(task: () => void): void {
  try {
    task()
  } catch {
    // A defect of the listener's.
  }
}
