/**
 * Session tokens: short, signed, and verified without asking any store.
 *
 *     tgs_{key id}_{base64url of the claims' JSON}.{base64url of the HMAC-SHA256 of all that precedes the dot}
 *
 * There is no header and no field for an algorithm, so that nobody can choose one. What a token opens is at most what its claims say,
 * and at most what the session and its agent say at the moment of use (see broker-checks.ts): ending the session revokes it.
 */
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { SessionKeys, SigningKey } from './session-keys.ts'

/** A secret scanner matches `tgs_[0-9a-f]{8}_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}`. */
const sessionTokenPrefix = 'tgs_'

/** Two hundred servers with the longest ids fit. */
const charsMax = 24_000

/** What a token is for decides how long it lives; nobody asks for a time. Seconds. */
const purposes = {
  /** Stands in a harness's configuration, where nobody renews it. */
  'mcp-session': { kind: 'access', lifeSecondsMax: 86_400 },
  /** Fetched with a refresh token, again and again. */
  'tool-callback': { kind: 'access', lifeSecondsMax: 900 },
  refresh: { kind: 'refresh', lifeSecondsMax: 86_400 },
} as const

export type TokenPurpose = keyof typeof purposes
type TokenKind = (typeof purposes)[TokenPurpose]['kind']

/** The route class that the broker asks for. */
export const brokerScope = 'mcp'

export type SessionClaims = {
  /** Access tokens open addresses; refresh tokens give access tokens and nothing else. */
  kind: TokenKind
  purpose: TokenPurpose
  agent_id: string
  session_id: string
  /** Of which run of the session: a restart ends the tokens of the run before. */
  run: number
  /** Ids: what is attached to the agent later does not widen a token that is out. */
  servers: readonly string[]
  scope: readonly string[]
  /** Unix seconds. */
  iat: number
  exp: number
}

export type TokenGrant = {
  agentId: string
  sessionId: string
  run: number
  servers: readonly string[]
  scope: readonly string[]
  /** Unix milliseconds: no token lives longer. */
  endsAt: number
}

/** @param now Unix milliseconds */
export type TokenDeps = { keys: SessionKeys; now: number }

export type MintedSessionToken = { text: string; /** Seconds from now. */ expiresIn: number }

export function mintSessionToken(
  purpose: TokenPurpose,
  grant: TokenGrant,
  { keys, now }: TokenDeps,
): MintedSessionToken {
  const { kind, lifeSecondsMax } = purposes[purpose]
  const iat = Math.floor(now / 1_000)
  const exp = Math.min(iat + lifeSecondsMax, Math.floor(grant.endsAt / 1_000))
  const claims: SessionClaims = {
    kind,
    purpose,
    agent_id: grant.agentId,
    session_id: grant.sessionId,
    run: grant.run,
    servers: grant.servers,
    scope: grant.scope,
    iat,
    exp,
  }
  return { text: signClaims(claims, keys.current), expiresIn: exp - iat }
}

/** The claims' text is ASCII, as all ids are. */
function signClaims(claims: SessionClaims, key: SigningKey): string {
  const signed = `${sessionTokenPrefix}${key.id}_${toBase64Url(JSON.stringify(claims))}`
  return `${signed}.${key.sign(signed)}`
}

/** Why a token is refused. For tests and for a debugger: whoever sent it is told nothing of it. */
export type TokenFault = 'malformed' | 'bad_signature' | 'expired' | 'wrong_kind' | 'wrong_agent' | 'missing_scope'
export type TokenVerdict = { claims: SessionClaims } | { fault: TokenFault }

export type WantedToken = { kind: TokenKind; agentId?: string; scope?: string }

/** Decodes nothing before the MAC is right, and asks nobody. */
export function verifySessionToken(text: string, wanted: WantedToken, { keys, now }: TokenDeps): TokenVerdict {
  const parts = takeApart(text)
  if (!parts) return { fault: 'malformed' }
  const key = [keys.current, keys.previous].find((one) => one?.id === parts.keyId)
  if (!key?.verifies(parts.signed, parts.mac)) return { fault: 'bad_signature' }
  const claims = parseClaims(parts.payload)
  if (!claims) return { fault: 'malformed' }
  if (claims.exp * 1_000 <= now) return { fault: 'expired' }
  if (claims.kind !== wanted.kind) return { fault: 'wrong_kind' }
  if (wanted.agentId !== undefined && claims.agent_id !== wanted.agentId) return { fault: 'wrong_agent' }
  if (wanted.scope !== undefined && !claims.scope.includes(wanted.scope)) return { fault: 'missing_scope' }
  return { claims }
}

/**
 * A short-lived access token for what the refresh token says, no scope and no server more, and no longer than the refresh token lives.
 * @returns null for whatever is no good refresh token
 */
export function refreshSessionToken(
  text: string,
  deps: TokenDeps,
): (MintedSessionToken & Pick<TokenGrant, 'agentId' | 'sessionId'>) | null {
  const verdict = verifySessionToken(text, { kind: 'refresh' }, deps)
  if ('fault' in verdict) return null
  const { agent_id: agentId, session_id: sessionId, run, servers, scope, exp } = verdict.claims
  const grant = { agentId, sessionId, run, servers, scope, endsAt: exp * 1_000 }
  return { ...mintSessionToken('tool-callback', grant, deps), agentId, sessionId }
}

const firstPart = /^tgs_([0-9a-f]{8})_([A-Za-z0-9_-]+)$/

function takeApart(text: string): { keyId: string; payload: string; signed: string; mac: string } | null {
  if (text.length > charsMax) return null
  const dot = text.indexOf('.')
  if (dot === -1 || dot === text.length - 1) return null
  const signed = text.slice(0, dot)
  const [, keyId, payload] = firstPart.exec(signed) ?? []
  if (keyId === undefined || payload === undefined) return null
  return { keyId, payload, signed, mac: text.slice(dot + 1) }
}

function parseClaims(payload: string): SessionClaims | null {
  try {
    const value: unknown = JSON.parse(fromBase64Url(payload))
    return isClaims(value) ? value : null
  } catch {
    return null
  }
}

/** Every claim, each of its type: one that is missing must not become one that is never looked at. */
function isClaims(value: unknown): value is SessionClaims {
  if (!isJsonObject(value)) return false
  const { kind, purpose, agent_id: agentId, session_id: sessionId, run, servers, scope, iat, exp } = value
  return (
    isPurpose(purpose) &&
    purposes[purpose].kind === kind &&
    isName(agentId) &&
    isName(sessionId) &&
    Number.isSafeInteger(run) &&
    isNames(servers) &&
    isNames(scope) &&
    Number.isFinite(iat) &&
    Number.isFinite(exp)
  )
}

function isPurpose(value: unknown): value is TokenPurpose {
  return typeof value === 'string' && Object.hasOwn(purposes, value)
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isName)
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function toBase64Url(ascii: string): string {
  return btoa(ascii).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): string {
  return atob(text.replaceAll('-', '+').replaceAll('_', '/'))
}
