/**
 * What a person has after signing in: a short-lived bearer for the management API alone, signed, so that any replica knows it.
 *
 *     tgu_{key id}_{base64url of the claims' JSON}.{base64url of the HMAC-SHA256 of all that precedes the dot}
 *
 * It is good while the user may sign in, and until its password changes.
 */
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'

/** A secret scanner matches `tgu_[0-9a-f]{8}_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}`. */
const signInTokenPrefix = 'tgu_'

const lifeSeconds = 12 * 3_600
const charsMax = 1_000

/** @param now Unix milliseconds */
export type SignInDeps = { keys: SessionKeys; now: number }

export type SignInClaims = {
  user_id: string
  /** When the password was set that was given, and not when it was given: who signs in during a change does not outlive it. Unix milliseconds. */
  password_set_at: number
  /** Unix milliseconds. */
  ends_at: number
}

type SignedIn = { userId: string; /** Unix milliseconds. */ passwordSetAt: number }

/** `expiresIn`: seconds. */
export function mintSignInToken(
  { userId, passwordSetAt }: SignedIn,
  { keys, now }: SignInDeps,
): { text: string; expiresIn: number } {
  const claims: SignInClaims = {
    user_id: userId,
    password_set_at: passwordSetAt,
    ends_at: now + lifeSeconds * 1_000,
  }
  // Ids are ASCII.
  const payload = btoa(JSON.stringify(claims)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  const signed = `${signInTokenPrefix}${keys.current.id}_${payload}`
  return { text: `${signed}.${keys.current.sign(signed)}`, expiresIn: lifeSeconds }
}

const form = /^(tgu_([0-9a-f]{8})_([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})$/

/** Decodes nothing before the MAC is right, and asks nobody. Null for whatever is no good one. */
export function verifySignInToken(text: string, { keys, now }: SignInDeps): SignInClaims | null {
  const parts = text.length > charsMax ? null : form.exec(text)
  if (!parts) return null
  const [, signed = '', keyId, payload = '', mac = ''] = parts
  const key = [keys.current, keys.previous].find((one) => one?.id === keyId)
  if (!key?.verifies(signed, mac)) return null
  const claims = parseClaims(payload)
  return claims && claims.ends_at > now ? claims : null
}

function parseClaims(payload: string): SignInClaims | null {
  try {
    const value: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    if (!isJsonObject(value)) return null
    const { user_id, password_set_at, ends_at } = value
    const isComplete = typeof user_id === 'string' && typeof password_set_at === 'number' && typeof ends_at === 'number'
    return isComplete ? { user_id, password_set_at, ends_at } : null
  } catch {
    return null
  }
}
