/** The headers that a server's own configuration puts on every request to it: static headers and the credential. */
import { GatewayError } from '#contract/errors.ts'
import type { Credential } from '#contract/server.ts'

/** The transport writes these itself (MCP basic/transports; RFC 9110 §7.6.1 for those of one hop; RFC 6455 §4.1). */
const transportHeaders = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const transportPrefixes = ['mcp-', 'sec-websocket-']

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/

type Header = readonly [name: string, value: string]

/**
 * One merge without regard to case, the credential above static headers. Authorization has one source only.
 * @returns a flat list of lower-case names and values
 * @throws GatewayError `config_invalid` that names the header and never its value: one that belongs to the transport, that
 * no HTTP message can carry, or a second Authorization
 */
export function credentialHeaders(credential: Credential, headers: Readonly<Record<string, string>>): string[] {
  const merged = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) merged.set(...checked([name.toLowerCase(), value]))
  for (const header of headersOf(credential)) {
    const [name, value] = checked(header)
    if (name === 'authorization' && merged.has(name))
      throw invalid(name, 'both a static header and the credential set it')
    merged.set(name, value)
  }
  return [...merged].flat()
}

function headersOf(credential: Credential): Header[] {
  if (credential.kind === 'none') return []
  if (credential.kind === 'bearer') return [['authorization', `Bearer ${credential.token}`]]
  if (credential.kind === 'api_key') return [[credential.header.toLowerCase(), credential.key]]
  return [['authorization', `Basic ${toBasic(credential)}`]]
}

/** RFC 7617 §2 and §2.1: the first colon ends the user name, and the text is UTF-8. */
function toBasic({ username, password }: { username: string; password: string }): string {
  if (username.includes(':')) throw invalid('authorization', 'the user name holds a colon')
  const bytes = new TextEncoder().encode(`${username}:${password}`)
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function checked([name, value]: Header): [string, string] {
  if (!headerName.test(name))
    throw new GatewayError('config_invalid', { details: { reason: 'a header name is not valid' } })
  if (transportHeaders.has(name) || transportPrefixes.some((prefix) => name.startsWith(prefix))) {
    throw invalid(name, 'the transport sets it')
  }
  if (!headerValue.test(value)) throw invalid(name, 'its value must be a single line of Latin-1 characters')
  return [name, value]
}

function invalid(header: string, reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { header, reason } })
}
