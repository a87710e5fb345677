import { describe, expect, it } from 'vitest'
import { Credential, type CredentialEntry } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import { toStaticCredential } from './static-credential.ts'

const toCredential = (entry: CredentialEntry) => Credential.parse(entry) as Resolved<Credential>

describe('toStaticCredential', () => {
  it.each<CredentialEntry>([
    { kind: 'none' },
    { kind: 'bearer', token: 'a' },
    { kind: 'token', token: 'a' },
    { kind: 'authorization', value: 'a' },
    { kind: 'api_key', key: 'a', header: 'x-a' },
    { kind: 'basic', username: 'a', password: '' },
  ])('takes %j as it is', (entry) => {
    expect(toStaticCredential(toCredential(entry))).toEqual(entry)
  })

  it.each<CredentialEntry>([
    { kind: 'bearer', owner: 'user' },
    { kind: 'api_key', owner: 'team' },
    { kind: 'bearer' },
    { kind: 'oauth2_client_credentials', clientId: 'a' },
    { kind: 'oauth2_authorization_code' },
    { kind: 'oauth2_token_exchange', clientId: 'a', subject: { issuer: 'https://as.example', clientId: 'a' } },
    { kind: 'aws_sigv4', region: 'eu-central-1' },
  ])('never takes %j for none', (entry) => {
    expect(() => toStaticCredential(toCredential(entry))).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        details: expect.objectContaining({ reason: 'its value is not in the definition' }),
      }),
    )
  })
})
