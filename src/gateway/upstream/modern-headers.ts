/** The headers of a modern request over HTTP, which say again what its body says (2026-07-28, basic/transports/streamable-http). */
import { encodeHeaderValue, mirroredName } from '#core/protocol/mcp-headers.ts'
import { modernRevision } from '#core/protocol/revisions.ts'
import type { UpstreamCall } from './upstream-session.ts'

/**
 * @param own credential and static headers of the server, flat and lower case
 * @returns a flat list as well
 */
export function modernHeaders(
  call: Pick<UpstreamCall, 'method' | 'params' | 'headers'>,
  own: readonly string[],
): string[] {
  const name = mirroredName(call.method, call.params)
  const headers = [...common, call.method]
  if (name !== undefined) headers.push('mcp-name', encodeHeaderValue(name))
  headers.push(...call.headers, ...own)
  return headers
}

const common = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
  'mcp-protocol-version',
  modernRevision,
  'mcp-method',
] as const
