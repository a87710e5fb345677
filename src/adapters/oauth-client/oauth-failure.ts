/**
 * The failures of OAuth in the catalogue's words. What a server wrote is in none of them, and neither is a cause: an error that a parser or a
 * connection gives may quote what was sent.
 */
import { GatewayError } from '#contract/errors.ts'
import type { OAuthFailure, OAuthRefusal } from '#core/credential/oauth-client.ts'

/** What was being done: stands in `details.step`. */
export type OAuthStep =
  | 'resource_metadata'
  | 'server_metadata'
  | 'registration'
  | 'authorization'
  | 'token'
  | 'revocation'

type More = { status?: number; rule?: unknown; system?: string }

/** The server cannot be asked now. */
export function unavailable(reason: OAuthFailure, step: OAuthStep, more: More = {}): GatewayError {
  return new GatewayError('credential_unavailable', { details: { reason, step, ...more } })
}

/** What the server says cannot be used. */
export function serverFailed(reason: OAuthFailure, step: OAuthStep, more: More = {}): GatewayError {
  return new GatewayError('oauth_server_failed', { details: { reason, step, ...more } })
}

/** The server refuses, or the browser brought back what may not be used. */
export function refused(reason: OAuthFailure, step: OAuthStep, more: More = {}): GatewayError {
  return new GatewayError('oauth_refused', { details: { reason, step, ...more } })
}

const refusals: ReadonlySet<string> = new Set<OAuthRefusal>([
  'access_denied',
  'consent_required',
  'insufficient_scope',
  'interaction_required',
  'invalid_client',
  'invalid_client_metadata',
  'invalid_grant',
  'invalid_redirect_uri',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'login_required',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
])

/** RFC 6749 §4.1.2.1: what a redirect says in place of a status of 500 or 503. */
const outages: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable'])

/** @param code `error` as a server sent it */
export function toRefusal(code: string, step: OAuthStep): GatewayError {
  if (outages.has(code)) return unavailable('server_unavailable', step)
  return refused(isRefusal(code) ? code : 'refused', step)
}

function isRefusal(code: string): code is OAuthRefusal {
  return refusals.has(code)
}
