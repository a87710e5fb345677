/** What of the caller's headers passes to an upstream: by allow-list, so that nothing passes by accident. Of an upstream's none comes back. */
import { GatewayError } from '#contract/errors.ts'
import type { Sites } from '#contract/same-site.ts'
import { isCallerHeader, isHeaderValue } from '#contract/header-text.ts'
import type { HeaderLookup } from '#core/protocol/mcp-headers.ts'
import { checkCookies, compileCookies, type CookieFilter, type CookieRule } from './cookies.ts'
import { checkedName, invalidHeader } from './header-merge.ts'

/** Trace context (W3C Trace Context and Baggage) always passes: who the caller is ends at the gateway. `Mcp-*` are the relay's own to write. */
const traceHeaders = ['traceparent', 'tracestate', 'baggage'] as const

/** Baggage §3.3.2: 8192 bytes. A longer trace context is dropped, because it is never worth a failing call. */
const headerCharsMax = 8_192

/** What a server gets of the requests that come in for it. Compiled once; the same object for all servers that get trace context alone. */
export interface Forwarding {
  /**
   * The caller's headers that go upstream, as a flat list of lower-case names and values.
   * @throws GatewayError `invalid_header`, which names the header
   */
  fromCaller(headers: HeaderLookup): string[]
  /**
   * The value of `Cookie`, for calls on behalf of a caller alone: never for lists, and what it brings is in no shared cache.
   * Null where no cookie ever passes. Throws as `fromCaller` does.
   */
  readonly cookie: CookieFilter | null
}

export type ForwardingRule = {
  /** Names of the caller's headers. */
  forwardHeaders: readonly string[]
  cookies: CookieRule | null
  /** Where `*` may stand for every cookie: nowhere, while it is not known. */
  sites?: Sites | undefined
}

/**
 * @param ownNames lower-case names of what the server's own definition sends (static headers, credential), which is above what the caller sends
 * @throws GatewayError `config_invalid`: a header that cannot be forwarded, two sources of `Cookie`, or every cookie for a server of another
 *   site
 */
export function compileForwarding(
  { forwardHeaders, cookies, sites }: ForwardingRule,
  ownNames: Iterable<string>,
): Forwarding {
  const own = new Set(ownNames)
  const named = new Set(forwardHeaders.map(checkedForwarding))
  if (cookies !== null) checkCookies(cookies, sites ?? nowhere)
  const cookie = cookies === null ? null : compileCookies(cookies)
  if (cookie !== null && own.has('cookie'))
    throw invalidHeader('cookie', 'the definition sets it, and cookies pass too')
  const trace = traceHeaders.filter((name) => !own.has(name))
  const asked = [...named].filter((name) => !own.has(name) && !traceNames.has(name))
  if (asked.length === 0 && cookie === null && trace.length === traceHeaders.length) return traceOnly
  return new ListedForwarding({ trace, asked }, cookie)
}

const nowhere: Sites = { publicUrl: null, upstreamUrl: '' }

const traceNames: ReadonlySet<string> = new Set(traceHeaders)

function checkedForwarding(text: string): string {
  const name = checkedName(text)
  if (isCallerHeader(name)) throw invalidHeader(name, 'it says who the caller is, which ends at the gateway')
  return name
}

class ListedForwarding implements Forwarding {
  readonly cookie: CookieFilter | null
  readonly #trace: readonly string[]
  readonly #asked: readonly string[]

  constructor({ trace, asked }: { trace: readonly string[]; asked: readonly string[] }, cookie: CookieFilter | null) {
    this.#trace = trace
    this.#asked = asked
    this.cookie = cookie
  }

  fromCaller(headers: HeaderLookup): string[] {
    const flat: string[] = []
    for (const name of this.#trace) {
      const value = valueOf(headers, name)
      if (value !== null && isSendable(value)) flat.push(name, value)
    }
    for (const name of this.#asked) {
      const value = valueOf(headers, name)
      if (value === null || value === '') continue
      if (!isSendable(value)) throw refused(name)
      flat.push(name, value)
    }
    return flat
  }
}

/** A name like `constructor` finds what every object has. */
function valueOf(headers: HeaderLookup, name: string): string | null {
  const value: unknown = headers[name]
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.join(',') : null
}

function isSendable(value: string): boolean {
  return value !== '' && value.length <= headerCharsMax && isHeaderValue(value)
}

function refused(header: string): GatewayError {
  const reason = `it must be a single line of 1 to ${headerCharsMax} Latin-1 characters`
  return new GatewayError('invalid_header', { details: { header, reason } })
}

/** Trace context alone: what passes where a server's definition says nothing. */
export const traceOnly: Forwarding = new ListedForwarding({ trace: traceHeaders, asked: [] }, null)
