/** A connection: what one owner has given, or still has to give, so that a server can be called in its name. Nothing secret is in what is told of it. */
import { z } from 'zod'
import { BasicPassword, BasicUsername, HeaderSecret, HeaderValue } from './header-text.ts'

/**
 * - `missing`: nothing is stored.
 * - `connecting`: its owner has begun, and has not come back.
 * - `connected`: good, as far as is known.
 * - `expiring`: it ends soon, and cannot be renewed without its owner.
 * - `needs_attention`: it was refused, or could not be renewed: its owner must do something.
 * - `revoked`: its owner, or who may, has ended it. Nothing of it is kept.
 */
export type ConnectionState = 'missing' | 'connecting' | 'connected' | 'expiring' | 'needs_attention' | 'revoked'

/** Whose connection is meant. */
const OwnerWord = z
  .string()
  .max(140)
  .regex(/^(?:(?:user|team):[\x21-\x7e]+|gateway)$/, 'must be like user:ann, team:blue, or gateway')
  .describe('`user:ann`, `team:blue`, or `gateway`. Default: your own.')

export const ConnectionQuery = z.strictObject({ owner: OwnerWord.optional() })

export const ConnectionsQuery = z.strictObject({
  owner: OwnerWord.optional(),
  server: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Instead of one owner’s: those of every owner that you may see, for this server.'),
})
export type ConnectionsQuery = z.infer<typeof ConnectionsQuery>

/** How many characters `limits.credentialValueBytesMax` lets through is another question. */
const charsMax = 1_000_000

/** Which of them are needed says the kind of the server's credential. */
export const SetKey = z
  .strictObject({
    token: HeaderSecret.max(charsMax).optional().describe('Of `bearer` and `token`.'),
    key: HeaderSecret.max(charsMax).optional().describe('Of `api_key`.'),
    value: HeaderSecret.max(charsMax).optional().describe('Of `authorization`.'),
    username: BasicUsername.max(charsMax).optional().describe('Of `basic`.'),
    password: BasicPassword.max(charsMax).optional().describe('Of `basic`.'),
  })
  .meta({ id: 'SetKey', description: 'A key of one’s own. It is kept sealed and never shown again.' })
export type SetKey = z.infer<typeof SetKey>

export const SetVariables = z
  .strictObject({
    values: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is not a name of a variable'),
        HeaderValue.max(charsMax),
      )
      .describe(
        'By the names of the server’s variables. What is not named stays as it is; an empty text takes the value away.',
      ),
  })
  .meta({ id: 'SetVariables', description: 'Values of one’s own. They are kept sealed and never shown again.' })
export type SetVariables = z.infer<typeof SetVariables>

export type ConnectionVariable = { name: string; description: string | null; isRequired: boolean; isSet: boolean }

/** What is shown of a connection. Times are Unix milliseconds. */
export type Connection = {
  server: { id: string; name: string; description: string | null }
  /** `name` is empty where it is the gateway. */
  owner: { kind: 'user' | 'team' | 'gateway'; id: string; name: string }
  /** What it takes: an account that is connected in a browser, a key, or nothing but variables. */
  kind: 'account' | 'key' | 'variables'
  state: ConnectionState
  /** Why, in a word; null where nothing was ever there. */
  reason: string | null
  since: number | null
  expiresAt: number | null
  scopes: readonly string[] | null
  /** Which parts a key has: `token`, or `username` and `password`. */
  keyParts: readonly string[]
  variables: readonly ConnectionVariable[]
  /** Where people get a key. */
  helpUrl: string | null
  /** The host that gets what is given, for who may give it. */
  sentTo: string | null
  /** Where its owner connects it, in a browser; null where the gateway's own address is not known. */
  connectUrl: string | null /** What whoever asks may do with it. */
  may: { give: boolean; end: boolean }
}

/** Why a connection was not made, in our words: what stands in `details.reason`, beside what OAuth's client says (`core/credential/oauth-client.ts`). */
export type ConnectRefusal =
  // How the browser came back.
  | 'unknown_state'
  | 'expired_state'
  | 'replayed_state'
  | 'signed_out'
  | 'other_user'
  | 'other_browser'
  | 'client_changed'
  // Whose it is.
  | 'link_ended'
  | 'only_the_owner'
  | 'not_yours'
  // What the server or its authorization server does not take.
  | 'client_required'
  | 'no_account'
  | 'no_key'
  | 'no_variables'
  | 'address_unknown'
  // Of the pages.
  | 'form_expired'
