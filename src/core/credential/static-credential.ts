/** Which credentials are a text of the gateway's own, that stays what it is. */
import type { Credential } from '#contract/credential.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { StaticCredential } from './credential-headers.ts'

/**
 * The other kinds are never taken for none: nothing goes out without the credential that its definition asks for.
 * @throws GatewayError `config_invalid` for a credential whose value is not in the definition: an owner's own, or one that somebody else issues
 */
export function toStaticCredential(credential: Resolved<Credential>): StaticCredential {
  const found = credential.kind === 'none' ? credential : ownCredential(credential)
  if (found) return found
  const reason = 'its value is not in the definition'
  throw new GatewayError('config_invalid', { details: { path: 'transport.credential', reason } })
}

function ownCredential(credential: Resolved<Credential>): StaticCredential | undefined {
  if (!('owner' in credential) || credential.owner !== 'gateway') return undefined
  if (credential.kind === 'basic') {
    const { kind, username, password } = credential
    return username === undefined || password === undefined ? undefined : { kind, username, password }
  }
  const { kind } = credential
  if (kind === 'oauth2_authorization_code') return undefined
  if (kind === 'api_key')
    return credential.key === undefined ? undefined : { kind, key: credential.key, header: credential.header }
  if (kind === 'authorization') return credential.value === undefined ? undefined : { kind, value: credential.value }
  return credential.token === undefined ? undefined : { kind, token: credential.token }
}
