/** Which of the caller's cookies go to a server: those that its definition names, and never our own. */
import { GatewayError } from '#contract/errors.ts'
import { everyCookieRule, isSameSite, type Sites } from '#contract/same-site.ts'

export type CookieRule = {
  /** Names as they are, case and all. `*` is every cookie, and must be written out. */
  names: readonly string[]
  /** Every cookie whose name begins with this. */
  prefix?: string | undefined
}

/** @returns the value of `Cookie`, or null: then none is sent */
export type CookieFilter = (header: string | string[] | undefined) => string | null

/** Of the header that goes out. Common servers take no longer line. */
const cookieBytesMax = 8_192

/** RFC 6265 §4.1.1, and a little wider: what browsers send has spaces, commas and quotes in it. */
const sendable = /^[\t\x20-\x7e]*$/

/** A browser's session with the gateway. Compared without regard to case and to the prefixes of RFC 6265bis §4.1.3. */
const ownCookie = /^(?:__host-|__secure-)?toolgate/i

/** Null where the rule lets nothing through: then there is nothing to do for a call. */
export function compileCookies({ names, prefix = '' }: CookieRule): CookieFilter | null {
  const listed = new Set(names)
  if (listed.size === 0 && prefix === '') return null
  const isAll = listed.has('*')
  const passes = (name: string): boolean =>
    name !== '' && (isAll || listed.has(name) || (prefix !== '' && name.startsWith(prefix))) && !ownCookie.test(name)
  return (header) =>
    header === undefined ? null : filter(typeof header === 'string' ? header : header.join(';'), passes)
}

/** Order is kept; what has no `=` is no pair (RFC 6265 §5.2). */
function filter(header: string, passes: (name: string) => boolean): string | null {
  const kept: string[] = []
  for (const part of header.split(';')) {
    const pair = trimmed(part)
    const equals = pair.indexOf('=')
    if (equals > 0 && passes(trimmed(pair.slice(0, equals)))) kept.push(pair)
  }
  if (kept.length === 0) return null
  const value = kept.join('; ')
  if (!sendable.test(value)) throw refused('it holds characters that no cookie may have')
  if (value.length > cookieBytesMax) throw refused('it is too long')
  return value
}

/** Spaces and tabs alone: a line break must stay and be refused. By hand, because a pattern would try each run of spaces from each of its places. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function refused(reason: string): GatewayError {
  return new GatewayError('invalid_header', { details: { header: 'cookie', reason } })
}

/**
 * @throws GatewayError `config_invalid`: every cookie (`*`) would go to a server of another site
 */
export function checkCookies(rule: CookieRule, { publicUrl, upstreamUrl }: Sites): void {
  if (!rule.names.includes('*') || isSameSite({ publicUrl, upstreamUrl })) return
  throw new GatewayError('config_invalid', { details: { cookies: '*', reason: everyCookieRule } })
}
