/** What the pages say of states, reasons and failures. The words are ours: nobody else's are shown. */
import type { Connection, ConnectionState } from '#contract/connection.ts'
import type { GatewayError } from '#contract/errors.ts'

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

/** Of what went wrong, by the word in its details. */
const failures: Readonly<Record<string, string>> = {
  unknown_state: 'This answer belongs to no connection that was begun here. Begin again from your connections.',
  expired_state: 'It took longer than ten minutes. Nothing was connected; begin again.',
  replayed_state: 'This answer has been used already. Look at your connections whether it worked.',
  other_user: 'This is for another user. Nothing was changed. Sign in as the user whom it is for.',
  other_browser:
    'It was begun in another browser, or before you signed in anew. Nothing was connected; begin again here.',
  signed_out: 'You are not signed in any more. Nothing was connected; sign in and begin again.',
  link_ended: 'This link is not good any more. Your connections are where it led.',
  client_changed: 'The settings of the server were changed meanwhile. Nothing was connected; begin again.',
  access_denied: 'It was declined at the sign-in of the server. Nothing was connected.',
  missing_iss: 'The answer does not say who gave it, though it has to. Nothing was connected.',
  wrong_issuer: 'The answer came from another sign-in than the one that was asked. Nothing was connected.',
  client_required:
    'The sign-in of this server takes no registrations by programs. An administrator has to register Toolgate there and to set its client id.',
  invalid_client: 'The sign-in of this server does not know Toolgate. An administrator has to look at its settings.',
  invalid_grant: 'The sign-in of this server took its answer back. Begin again.',
  form_expired: 'The form was open for too long, or comes from another page. Nothing was changed; try again.',
  person_required: 'A person has to sign in for this.',
}

/** What a person can do about it, or what happened; null where the title of the catalogue is all there is to say. */
export function failureWords({ details }: GatewayError): string | null {
  const { reason } = details
  return typeof reason === 'string' ? (failures[reason] ?? null) : null
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
