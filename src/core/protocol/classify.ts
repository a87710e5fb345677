/** Tells the era of what a client sent (2026-07-28, basic/versioning): a claim in the envelope is modern, all else legacy. */
import { GatewayError } from '#contract/errors.ts'
import { claimedRevision, clientCapabilitiesKey, metaOf } from './envelope.ts'
import { isJsonObject, type RpcNotification, type RpcRequest } from './json-rpc.ts'
import { checkMirrorHeaders, mismatch, single, type HeaderLookup } from './mcp-headers.ts'
import { modernRevision, type Era } from './revisions.ts'

/**
 * @param headers of the HTTP request, or null on a channel, which has none
 * @throws GatewayError `header_mismatch`, `unsupported_protocol_version` or `invalid_params`
 */
export function eraOfMessage(message: RpcRequest | RpcNotification, headers: HeaderLookup | null): Era {
  const claim = claimedRevision(message.params)
  const header = headers === null ? undefined : single(headers, 'mcp-protocol-version')?.trim()
  if (claim === undefined) return eraWithoutClaim(message, header)
  if (headers !== null) {
    if (header === undefined) throw mismatch('MCP-Protocol-Version is missing')
    if (header !== claim) throw mismatch('MCP-Protocol-Version differs from the body')
  }
  if (claim !== modernRevision) throw unsupportedRevision(claim)
  if (!isJsonObject(metaOf(message.params)?.[clientCapabilitiesKey])) {
    throw new GatewayError('invalid_params', { details: { reason: `_meta lacks ${clientCapabilitiesKey}` } })
  }
  if (headers !== null) checkMirrorHeaders(headers, message)
  return 'modern'
}

function eraWithoutClaim(message: RpcRequest | RpcNotification, header: string | undefined): Era {
  if (header !== modernRevision) return 'legacy'
  if (!('id' in message)) return 'modern'
  throw new GatewayError('invalid_params', {
    details: { reason: '_meta lacks the protocol version that the header names' },
  })
}

function unsupportedRevision(requested: string): GatewayError {
  return new GatewayError('unsupported_protocol_version', {
    details: { supported: [modernRevision], requested: requested.slice(0, 64) },
  })
}
