/** What a client has set up in its session: a session that replaces a lost one must be given the same. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'

const subscriptionsMax = 1_000

export class SessionMemory {
  #level: JsonObject | null = null
  readonly #subscriptions = new Map<string, JsonObject>()

  /** To be told of each request that the client sends. */
  remember(message: JsonObject): void {
    const { method, params } = message
    if (!isJsonObject(params)) return
    if (method === 'logging/setLevel') this.#level = message
    const { uri } = params
    if (typeof uri !== 'string') return
    if (method === 'resources/subscribe' && this.#subscriptions.size < subscriptionsMax) {
      this.#subscriptions.set(uri, message)
    }
    if (method === 'resources/unsubscribe') this.#subscriptions.delete(uri)
  }

  forget(): void {
    this.#level = null
    this.#subscriptions.clear()
  }

  /** The requests that bring a new session to where the old one was, in order. Their ids are the client's. */
  requests(): JsonObject[] {
    return [...(this.#level ? [this.#level] : []), ...this.#subscriptions.values()]
  }
}
