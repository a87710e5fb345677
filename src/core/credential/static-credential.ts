/** Credentials that are a text and stay what they are: the gateway's own stands in the definition, any other its owner gives. */
import type { Credential } from '#contract/credential.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Resolved } from '#contract/secret-text.ts'

export type StaticCredential =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  | { kind: 'token'; token: string }
  | { kind: 'authorization'; value: string }
  | { kind: 'api_key'; key: string; header: string }
  | { kind: 'basic'; username: string; password: string }

export type KeyCredential = Resolved<
  Extract<Credential, { kind: 'bearer' | 'api_key' | 'basic' | 'authorization' | 'token' }>
>

/**
 * The other kinds are never taken for none: nothing goes out without the credential that its definition asks for.
 * @throws GatewayError `config_invalid` for a credential whose value is not in the definition: an owner's own, or one that somebody else issues
 */
export function toStaticCredential(credential: Resolved<Credential>): StaticCredential {
  if (credential.kind === 'none') return credential
  const isGateways = 'owner' in credential && credential.owner === 'gateway'
  const found = isGateways && credential.kind !== 'oauth2_authorization_code' ? withParts(credential, credential) : null
  if (found) return found
  const reason = 'its value is not in the definition'
  throw new GatewayError('config_invalid', { details: { path: 'transport.credential', reason } })
}

/** By the names that definitions have for them. */
type Parts = {
  readonly [Name in 'token' | 'key' | 'value' | 'username' | 'password']?: string | undefined
}

/**
 * @param parts what an owner gave
 * @returns null: a part is missing
 */
export function withParts(definition: KeyCredential, parts: Parts): StaticCredential | null {
  const { token, key, value, username, password } = parts
  const { kind } = definition
  switch (kind) {
    case 'bearer':
    case 'token':
      return token === undefined ? null : { kind, token }
    case 'api_key':
      return key === undefined ? null : { kind, key, header: definition.header }
    case 'authorization':
      return value === undefined ? null : { kind, value }
    default:
      return username === undefined || password === undefined ? null : { kind, username, password }
  }
}
