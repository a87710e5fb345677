/**
 * Stands between a client that only speaks stdio and a gateway's endpoint: an MCP server over stdio on one side, a client over
 * Streamable HTTP on the other. It relays and does not answer for anybody; each message tells its own era.
 */
import { GatewayError } from '#contract/errors.ts'
import { claimedRevision } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  isRequest,
  isRequestId,
  kindOf,
  toRpcError,
  type JsonObject,
  type RequestId,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { describeError, errorText } from './bridge-failure.ts'
import type { BridgePorts } from './bridge-ports.ts'
import { LegacyRequest } from './legacy-request.ts'
import { LegacySession } from './legacy-session.ts'
import { ModernRequest } from './modern-request.ts'
import { ToolHeaders } from './tool-headers.ts'

const requestsMax = 1_000

export class Bridge {
  readonly #ports: BridgePorts
  readonly #session: LegacySession
  readonly #tools = new ToolHeaders()
  readonly #legacy = new Map<RequestId, LegacyRequest>()
  readonly #modern = new Map<RequestId, ModernRequest>()
  #onIdle: () => void = () => undefined

  constructor(ports: BridgePorts) {
    this.#ports = ports
    this.#session = new LegacySession(ports)
  }

  /** Takes one line of the client's. Resolves when the next one may be taken: what has to be first is first at the gateway too. */
  async take(line: string): Promise<void> {
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch {
      return this.#refuse(null, new GatewayError('parse_error'))
    }
    if (Array.isArray(message)) return this.#takeBatch(line, message)
    switch (kindOf(message)) {
      case 'request':
        return isRequest(message) ? this.#takeRequest(line, message) : undefined
      case 'notification':
        return isJsonObject(message) ? this.#takeNote(line, message) : undefined
      case 'response':
        return isJsonObject(message) ? this.#takeAnswer(line, message) : undefined
      case 'invalid': {
        const id = isJsonObject(message) ? message['id'] : null
        return this.#refuse(isRequestId(id) ? id : null, new GatewayError('invalid_request'))
      }
    }
  }

  /** Resolves when every request has been answered. What listens without end is ended. */
  async settle(): Promise<void> {
    for (const request of this.#modern.values()) if (request.isListening) request.drop()
    if (this.#legacy.size + this.#modern.size === 0) return
    await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  /** Drops what is under way and ends the session. */
  async close(): Promise<void> {
    for (const [id, request] of this.#legacy) request.drop(id)
    for (const request of this.#modern.values()) request.drop()
    await this.#session.close()
  }

  async #takeRequest(text: string, message: RpcRequest): Promise<void> {
    const { id, method } = message
    if (this.#legacy.has(id) || this.#modern.has(id)) {
      return this.#refuse(id, new GatewayError('invalid_request', { details: { reason: 'this id is in use' } }))
    }
    if (this.#legacy.size + this.#modern.size >= requestsMax) {
      return this.#refuse(id, new GatewayError('rate_limited', { details: { requestsMax } }))
    }
    const revision = claimedRevision(message.params)
    if (revision !== undefined) return this.#startModern(text, message, revision)
    if (method === 'initialize') return this.#initialize(text, message)
    this.#session.memory.remember(message)
    this.#startLegacy(text, [id])
  }

  #startModern(text: string, message: RpcRequest, revision: string): void {
    const done = (): void => {
      this.#modern.delete(message.id)
      this.#checkIdle()
    }
    const request = new ModernRequest({ ports: this.#ports, tools: this.#tools, text, message, revision, done })
    this.#modern.set(message.id, request)
    request.start()
  }

  #startLegacy(text: string, ids: readonly RequestId[]): void {
    const done = (): void => {
      for (const id of ids) this.#legacy.delete(id)
      this.#checkIdle()
    }
    const request = new LegacyRequest({ ports: this.#ports, session: this.#session, text, ids, done })
    for (const id of ids) this.#legacy.set(id, request)
    request.start()
  }

  async #initialize(text: string, message: RpcRequest): Promise<void> {
    const opened = await this.#session.open(text, message)
    if ('text' in opened) return this.#ports.output.write(opened.text)
    this.#ports.tell(describeError(opened.error))
    this.#ports.output.write(errorText(message.id, opened.error))
  }

  /** 2025-03-26 has batches. What answers what is between the client and the gateway. */
  async #takeBatch(text: string, messages: readonly unknown[]): Promise<void> {
    const ids = messages.flatMap((message) => (isRequest(message) ? [message.id] : []))
    const isUnusable = messages.length === 0 || ids.length > requestsMax
    if (isUnusable || ids.some((id) => this.#legacy.has(id))) {
      return this.#refuse(null, new GatewayError('invalid_request'))
    }
    if (ids.length > 0) this.#startLegacy(text, ids)
    else await this.#say(text, {})
  }

  async #takeNote(text: string, message: JsonObject): Promise<void> {
    const { method, params } = message
    if (method !== 'notifications/cancelled' || !isJsonObject(params) || !isRequestId(params['requestId'])) {
      // Modern clients have no other notification, and over HTTP not even that one.
      return isJsonObject(params) && claimedRevision(params) !== undefined ? undefined : this.#say(text, message)
    }
    const { requestId } = params
    const modern = this.#modern.get(requestId)
    if (modern) return modern.drop()
    if (this.#legacy.has(requestId)) await this.#say(text, message)
    // After the gateway knows: a mere lost connection does not cancel.
    this.#legacy.get(requestId)?.drop(requestId)
  }

  async #takeAnswer(text: string, message: JsonObject): Promise<void> {
    const own = this.#session.questions.toGateway(text, message)
    if (own !== null) await this.#say(own, {})
  }

  async #say(text: string, message: JsonObject): Promise<void> {
    const failure = await this.#session.say(text, message)
    if (failure) this.#ports.tell(describeError(failure))
  }

  #refuse(id: RequestId | null, error: GatewayError): void {
    this.#ports.output.write(errorText(id, toRpcError(error)))
  }

  #checkIdle(): void {
    if (this.#legacy.size + this.#modern.size === 0) this.#onIdle()
  }
}
