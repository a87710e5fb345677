/** The ids of the questions that the gateway asks the client. */
import { isJsonObject, isRequestId, type JsonObject, type RequestId } from '#core/protocol/json-rpc.ts'

/**
 * A session that replaces a lost one counts its questions from the start. The client must not see two questions of one id, and
 * its answer to a question of the lost session must not be taken for the answer to another one: so later sessions' ids are changed.
 */
export class QuestionIds {
  #session = 0
  readonly #open = new Map<RequestId, RequestId>()

  /** Questions that are still open belong to nobody any more. */
  startSession(): void {
    this.#session++
    this.#open.clear()
  }

  /** A message of the gateway as the client may have it. `text` is the message as it came. */
  toClient(text: string, message: unknown): string {
    if (!isJsonObject(message)) return text
    const { id, method, params } = message
    if (isRequestId(id) && typeof method === 'string') {
      const own = this.#toOwn(id)
      this.#open.set(own, id)
      return own === id ? text : JSON.stringify({ ...message, id: own })
    }
    if (method !== 'notifications/cancelled' || !isJsonObject(params) || !isRequestId(params['requestId'])) return text
    const own = this.#toOwn(params['requestId'])
    this.#open.delete(own)
    return own === params['requestId'] ? text : JSON.stringify({ ...message, params: { ...params, requestId: own } })
  }

  /** The client's answer as the gateway knows the question; null where there is none, or none any more. */
  toGateway(text: string, answer: JsonObject): string | null {
    const { id } = answer
    const asked = isRequestId(id) ? this.#open.get(id) : undefined
    if (!isRequestId(id) || asked === undefined) return null
    this.#open.delete(id)
    return asked === id ? text : JSON.stringify({ ...answer, id: asked })
  }

  /** The first session's ids are left as they are. */
  #toOwn(id: RequestId): RequestId {
    return this.#session <= 1 ? id : `${this.#session}:${id}`
  }
}
