import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { createAuthority } from '#test/support/certificates.ts'
import { createClientTls, type ClientTls } from './client-tls.ts'

const authority = createAuthority('Test authority')
const client = authority.issue('gateway')
const other = authority.issue('other')

function encrypted(passphrase: string): string {
  return createPrivateKey(client.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    .toString()
}

function failureOf(tls: ClientTls): GatewayError {
  try {
    createClientTls(tls)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('createClientTls', () => {
  it.each<[string, ClientTls]>([
    ['a certificate and its key', client],
    [
      'a chain, and who signs the server',
      { ...client, certificate: client.certificate + authority.certificate, ca: authority.certificate },
    ],
    [
      'words between certificates',
      { ...client, certificate: `the gateway\n${client.certificate}\nits issuer\n${authority.certificate}` },
    ],
    ['a key that is encrypted', { ...client, key: encrypted('open sesame'), passphrase: 'open sesame' }],
    ['a passphrase that is not needed', { ...client, passphrase: 'unused' }],
  ])('takes %s', (_what, tls) => {
    expect(() => createClientTls(tls)).not.toThrow()
  })

  const broken = '-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----\n'

  it.each<[string, string, ClientTls]>([
    ['certificate', 'no PEM', { ...client, certificate: 's3cret' }],
    ['certificate', 'broken PEM', { ...client, certificate: broken }],
    ['certificate', 'a chain that is broken below', { ...client, certificate: client.certificate + broken }],
    [
      'certificate',
      'a chain that ends too early',
      { ...client, certificate: `${client.certificate}-----BEGIN CERTIFICATE-----\n` },
    ],
    [
      'certificate',
      'beginnings without an end',
      { ...client, certificate: '-----BEGIN CERTIFICATE-----\n'.repeat(40_000) },
    ],
    ['certificate', 'a key in its place', { ...client, certificate: client.key }],
    ['key', 'no PEM', { ...client, key: 's3cret' }],
    ['key', 'a certificate in its place', { ...client, key: client.certificate }],
    ['key', 'a public key', { ...client, key: publicKey() }],
    ['key', 'the key of another certificate', { ...client, key: other.key }],
    ['passphrase', 'none for an encrypted key', { ...client, key: encrypted('s3cret') }],
    ['passphrase', 'a wrong one', { ...client, key: encrypted('s3cret'), passphrase: 's3cret too' }],
    ['ca', 'no PEM', { ...client, ca: 's3cret' }],
    ['ca', 'broken PEM', { ...client, ca: authority.certificate + broken }],
  ])('refuses the %s by its name: %s', (...[member, , tls]) => {
    const error = failureOf(tls)
    expect(error).toMatchObject({ code: 'config_invalid', details: { path: `transport.tls.${member}` } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret')
  })
})

function publicKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString()
}
