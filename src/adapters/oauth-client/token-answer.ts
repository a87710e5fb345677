/** What a token endpoint answers (RFC 6749 §5). */
import { parseScopes } from '#core/credential/challenge.ts'
import type { TokenSet } from '#core/credential/oauth-client.ts'
import type { Answer } from './guarded-fetch.ts'
import { checkServerIsUp, readObject, readText, type JsonObject } from './json-answer.ts'
import { refused, serverFailed, toRefusal, type OAuthStep } from './oauth-failure.ts'

const step = 'token'
const tokenCharsMax = 32_768
/** A hundred years: what is longer is no time. */
const lifetimeSecondsMax = 3_155_760_000

/** A token becomes part of a header, or of a form. */
const tokenForm = /^[\x21-\x7e]+$/

/** @param askedAt Unix time in milliseconds, from which the token's time runs */
export function readTokens(answer: Answer, askedAt: number): TokenSet {
  return toTokens(readGrant(answer, step), askedAt)
}

/** The body of an answer that grants. @throws GatewayError where it refuses, or cannot be used */
export function readGrant(answer: Answer, step: OAuthStep): JsonObject {
  checkServerIsUp(answer, step)
  const { status } = answer
  const body = readObject(answer)
  // Some servers refuse with a status of 200.
  if (typeof body?.['error'] === 'string') throw toRefusal(body['error'], step)
  if (status === 401 || status === 403) throw refused('refused', step, { status })
  if (status < 200 || status >= 300) throw serverFailed('unexpected_status', step, { status })
  if (body === null) throw serverFailed('not_json', step)
  return body
}

function toTokens(body: JsonObject, askedAt: number): TokenSet {
  const accessToken = readToken(body, 'access_token')
  if (accessToken === null) throw invalid()
  const type = readText(body, 'token_type', invalid)
  // Left out by servers of every age, against RFC 6749 §5.1.
  if (type !== null && type.toLowerCase() !== 'bearer') throw serverFailed('wrong_token_type', step)
  return {
    accessToken,
    refreshToken: readToken(body, 'refresh_token'),
    idToken: readToken(body, 'id_token'),
    expiresAt: readExpiry(body['expires_in'], askedAt),
    scopes: readScopes(body['scope']),
  }
}

export function readToken(body: JsonObject, name: string): string | null {
  const token = readText(body, name, invalid)
  if (token !== null && (token.length > tokenCharsMax || !tokenForm.test(token))) throw invalid()
  return token
}

/** Seconds, which some servers write as a text. */
function readExpiry(value: unknown, askedAt: number): number | null {
  if (value === undefined || value === null) return null
  const seconds = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds >= 0.001 && seconds <= lifetimeSecondsMax)) throw invalid()
  return askedAt + Math.floor(seconds * 1_000)
}

/** An empty text is no scope at all, and not what was asked for. */
function readScopes(value: unknown): string[] | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw invalid()
  return parseScopes(value) ?? []
}

const invalid = () => serverFailed('invalid_token_answer', step)
