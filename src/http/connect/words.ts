/** What the pages say of states, reasons and failures. The words are ours: nobody else's are shown. */
import type { Connection, ConnectionState, ConnectRefusal } from '#contract/connection.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { OAuthFailure } from '#core/credential/oauth-client.ts'

export const stateWords: Readonly<Record<ConnectionState, { word: string; look: 'good' | 'warn' | 'bad' | 'soft' }>> = {
  missing: { word: 'Not connected', look: 'soft' },
  connecting: { word: 'Not finished', look: 'warn' },
  connected: { word: 'Connected', look: 'good' },
  expiring: { word: 'Ends soon', look: 'warn' },
  needs_attention: { word: 'Needs attention', look: 'bad' },
  revoked: { word: 'Disconnected', look: 'soft' },
}

const reasons: Readonly<Record<string, string>> = {
  began: 'Connecting was begun and not finished.',
  abandoned: 'Connecting was begun and not finished in time.',
  declined: 'At the sign-in of the server it was declined.',
  refused_by_server: 'The server refuses it. Connect again.',
  more_scopes_needed: 'The server asks for more rights than were given. Connect again to give them.',
  grant_ended: 'The account’s sign-in has ended. Connect again.',
  cannot_be_renewed: 'It could not be renewed. Connect again.',
  ends_soon: 'It ends soon and cannot be renewed by itself. Connect again.',
  variables_missing: 'Values that the server needs are missing.',
}

/** Null where the state says it all. */
export function reasonWords({ reason }: Pick<Connection, 'reason'>): string | null {
  return reason === null ? null : (reasons[reason] ?? null)
}

const toAdmin = 'An administrator has to look at the settings of this server.'
const odd = `The sign-in of this server says what cannot be used. Nothing was connected. ${toAdmin}`
const away = 'The sign-in of this server cannot be reached at the moment. Nothing was connected; try again later.'
const refusesUs = `The sign-in of this server refuses Toolgate. Nothing was connected. ${toAdmin}`
const notLooked = 'The sign-in of this server wants something else first. Nothing was connected; begin again.'

/** Of what went wrong, by the word in its details. */
const failures: Readonly<Record<ConnectRefusal | OAuthFailure, string>> = {
  unknown_state: 'This answer belongs to no connection that was begun here. Begin again from your connections.',
  expired_state: 'It took longer than ten minutes. Nothing was connected; begin again.',
  replayed_state: 'This answer has been used already. Look at your connections whether it worked.',
  signed_out: 'You are not signed in any more. Nothing was connected; sign in and begin again.',
  other_user: 'This is for another user. Nothing was changed. Sign in as the user whom it is for.',
  other_browser:
    'It was begun in another browser, or before you signed in anew. Nothing was connected; begin again here.',
  client_changed: 'The settings of the server were changed meanwhile. Nothing was connected; begin again.',
  link_ended: 'This link is not good any more. Your connections are where it led.',
  only_the_owner: 'Nobody but that user can give this.',
  not_yours: 'You may look at it, and not change it.',
  client_required:
    'The sign-in of this server takes no registrations by programs. An administrator has to register Toolgate there and to set its client id.',
  no_account: 'This server takes no account.',
  no_key: 'This server takes no key.',
  no_variables: 'This server takes no values.',
  address_unknown: 'Toolgate does not know how browsers reach it. An administrator has to set listen.publicUrl.',
  form_expired: 'The form was open for too long, or comes from another page. Nothing was changed; try again.',
  access_denied: 'It was declined at the sign-in of the server. Nothing was connected.',
  missing_iss: 'The answer does not say who gave it, though it has to. Nothing was connected.',
  wrong_issuer: 'The answer came from another sign-in than the one that was asked. Nothing was connected.',
  wrong_state: 'The answer is for another question. Nothing was connected; begin again.',
  missing_code: 'The answer is not whole. Nothing was connected; begin again.',
  invalid_grant: 'The sign-in of this server took its answer back. Nothing was connected; begin again.',
  login_required: notLooked,
  interaction_required: notLooked,
  consent_required: notLooked,
  insufficient_scope: 'The account has fewer rights than the server asks for. Nothing was connected.',
  invalid_scope: `The sign-in does not know the rights that are asked for. Nothing was connected. ${toAdmin}`,
  invalid_target: `The sign-in gives no tokens for this server. Nothing was connected. ${toAdmin}`,
  invalid_client: refusesUs,
  invalid_client_metadata: refusesUs,
  invalid_redirect_uri: refusesUs,
  invalid_request: refusesUs,
  unauthorized_client: refusesUs,
  unsupported_grant_type: refusesUs,
  unsupported_response_type: refusesUs,
  unsupported_token_type: refusesUs,
  refused: refusesUs,
  unreachable: away,
  timeout: away,
  server_unavailable: away,
  insecure_endpoint: 'The sign-in of this server is not at an https address. Nothing was connected.',
  egress_forbidden: `Toolgate may not connect to the address of this sign-in. Nothing was connected. ${toAdmin}`,
  no_metadata: `This server does not say where its accounts are. ${toAdmin}`,
  no_pkce:
    'The sign-in of this server is too old to be safe: it does not say that it takes PKCE. Nothing was connected.',
  redirected: odd,
  too_large: odd,
  not_json: odd,
  unexpected_status: odd,
  invalid_metadata: odd,
  resource_mismatch: odd,
  no_authorization_endpoint: odd,
  no_token_endpoint: odd,
  no_registration_endpoint: odd,
  unsupported_auth_method: odd,
  invalid_registration: odd,
  invalid_token_answer: odd,
  wrong_token_type: odd,
  invalid_key: odd,
}
const sentences: ReadonlyMap<string, string> = new Map(Object.entries(failures))

/** What a person can do about it, or what happened; null where the title of the catalogue is all there is to say. */
export function failureWords({ details }: GatewayError): string | null {
  const { reason } = details
  return typeof reason === 'string' ? (sentences.get(reason) ?? null) : null
}

/** A word of ours that helps whoever looks into it. */
export function reasonCode({ details: { reason } }: GatewayError): string | null {
  return typeof reason === 'string' && /^[a-z_]{1,40}$/.test(reason) ? reason : null
}

export const partWords: Readonly<Record<string, string>> = {
  token: 'Token',
  key: 'API key',
  value: 'Value of the Authorization header',
  username: 'User name',
  password: 'Password',
}

/** `21 November 2026`. */
export function toDate(at: number): string {
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
}
