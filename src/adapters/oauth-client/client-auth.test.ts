import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { ClientAuth, SigningAlgorithm } from '#core/credential/oauth-client.ts'
import { failureOf } from '#test/support/failure.ts'
import { proveClient } from './client-auth.ts'

const context = { issuer: 'https://as.example/tenant', nowMs: 1_800_000_000_500 }
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const privateKey = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const keyAuth: ClientAuth = { method: 'private_key_jwt', privateKey, keyId: 'key-1', algorithm: 'ES256' }

describe('proveClient', () => {
  it('sends its name alone where there is nothing to prove', async () => {
    const auth: ClientAuth = { method: 'none' }
    expect(await proveClient({ clientId: 'a client', auth }, context)).toEqual({
      fields: { client_id: 'a client' },
      headers: {},
    })
  })

  it('posts a secret as it is', async () => {
    const auth: ClientAuth = { method: 'client_secret_post', secret: 'a:b &' }
    expect(await proveClient({ clientId: 'c', auth }, context)).toEqual({
      fields: { client_id: 'c', client_secret: 'a:b &' },
      headers: {},
    })
  })

  it.each([
    ['f47ac10b-58cc-4372_a567.0e02b2c3d479', 'aB3-_.*', 'f47ac10b-58cc-4372_a567.0e02b2c3d479:aB3-_.*'],
    ['https://toolgate.example/client', 'a:b c+d%é', 'https%3A%2F%2Ftoolgate.example%2Fclient:a%3Ab+c%2Bd%25%C3%A9'],
    ['c', '', 'c:'],
  ])('encodes the parts of Basic as a form does: %j and %j', async (clientId, secret, expected) => {
    const auth: ClientAuth = { method: 'client_secret_basic', secret }
    const { fields, headers } = await proveClient({ clientId, auth }, context)
    expect(fields).toEqual({})
    expect(Buffer.from(String(headers['authorization']).slice('Basic '.length), 'base64').toString()).toBe(expected)
  })

  it('signs that it is itself, to this server, now and once', async () => {
    const proofs = [
      await proveClient({ clientId: 'c', auth: keyAuth }, context),
      await proveClient({ clientId: 'c', auth: keyAuth }, context),
    ]
    const ids: unknown[] = []
    for (const { fields, headers } of proofs) {
      expect(headers).toEqual({})
      expect(fields).toMatchObject({
        client_id: 'c',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      })
      const assertion = fields['client_assertion'] ?? ''
      expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES256', kid: 'key-1' })
      const { payload } = await jwtVerify(assertion, pair.publicKey, { currentDate: new Date(context.nowMs) })
      expect(payload).toEqual({
        iss: 'c',
        sub: 'c',
        aud: context.issuer,
        iat: 1_800_000_000,
        exp: 1_800_000_060,
        jti: expect.any(String),
      })
      ids.push(payload.jti)
    }
    expect(ids[0]).not.toBe(ids[1])
  })

  it('names no key where none was given', async () => {
    const { fields } = await proveClient({ clientId: 'c', auth: { ...keyAuth, keyId: null } }, context)
    expect(decodeProtectedHeader(fields['client_assertion'] ?? '')).toEqual({ alg: 'ES256' })
  })

  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString()
  it.each<[string, string, SigningAlgorithm]>([
    ['no key', 'planted', 'ES256'],
    ['a key of another kind', privateKey, 'RS256'],
    ['a key that is too short', weak, 'RS256'],
    ['half of a key', privateKey.slice(0, 80), 'ES256'],
    ['a public key', pair.publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'ES256'],
  ])('says that it cannot sign with %s, and repeats nothing of it', async (_what, text, algorithm) => {
    const error = await failureOf(
      proveClient({ clientId: 'c', auth: { ...keyAuth, privateKey: text, algorithm } }, context),
    )
    expect(error).toMatchObject({ code: 'config_invalid', details: { reason: 'invalid_key' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toContain(text.slice(30, 60) || text)
  })
})
