/** Requests to one server of one session, of a harness that has no connection of its own to it. */
import { Bridge } from '#cli/bridge/bridge.ts'
import type { BridgePorts } from '#cli/bridge/bridge-ports.ts'
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, isResponse, toRpcError, type JsonObject, type RpcResponse } from '#core/protocol/json-rpc.ts'
import { modernRevision } from '#core/protocol/revisions.ts'

export type LinkParts = Pick<BridgePorts, 'wire' | 'createEventReader' | 'messageBytesMax' | 'tell'>

/** Nobody can be asked here, so servers are told that nobody can. */
const envelope = {
  'io.modelcontextprotocol/protocolVersion': modernRevision,
  'io.modelcontextprotocol/clientCapabilities': {},
}

export class ServerLink {
  readonly #bridge: Bridge
  readonly #waiting = new Map<number, (response: RpcResponse) => void>()
  #nextId = 1

  constructor(parts: LinkParts) {
    const write = (text: string): void => this.#take(JSON.parse(text))
    this.#bridge = new Bridge({ ...parts, headers: [], output: { isFull: false, write, onDrain: (task) => task() } })
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  /** The response, be it an error. `id` names the request for `cancel`. */
  request(method: string, params: JsonObject): { id: number; response: Promise<RpcResponse> } {
    const id = this.#nextId++
    const { promise, resolve } = Promise.withResolvers<RpcResponse>()
    this.#waiting.set(id, resolve)
    void this.#bridge.take(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope } }))
    return { id, response: promise }
  }

  /** The request is answered at once, as cancelled. */
  cancel(id: number): void {
    void this.#bridge.take(
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }),
    )
    this.#take({ jsonrpc: '2.0', id, error: toRpcError(new GatewayError('request_cancelled')) })
  }

  async close(): Promise<void> {
    for (const id of this.#waiting.keys()) this.cancel(id)
    await this.#bridge.close()
  }

  /** Progress and log messages have nobody to hear them. */
  #take(message: unknown): void {
    if (!isJsonObject(message) || !isResponse(message) || typeof message.id !== 'number') return
    this.#waiting.get(message.id)?.(message)
    this.#waiting.delete(message.id)
  }
}
