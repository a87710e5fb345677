/** What passes between caller and upstream as a header: by allow-list in both directions, so that nothing passes by accident. */
import type { HeaderLookup } from '#core/protocol/mcp-headers.ts'
import type { WireHead } from '#core/upstream/http-wire.ts'

/** Trace context only (W3C Trace Context and Baggage): who the caller is ends at the gateway. `Mcp-*` are the relay's own to write. */
const requestHeaders = ['traceparent', 'tracestate', 'baggage'] as const

/** Cookies, challenges and the upstream's make are not the caller's business, and lengths and encodings are written anew. */
const responseHeaders = ['retry-after', 'cache-control'] as const

/** Baggage §3.3.2: 8192 bytes. Longer ones are dropped, because trace context is never worth a failing call. */
const headerCharsMax = 8_192
const headerValue = /^[\t\x20-\x7e\x80-\xff]+$/

/** The caller's headers that go upstream, as a flat list of names and values. */
export function forwardedRequestHeaders(headers: HeaderLookup): string[] {
  const forwarded: string[] = []
  for (const name of requestHeaders) {
    const value = headers[name]
    if (value !== undefined) forwarded.push(...toHeader(name, Array.isArray(value) ? value.join(',') : value))
  }
  return forwarded
}

/**
 * The upstream's headers that reach the caller, as a flat list of names and values.
 * @public for entrances that relay an HTTP answer as one
 */
export function forwardedResponseHeaders(head: Pick<WireHead, 'header'>): string[] {
  return responseHeaders.flatMap((name) => toHeader(name, head.header(name)))
}

function toHeader(name: string, value: string | undefined): string[] {
  if (value === undefined || value.length > headerCharsMax || !headerValue.test(value)) return []
  return [name, value]
}
