import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServer, ClientMetadata } from '#core/credential/oauth-client.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer, type Said } from '#test/support/hostile-authorization-server.ts'
import { createOAuthClient } from './oauth-client.ts'

const clock = { now: () => 0, after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const metadata: ClientMetadata = {
  clientName: 'Toolgate',
  clientUri: 'https://toolgate.example',
  redirectUri: 'https://toolgate.example/connect/callback',
  scopes: ['a', 'b'],
}

let hostile: HostileServer
let server: AuthorizationServer

beforeEach(async () => {
  hostile = await openHostileServer()
  hostile.describe()
  server = await oauth.findServer(hostile.origin)
  hostile.heard.length = 0
})
afterEach(() => hostile[Symbol.asyncDispose]())

const register = (
  said: Said,
  { authMethods = null, ...changed }: Partial<AuthorizationServer> & Partial<ClientMetadata> = {},
) => {
  hostile.say('/register', said)
  return oauth.register({ ...server, authMethods }, { ...metadata, ...changed })
}
const sent = () => JSON.parse(hostile.heard[0]?.body ?? '') as Record<string, unknown>
const client = { client_id: 'c', client_secret: 'planted-secret' }

describe('registration', () => {
  it('says what the gateway is, and that it can keep a secret', async () => {
    await register({ status: 201, json: client })
    expect(hostile.heard[0]).toMatchObject({
      method: 'POST',
      path: '/register',
      headers: { 'content-type': 'application/json' },
    })
    expect(sent()).toEqual({
      client_name: 'Toolgate',
      client_uri: 'https://toolgate.example',
      redirect_uris: ['https://toolgate.example/connect/callback'],
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'a b',
    })
  })

  it('is a native application where it is gone back to on this machine', async () => {
    await register(
      { status: 201, json: client },
      { redirectUri: 'http://localhost:8080/connect/callback', clientUri: null, scopes: null },
    )
    expect(sent()).toMatchObject({ application_type: 'native' })
    expect(sent()).not.toHaveProperty('scope')
    expect(sent()).not.toHaveProperty('client_uri')
  })

  it.each([
    [null, 'client_secret_basic'],
    [['none', 'client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['none', 'client_secret_post'], 'client_secret_post'],
    [['private_key_jwt', 'none'], 'none'],
  ])('asks of a server that takes %j for %s', async (authMethods, method) => {
    await register({ status: 201, json: { client_id: 'c' } }, { authMethods })
    expect(sent()).toMatchObject({ token_endpoint_auth_method: method })
  })

  it.each<[string, object, object]>([
    [
      'what was asked for, where the server does not repeat it',
      client,
      { clientId: 'c', auth: { method: 'client_secret_basic', secret: 'planted-secret' }, expiresAt: null },
    ],
    [
      'what the server says',
      { ...client, token_endpoint_auth_method: 'client_secret_post' },
      { auth: { method: 'client_secret_post', secret: 'planted-secret' } },
    ],
    ['nothing, where the server gives no secret', { client_id: 'c' }, { auth: { method: 'none' } }],
    [
      'nothing, where the server wants nothing',
      { ...client, token_endpoint_auth_method: 'none' },
      { auth: { method: 'none' } },
    ],
    ['a secret that ends', { ...client, client_secret_expires_at: 1_800_000_000 }, { expiresAt: 1_800_000_000_000 }],
    ['a secret that does not end', { ...client, client_secret_expires_at: 0 }, { expiresAt: null }],
  ])('authenticates with %s', async (_what, json, expected) => {
    expect(await register({ status: 201, json })).toMatchObject(expected)
    expect(await register({ status: 200, json })).toMatchObject(expected)
  })

  it.each<[string, Said, [code: string, reason: string]]>([
    ['no identifier', { status: 201, json: {} }, ['oauth_server_failed', 'invalid_registration']],
    [
      'an identifier that is no text',
      { status: 201, json: { client_id: 1 } },
      ['oauth_server_failed', 'invalid_registration'],
    ],
    [
      'an identifier of unheard-of length',
      { status: 201, json: { client_id: 'x'.repeat(4_097) } },
      ['oauth_server_failed', 'invalid_registration'],
    ],
    [
      'a secret that is no text',
      { status: 201, json: { client_id: 'c', client_secret: {} } },
      ['oauth_server_failed', 'invalid_registration'],
    ],
    [
      'an end that is no time',
      { status: 201, json: { ...client, client_secret_expires_at: 'never' } },
      ['oauth_server_failed', 'invalid_registration'],
    ],
    [
      'a method that nobody asked for',
      { status: 201, json: { ...client, token_endpoint_auth_method: 'tls_client_auth' } },
      ['oauth_server_failed', 'unsupported_auth_method'],
    ],
    ['no JSON', { status: 201, text: 'planted-secret' }, ['oauth_server_failed', 'not_json']],
    [
      'a refusal',
      { status: 400, json: { error: 'invalid_redirect_uri', error_description: 'planted words' } },
      ['oauth_refused', 'invalid_redirect_uri'],
    ],
    ['a closed door', { status: 403, text: 'planted words' }, ['oauth_refused', 'refused']],
    ['an outage', { status: 500, text: 'planted words' }, ['credential_unavailable', 'server_unavailable']],
    ['a redirect', { status: 308, headers: { location: 'https://as.example' } }, ['oauth_server_failed', 'redirected']],
  ])('ends at %s', async (_what, said, [code, reason]) => {
    const error = await failureOf(register(said))
    expect(error).toMatchObject({ code, details: { reason, step: 'registration' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toContain('planted')
    expect(hostile.seen()).toEqual(['POST /register'])
  })

  it('asks nothing of a server that registers nobody, or wants what the gateway has not', async () => {
    server = { ...server, registrationEndpoint: null }
    expect(await failureOf(register({}))).toMatchObject({ details: { reason: 'no_registration_endpoint' } })
    server = { ...server, registrationEndpoint: `${hostile.origin}/register` }
    expect(await failureOf(register({}, { authMethods: ['tls_client_auth'] }))).toMatchObject({
      details: { reason: 'unsupported_auth_method' },
    })
    expect(hostile.seen()).toEqual([])
  })
})
