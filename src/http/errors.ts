/** The one place that turns a failure into HTTP and JSON-RPC. */
import type { ServerResponse } from 'node:http'
import type { ErrorCode, GatewayError } from '#contract/errors.ts'
import { toRpcError, type RequestId, type RpcResponse } from '#core/protocol/json-rpc.ts'
import type { Era } from '#core/protocol/revisions.ts'

/** Failures that modern MCP wants seen in the status as well (2026-07-28, streamable-http); all others are answers like any other. */
const modernStatuses: Readonly<Record<number, number>> = { [-32601]: 404, [-32020]: 400, [-32021]: 400, [-32022]: 400 }

/** The JSON-RPC response for a failure of a request that was accepted as one. */
export function toRpcFailure(id: RequestId | null, error: GatewayError, requestId: string): RpcResponse {
  return { jsonrpc: '2.0', id, error: withRequestId(error, requestId) }
}

function withRequestId(error: GatewayError, requestId: string) {
  const failure = toRpcError(error)
  // These two are the specification's own: their data is what it says and no more.
  if (error.code === 'unsupported_protocol_version' || error.code === 'missing_client_capability') {
    return { ...failure, data: error.details }
  }
  return { ...failure, data: { ...failure.data, requestId } }
}

export function statusOfAnswer(era: Era, rpcCode: number): number {
  return era === 'modern' ? (modernStatuses[rpcCode] ?? 200) : 200
}

const worthRetrying: ReadonlySet<ErrorCode> = new Set(['rate_limited', 'too_many_sessions', 'storage_unavailable'])

/** A failure before any request was accepted: HTTP says it, and the body says it to JSON-RPC clients. */
export function sendFailure(
  res: ServerResponse,
  error: GatewayError,
  context: { requestId: string; id?: RequestId | null },
): void {
  if (res.headersSent || res.destroyed) {
    res.destroy()
    return
  }
  const body = JSON.stringify(toRpcFailure(context.id ?? null, error, context.requestId))
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  if (error.code === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="toolgate", error="invalid_token"'
  if (worthRetrying.has(error.code)) headers['retry-after'] = 1
  if (error.code === 'method_not_allowed') headers['allow'] = 'GET, POST, DELETE'
  // The rest of an unread body must not be taken for the next request.
  if (error.code === 'body_too_large' || error.code === 'body_timeout') headers['connection'] = 'close'
  res.writeHead(error.status, headers)
  res.end(body)
}
