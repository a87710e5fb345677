/** Who is at the browser: by a cookie that holds what a person has after signing in. */
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Actor } from '#control/actor.ts'
import { identifyPerson, type AuthenticateDeps } from '#control/authenticate.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'

export type VisitorDeps = Pick<AuthenticateDeps, 'index' | 'clock' | 'keys'> & {
  /** How this gateway is reached, without a slash at its end; null where that is not known. */
  baseUrl: () => string | null
}

export type Visitor = {
  /** Null: nobody has signed in. */
  actor: Actor | null
  /** SHA-256 of what the cookie holds: one browser, from signing in to signing out. Empty where nobody has. */
  browser: string
  /** What forms on its pages prove themselves with. */
  formToken: string
  /** What the browser brought that its forms are tied to; empty where it brought nothing. */
  formCookie: string
  /** Headers `Set-Cookie` of the answer. */
  cookies: readonly string[]
}

const signInName = 'toolgate_sign_in'
/** Ties the form of the sign-in to the browser it was shown in: nobody is signed in as somebody else by another page. */
const visitName = 'toolgate_visit'
const cookieCharsMax = 2_000

export function findVisitor(deps: VisitorDeps, req: IncomingMessage): Visitor {
  const text = readCookie(req, nameOf(deps, signInName))
  const actor = text === null ? null : identifyPerson(deps, text)
  if (actor && text !== null)
    return { actor, browser: toDigest(text), formToken: toFormToken(deps.keys, text), formCookie: text, cookies: [] }
  const known = readCookie(req, nameOf(deps, visitName))
  const visit = known !== null && /^[A-Za-z0-9_-]{43}$/.test(known) ? known : randomBytes(32).toString('base64url')
  const cookies = visit === known ? [] : [toCookie(deps, { name: visitName, value: visit })]
  return { actor: null, browser: '', formToken: toFormToken(deps.keys, visit), formCookie: known ?? '', cookies }
}

/** @param text what a person has after signing in */
export function signInCookie(deps: VisitorDeps, text: string, maxAgeSeconds: number): string {
  return toCookie(deps, { name: signInName, value: text, maxAgeSeconds })
}

export function signOutCookie(deps: VisitorDeps): string {
  return toCookie(deps, { name: signInName, value: '', maxAgeSeconds: 0 })
}

/** Each form holds the same text as long as the cookie is the same: no other page can read either. */
function toFormToken({ current }: SessionKeys, cookie: string): string {
  return current.sign(formText(cookie))
}

/** @param given the field of the form */
export function isFormOf({ current, previous }: SessionKeys, cookie: string, given: string): boolean {
  return [current, previous].some((key) => key?.verifies(formText(cookie), given))
}

/** No bearer that is signed with the same key begins like this. */
function formText(cookie: string): string {
  return `connect form ${cookie}`
}

function toDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

type Cookie = { name: string; value: string; maxAgeSeconds?: number }

/** Lax: who comes from a chat or from an authorization server is signed in; what another page posts is not. RFC 6265bis §4.1.3.2 for the prefix. */
function toCookie(deps: VisitorDeps, { name, value, maxAgeSeconds }: Cookie): string {
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`
  return `${nameOf(deps, name)}=${value}; Path=/; HttpOnly; SameSite=Lax${age}${isSecure(deps) ? '; Secure' : ''}`
}

function nameOf(deps: VisitorDeps, name: string): string {
  return isSecure(deps) ? `__Host-${name}` : name
}

function isSecure({ baseUrl }: VisitorDeps): boolean {
  return baseUrl()?.startsWith('https://') ?? false
}

/** Two of one name: the browser is not the only one who sets them, so neither counts. */
function readCookie({ headers }: IncomingMessage, name: string): string | null {
  const values = (headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
  const [value] = values
  return values.length === 1 && value !== undefined && value !== '' && value.length <= cookieCharsMax ? value : null
}
