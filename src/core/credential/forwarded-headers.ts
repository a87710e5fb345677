/** What of the caller's headers passes to an upstream: by allow-list, so that nothing passes by accident. Of an upstream's none comes back. */
import type { HeaderLookup } from '#core/protocol/mcp-headers.ts'

/** Trace context only (W3C Trace Context and Baggage): who the caller is ends at the gateway. `Mcp-*` are the relay's own to write. */
const requestHeaders = ['traceparent', 'tracestate', 'baggage'] as const

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

function toHeader(name: string, value: string | undefined): string[] {
  if (value === undefined || value.length > headerCharsMax || !headerValue.test(value)) return []
  return [name, value]
}
