/** The bridge's own words, where the gateway has none. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, toRpcError, type RequestId, type RpcError } from '#core/protocol/json-rpc.ts'

/** Why an exchange failed, from the wire's point of view, in words for a person. */
const reasons: Readonly<Record<string, string>> = {
  upstream_unreachable: 'nothing answers at its address',
  upstream_closed: 'the connection was lost before the answer',
  upstream_timeout: 'it did not answer in time',
  upstream_too_large: 'its answer is too large',
}

export function unreachable(reason: string): RpcError {
  return toRpcError(new GatewayError('gateway_unreachable', { details: { reason } }))
}

export function reasonOf(error: GatewayError): string {
  return reasons[error.code] ?? 'it does not answer as HTTP'
}

export function refusedWith(status: number): RpcError {
  return unreachable(status < 400 ? `it redirects (HTTP ${status})` : `it answered with HTTP ${status}`)
}

export function errorText(id: RequestId | null, error: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}

/** For the client's log of this server. */
export function describeError({ message, data }: RpcError): string {
  const reason = isJsonObject(data) ? data['reason'] : undefined
  return typeof reason === 'string' ? `${message} (${reason})` : message
}
