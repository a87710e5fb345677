/** JSON-RPC 2.0 messages as MCP uses them. We relay: only what the gateway must understand is typed. */
import type { GatewayError } from '#contract/errors.ts'

export type JsonObject = { [key: string]: unknown }
export type RequestId = string | number
export type RpcRequest = { jsonrpc: '2.0'; id: RequestId; method: string; params?: JsonObject }
export type RpcNotification = { jsonrpc: '2.0'; method: string; params?: JsonObject }
export type RpcError = { code: number; message: string; data?: unknown }
export type RpcResponse = { jsonrpc: '2.0'; id: RequestId | null } & Outcome
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

/** How a request ended, without the id: what one wire answers is the same thing that the other wire is told. */
export type Outcome = { result: JsonObject } | { error: RpcError }

/** What one side asks the other, without the id: how it ended is an Outcome. */
export type Question = {
  method: string
  params: JsonObject | undefined
  /** Takes the other side's progress while the question is open, with the token that is in `params`. Absent where nobody is to hear it. */
  progressed?: (note: RpcNotification) => void
}

export type MessageKind = 'request' | 'notification' | 'response' | 'invalid'

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A number that a reader of JSON would round could come back as another request's id. */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER)
}

/** Checks the envelope by hand: a schema library costs more here than the whole call. */
export function kindOf(message: unknown): MessageKind {
  if (!isJsonObject(message) || message['jsonrpc'] !== '2.0') return 'invalid'
  if (typeof message['method'] === 'string') return kindOfMethodMessage(message)
  if (!isRequestId(message['id']) && message['id'] !== null) return 'invalid'
  if (isJsonObject(message['result'])) return 'response'
  return isRpcError(message['error']) ? 'response' : 'invalid'
}

function kindOfMethodMessage(message: JsonObject): MessageKind {
  const params = message['params']
  if (params !== undefined && !isJsonObject(params)) return 'invalid'
  if (!('id' in message)) return 'notification'
  return isRequestId(message['id']) ? 'request' : 'invalid'
}

function isRpcError(value: unknown): value is RpcError {
  return isJsonObject(value) && Number.isInteger(value['code']) && typeof value['message'] === 'string'
}

export function isRequest(message: unknown): message is RpcRequest {
  return kindOf(message) === 'request'
}

export function isNotification(message: unknown): message is RpcNotification {
  return kindOf(message) === 'notification'
}

export function isResponse(message: unknown): message is RpcResponse {
  return kindOf(message) === 'response'
}

/** A response without its id; undefined for what is no response. A result counts before an error that stands beside it. */
export function toOutcome(message: unknown): Outcome | undefined {
  if (!isResponse(message)) return undefined
  if ('result' in message && isJsonObject(message.result)) return { result: message.result }
  if (!('error' in message)) return undefined
  const { code, message: words, data } = message.error
  return { error: data === undefined ? { code, message: words } : { code, message: words, data } }
}

/** The id as JSON text. Numbers, which most clients send, need no serialiser. */
export function idText(id: RequestId): string {
  return typeof id === 'number' ? String(id) : JSON.stringify(id)
}

/** A request as JSON text, of an id that is text already. To serialise the envelope as well would cost a third more. */
export function requestText(id: string, method: string, params: JsonObject | undefined): string {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${methodText(method)}`
  return params === undefined ? `${head}}` : `${head},"params":${JSON.stringify(params)}}`
}

/** Any other is written with what JSON escapes. */
function methodText(method: string): string {
  return method === 'tools/call' ? '"tools/call"' : JSON.stringify(method)
}

export function toResponse(id: RequestId | null, outcome: Outcome): RpcResponse {
  return { jsonrpc: '2.0', id, ...outcome }
}

/** The error member for a failure: catalogue words, the stable code, and details that are safe for the wire. */
export function toRpcError(error: GatewayError): RpcError & { data: JsonObject } {
  const data = { code: error.code, ...(error.isRetryable ? { retryable: true } : {}), ...error.details }
  return { code: error.rpcCode, message: error.message, data }
}
