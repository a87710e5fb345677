/** Every method of the port against a real authorization server. */
import { generateKeyPairSync } from 'node:crypto'
import type { ClientAuthMethod, ClientMetadata } from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type {
  AuthorizationServer,
  ClientAuth,
  ClientIdentity,
  SigningAlgorithm,
  TokenSource,
  TokenWish,
} from '#core/credential/oauth-client.ts'
import { goThrough } from '#test/support/authorization-server-pages.ts'
import {
  openAuthorizationServer,
  testGrants,
  type TestAuthorizationServer,
} from '#test/support/authorization-server.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { createOAuthClient } from './oauth-client.ts'

const redirectUri = 'http://127.0.0.1:8080/connect/callback'
const resource = 'https://mcp.example/mcp'
const clock = { now: () => Date.now(), after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const nothing: TokenWish = { scopes: null, resource: null, audience: null, extra: {} }

const keys = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}
const algorithms = Object.keys(keys) as SigningAlgorithm[]

/** Hyphens, and what a form has to encode. */
const secret = 'a-secret_of.some+length:and/more%20&='

const machine = (id: string, method: ClientAuthMethod): ClientMetadata => ({
  client_id: id,
  client_secret: secret,
  scope: 'mcp:read',
  token_endpoint_auth_method: method,
  grant_types: ['client_credentials', testGrants.exchange, testGrants.assertion],
  redirect_uris: [],
  response_types: [],
})

describe('the OAuth client at a real authorization server', () => {
  let real: TestAuthorizationServer
  let server: AuthorizationServer
  const document = 'https://toolgate.example/oauth/client.json'

  beforeAll(async () => {
    real = await openAuthorizationServer({
      path: '/tenant',
      documents: new Map([
        [
          document,
          {
            client_id: document,
            client_name: 'Toolgate',
            redirect_uris: [redirectUri],
            token_endpoint_auth_method: 'none',
            application_type: 'native',
            grant_types: ['authorization_code', 'refresh_token'],
          },
        ],
      ]),
      clients: [
        machine('client-post', 'client_secret_post'),
        machine('client-basic', 'client_secret_basic'),
        ...algorithms.map((algorithm) => ({
          client_id: `client-${algorithm}`,
          token_endpoint_auth_method: 'private_key_jwt' as const,
          token_endpoint_auth_signing_alg: algorithm,
          jwks: { keys: [{ ...keys[algorithm].publicKey.export({ format: 'jwk' }), kid: 'key-1' }] },
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        })),
      ],
    })
    server = await oauth.findServer(real.issuer)
  }, 30_000)
  afterAll(() => real[Symbol.asyncDispose]())
  beforeEach(() => {
    real.seen.length = 0
    real.grants.length = 0
  })

  const sourceOf = (clientId: string, auth: ClientAuth): TokenSource => ({
    server,
    client: { clientId, auth },
    timeoutMs: 10_000,
  })
  const poster = () => sourceOf('client-post', { method: 'client_secret_post', secret })

  it('finds its metadata', async () => {
    expect(await oauth.findServer(real.issuer)).toMatchObject({
      issuer: real.issuer,
      authorizationEndpoint: `${real.issuer}/auth`,
      tokenEndpoint: `${real.issuer}/token`,
      registrationEndpoint: `${real.issuer}/reg`,
      revocationEndpoint: `${real.issuer}/token/revocation`,
      scopes: expect.arrayContaining(['mcp:read', 'offline_access']),
      authMethods: expect.arrayContaining(['private_key_jwt']),
      sendsIssuer: true,
      takesPkce: true,
      takesClientDocuments: true,
    })
    expect(real.seen).toEqual(['GET /.well-known/oauth-authorization-server/tenant'])
  })

  describe('client credentials', () => {
    it.each<[string, ClientAuth]>([
      ['client-post', { method: 'client_secret_post', secret }],
      ['client-basic', { method: 'client_secret_basic', secret }],
    ])('gives %s a token for the resource', async (clientId, auth) => {
      const before = Date.now()
      const tokens = await oauth.clientCredentials(sourceOf(clientId, auth), {
        ...nothing,
        scopes: ['mcp:read'],
        resource,
      })
      expect(tokens).toMatchObject({ refreshToken: null, idToken: null, scopes: ['mcp:read'] })
      expect(tokens.expiresAt).toBeGreaterThanOrEqual(before + 600_000)
      expect(tokens.expiresAt).toBeLessThanOrEqual(Date.now() + 600_000)
      expect(await real.findToken(tokens.accessToken)).toEqual({
        scopes: ['mcp:read'],
        audience: resource,
        clientId,
        account: null,
      })
      expect(real.seen).toEqual(['POST /tenant/token'])
    })

    it.each(algorithms)('takes an assertion signed with %s', async (algorithm) => {
      const privateKey = keys[algorithm].privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
      const source = sourceOf(`client-${algorithm}`, {
        method: 'private_key_jwt',
        privateKey,
        keyId: 'key-1',
        algorithm,
      })
      const { accessToken } = await oauth.clientCredentials(source, nothing)
      expect(await real.findToken(accessToken)).toMatchObject({ clientId: `client-${algorithm}` })
    })

    it('sends more fields, and none in place of its own', async () => {
      const extra = {
        tenant: 'x',
        grant_type: 'password',
        client_id: 'other',
        scope: 'mcp:write',
        resource: 'https://no.example',
      }
      const { accessToken } = await oauth.clientCredentials(poster(), {
        ...nothing,
        scopes: ['mcp:read'],
        resource,
        extra,
      })
      expect(await real.findToken(accessToken)).toMatchObject({
        scopes: ['mcp:read'],
        audience: resource,
        clientId: 'client-post',
      })
    })

    it('is refused in our words, with no cause', async () => {
      const wrong = await failureOf(
        oauth.clientCredentials(
          sourceOf('client-post', { method: 'client_secret_post', secret: 'wrong-secret' }),
          nothing,
        ),
      )
      expect(wrong).toMatchObject({ code: 'oauth_refused', details: { reason: 'invalid_client', step: 'token' } })
      const scope = await failureOf(oauth.clientCredentials(poster(), { ...nothing, scopes: ['mcp:write'], resource }))
      expect(scope).toMatchObject({ code: 'oauth_refused', details: { reason: 'invalid_scope', step: 'token' } })
      for (const error of [wrong, scope]) {
        expect(error.cause).toBeUndefined()
        expect(JSON.stringify([error, error.stack])).not.toMatch(/wrong-secret|mcp:write|description/)
      }
    })

    it('says that a private key is none, sends nothing, and does not repeat it', async () => {
      const auth: ClientAuth = {
        method: 'private_key_jwt',
        privateKey: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----',
        keyId: null,
        algorithm: 'ES256',
      }
      const error = await failureOf(oauth.clientCredentials(sourceOf('client-ES256', auth), nothing))
      expect(error).toMatchObject({ code: 'config_invalid', details: { reason: 'invalid_key' } })
      expect(error.cause).toBeUndefined()
      expect(real.seen).toEqual([])
    })
  })

  async function connect(client: ClientIdentity, wish: Partial<TokenWish> = {}) {
    const { url, state, codeVerifier } = await oauth.startAuthorization(
      { server, client },
      { ...nothing, scopes: ['mcp:read'], resource, ...wish, redirectUri },
    )
    const back = await goThrough(url, redirectUri, { login: 'alice' })
    const given = { answer: back.searchParams, state, codeVerifier, redirectUri, resource }
    return { source: { server, client, timeoutMs: 10_000 }, given }
  }

  const register = (scopes: string[] | null = null) =>
    oauth.register(server, { clientName: 'Toolgate', clientUri: 'https://toolgate.example', redirectUri, scopes })

  it('registers, and goes through a browser to a token of the person for the resource', async () => {
    const client = await register(['mcp:read', 'offline_access'])
    expect(client).toMatchObject({ auth: { method: 'client_secret_basic' }, expiresAt: null })
    const { source, given } = await connect(client, { scopes: ['mcp:read', 'offline_access'] })
    real.seen.length = 0
    const tokens = await oauth.finishAuthorization(source, given)
    expect(real.seen).toEqual(['POST /tenant/token'])
    expect(tokens).toMatchObject({ refreshToken: expect.any(String), scopes: expect.arrayContaining(['mcp:read']) })
    expect(await real.findToken(tokens.accessToken)).toMatchObject({
      audience: resource,
      account: 'alice',
      clientId: client.clientId,
    })
  })

  it('is known by its document, without registering', async () => {
    const { source, given } = await connect({ clientId: document, auth: { method: 'none' } }, { scopes: ['mcp:read'] })
    const { accessToken } = await oauth.finishAuthorization(source, given)
    expect(await real.findToken(accessToken)).toMatchObject({ clientId: document, account: 'alice' })
  })

  it('brings an id token where OpenID is asked for', async () => {
    const { source, given } = await connect(await register(['openid']), { scopes: ['openid'], resource: null })
    expect((await oauth.finishAuthorization(source, { ...given, resource: null })).idToken).toMatch(
      /^ey[\w-]+\.[\w-]+\.[\w-]+$/,
    )
  })

  it('ends where the person declines', async () => {
    const client = await register()
    const { url, state, codeVerifier } = await oauth.startAuthorization(
      { server, client },
      { ...nothing, scopes: ['mcp:read'], resource, redirectUri },
    )
    const back = await goThrough(url, redirectUri, { login: 'alice', declines: true })
    expect(back.searchParams.get('error')).toBe('access_denied')
    real.seen.length = 0
    const given = { answer: back.searchParams, state, codeVerifier, redirectUri, resource }
    const error = await failureOf(oauth.finishAuthorization({ server, client, timeoutMs: 10_000 }, given))
    expect(error).toMatchObject({ code: 'oauth_refused', details: { reason: 'access_denied', step: 'authorization' } })
    expect(JSON.stringify([error, error.stack])).not.toContain('words of the server')
    expect(real.seen).toEqual([])
  })

  it('takes a code once, and with its verifier only', async () => {
    const client = await register()
    const first = await connect(client)
    const other = await failureOf(
      oauth.finishAuthorization(first.source, { ...first.given, codeVerifier: 'x'.repeat(43) }),
    )
    expect(other).toMatchObject({ code: 'oauth_refused', details: { reason: 'invalid_grant' } })
    const second = await connect(client)
    await oauth.finishAuthorization(second.source, second.given)
    const again = await failureOf(oauth.finishAuthorization(second.source, second.given))
    expect(again).toMatchObject({ code: 'oauth_refused', details: { reason: 'invalid_grant' } })
    expect(again.cause).toBeUndefined()
  })

  it('renews with each refresh token once', async () => {
    const { source, given } = await connect(await register())
    const first = await oauth.finishAuthorization(source, given)
    const second = await oauth.refresh(source, { ...nothing, resource, refreshToken: first.refreshToken ?? '' })
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect(await real.findToken(second.accessToken)).toMatchObject({ audience: resource, account: 'alice' })
    const error = await failureOf(
      oauth.refresh(source, { ...nothing, resource, refreshToken: first.refreshToken ?? '' }),
    )
    expect(error).toMatchObject({ code: 'oauth_refused', details: { reason: 'invalid_grant', step: 'token' } })
    expect(JSON.stringify([error, error.stack])).not.toContain(first.refreshToken)
  })

  it('revokes: the grant ends with its refresh token', async () => {
    const { source, given } = await connect(await register())
    const { accessToken, refreshToken } = await oauth.finishAuthorization(source, given)
    await oauth.revoke(source, { text: refreshToken ?? '', hint: 'refresh_token' })
    expect(await real.findToken(accessToken)).toBeNull()
    expect(await failureOf(oauth.refresh(source, { ...nothing, refreshToken: refreshToken ?? '' }))).toMatchObject({
      details: { reason: 'invalid_grant' },
    })
    // A token that nobody knows is as good as revoked.
    await oauth.revoke(source, { text: accessToken, hint: 'access_token' })
  })

  it('tells a server nothing that has no place for it', async () => {
    const source = { ...poster(), server: { ...server, revocationEndpoint: null } }
    await oauth.revoke(source, { text: 'a-token', hint: 'access_token' })
    expect(real.seen).toEqual([])
  })

  describe('token exchange', () => {
    const subjectTokenType = 'urn:ietf:params:oauth:token-type:access_token'
    const ofAlice = async () => {
      const { source, given } = await connect(await register())
      return (await oauth.finishAuthorization(source, given)).accessToken
    }

    it('exchanges as RFC 8693 says', async () => {
      const subjectToken = await ofAlice()
      real.grants.length = 0
      const wish = {
        ...nothing,
        profile: 'rfc8693' as const,
        subjectToken,
        subjectTokenType,
        requestedTokenType: subjectTokenType,
      }
      const { accessToken } = await oauth.exchange(poster(), {
        ...wish,
        scopes: ['mcp:read'],
        audience: 'https://api.example',
      })
      expect(await real.findToken(accessToken)).toEqual({
        scopes: ['mcp:read'],
        audience: 'https://api.example',
        clientId: 'client-post',
        account: 'alice',
      })
      expect(real.grants).toEqual([
        {
          client_id: 'client-post',
          grant_type: testGrants.exchange,
          subject_token_type: subjectTokenType,
          requested_token_type: subjectTokenType,
          audience: 'https://api.example',
          scope: 'mcp:read',
        },
      ])
    })

    it('exchanges on behalf of a person as Entra wants it', async () => {
      const subjectToken = await ofAlice()
      real.grants.length = 0
      const wish = {
        ...nothing,
        profile: 'entra_obo' as const,
        subjectToken,
        subjectTokenType,
        requestedTokenType: null,
      }
      const { accessToken } = await oauth.exchange(poster(), {
        ...wish,
        scopes: ['mcp:read'],
        audience: 'not-sent',
        resource,
      })
      expect(await real.findToken(accessToken)).toMatchObject({ account: 'alice' })
      expect(real.grants).toEqual([
        {
          client_id: 'client-post',
          grant_type: testGrants.assertion,
          requested_token_use: 'on_behalf_of',
          scope: 'mcp:read',
        },
      ])
    })

    it('is refused for a token that is not good', async () => {
      const wish = {
        ...nothing,
        profile: 'rfc8693' as const,
        subjectToken: 'not-good',
        subjectTokenType,
        requestedTokenType: null,
      }
      expect(await failureOf(oauth.exchange(poster(), wish))).toMatchObject({
        code: 'oauth_refused',
        details: { reason: 'invalid_grant' },
      })
    })

    it('gets an assertion from one server, for which another gives a token', async () => {
      const client = machine('client-there', 'client_secret_post')
      await using other = await openAuthorizationServer({ trusts: real.trusted, clients: [client] })
      const there: TokenSource = {
        server: await oauth.findServer(other.issuer),
        client: { clientId: 'client-there', auth: { method: 'client_secret_post', secret } },
        timeoutMs: 10_000,
      }
      const assertion = await oauth.issueAssertion(poster(), {
        ...nothing,
        audience: other.issuer,
        resource,
        scopes: ['mcp:read'],
        subjectToken: await ofAlice(),
        subjectTokenType,
      })
      const { accessToken } = await oauth.redeemAssertion(there, {
        ...nothing,
        scopes: ['mcp:read'],
        resource,
        assertion,
      })
      expect(await other.findToken(accessToken)).toMatchObject({ account: 'alice', clientId: 'client-there' })
      // It is for that server alone.
      expect(await failureOf(oauth.redeemAssertion(poster(), { ...nothing, assertion }))).toMatchObject({
        code: 'oauth_refused',
        details: { reason: 'invalid_grant' },
      })
    })
  })
})
