/** Names and values of HTTP headers (RFC 9110 §5), and whose headers they are. */
import { z } from 'zod'

const valueForm = /^[\t\x20-\x7e\x80-\xff]*$/
const nameForm = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

export const HeaderValue = z.string().regex(valueForm, 'must be a single line of printable characters')
/** What becomes a header later must already fit in one: a key file's last line break would otherwise fail each call. */
export const HeaderSecret = HeaderValue.min(1)
/** RFC 7617 §2: the first colon ends it. */
export const BasicUsername = z
  .string()
  .min(1)
  .regex(/^[^:\p{Cc}]*$/u, 'must not contain a colon or a control character')
export const BasicPassword = z.string().regex(/^\P{Cc}*$/u, 'must not contain a control character')
export const HeaderName = z.string().regex(nameForm, 'is not a valid HTTP header name')

/** One line of Latin-1, as HTTP carries it. */
export function isHeaderValue(text: string): boolean {
  return valueForm.test(text)
}

export function isHeaderName(text: string): boolean {
  return nameForm.test(text)
}

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

/** @param name in lower case */
export function isTransportHeader(name: string): boolean {
  return transportHeaders.has(name) || transportPrefixes.some((prefix) => name.startsWith(prefix))
}

/** What says who the caller is, which ends at the gateway. */
const callerHeaders = new Set(['authorization', 'cookie', 'x-api-key'])

/** @param name in lower case */
export function isCallerHeader(name: string): boolean {
  return callerHeaders.has(name)
}
