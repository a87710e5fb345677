import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEgress } from '#core/egress/egress.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer, type Said } from '#test/support/hostile-authorization-server.ts'
import { createOAuthClient } from './oauth-client.ts'

const clock = { now: () => 0, after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const root = '/.well-known/oauth-authorization-server'
const openid = '/.well-known/openid-configuration'

let server: HostileServer

beforeEach(async () => {
  server = await openHostileServer()
})
afterEach(() => server[Symbol.asyncDispose]())

describe('findServer', () => {
  it('reads what a server says, and takes what it leaves out for no', async () => {
    server.describe({
      scopes_supported: ['a', 'b c', 'd'],
      token_endpoint_auth_methods_supported: ['none'],
      client_id_metadata_document_supported: true,
    })
    expect(await oauth.findServer(server.origin)).toEqual({
      issuer: server.origin,
      authorizationEndpoint: `${server.origin}/authorize`,
      tokenEndpoint: `${server.origin}/token`,
      registrationEndpoint: `${server.origin}/register`,
      revocationEndpoint: `${server.origin}/revoke`,
      scopes: ['a', 'b', 'c', 'd'],
      authMethods: ['none'],
      sendsIssuer: true,
      takesPkce: true,
      takesClientDocuments: true,
    })
    server.say(root, {
      json: { issuer: server.origin, token_endpoint: `${server.origin}/token`, scopes_supported: null },
    })
    expect(await oauth.findServer(server.origin)).toEqual({
      issuer: server.origin,
      authorizationEndpoint: null,
      tokenEndpoint: `${server.origin}/token`,
      registrationEndpoint: null,
      revocationEndpoint: null,
      scopes: null,
      authMethods: null,
      sendsIssuer: false,
      takesPkce: false,
      takesClientDocuments: false,
    })
  })

  it.each([
    ['', [root, openid]],
    ['/tenant', [`${root}/tenant`, `${openid}/tenant`, `/tenant${openid}`]],
    ['/tenant/', [`${root}/tenant`, `${openid}/tenant`, `/tenant${openid}`]],
    ['/a/b', [`${root}/a/b`, `${openid}/a/b`, `/a/b${openid}`]],
  ])('asks in the order of MCP for an issuer whose path is %j', async (path, order) => {
    const issuer = server.origin + path
    expect(await failureOf(oauth.findServer(issuer))).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'no_metadata', step: 'server_metadata' },
    })
    expect(server.seen()).toEqual(order.map((at) => `GET ${at}`))
    for (const at of order) {
      server.heard.length = 0
      server.describe({ issuer }, at)
      expect((await oauth.findServer(issuer)).issuer).toBe(issuer)
      expect(server.seen().at(-1)).toBe(`GET ${at}`)
      server.say(at, { status: 404 })
    }
  })

  it.each<[string, Said]>([
    ['has a page for everything', { text: '<html>', headers: { 'content-type': 'text/html' } }],
    ['wants a sign-in for it', { status: 401 }],
    ['fails for it', { status: 500 }],
    ['is too busy for it', { status: 429 }],
  ])('goes on to the next address where the server %s', async (_what, said) => {
    server.say(root, said)
    server.describe({}, openid)
    expect((await oauth.findServer(server.origin)).issuer).toBe(server.origin)
  })

  it('says that the server is out of order where nothing else is found', async () => {
    server.say(root, { status: 503 })
    expect(await failureOf(oauth.findServer(server.origin))).toMatchObject({
      code: 'credential_unavailable',
      details: { reason: 'server_unavailable', status: 503 },
    })
  })

  it.each<[string, Said, string]>([
    ['garbage that claims to be JSON', { text: '{"issuer":' }, 'not_json'],
    ['an array', { json: [] }, 'not_json'],
    [
      'a redirect to the metadata of a cloud',
      { status: 302, headers: { location: 'http://169.254.169.254/' } },
      'redirected',
    ],
    ['50 MB', { floodBytes: 52_428_800 }, 'too_large'],
    ['a status that makes no sense', { status: 201, json: {} }, 'unexpected_status'],
  ])('stops at %s, and asks nobody else', async (_what, said, reason) => {
    server.say(root, said)
    server.describe({}, openid)
    const error = await failureOf(oauth.findServer(server.origin))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'server_metadata' } })
    expect(server.seen()).toEqual([`GET ${root}`])
  })

  const member = (name: string) => (value: unknown) => ({ [name]: value })
  const token = member('token_endpoint')

  it.each<[string, Record<string, unknown>, string]>([
    ['another issuer', { issuer: 'https://as.example' }, 'wrong_issuer'],
    ['no issuer', { issuer: undefined }, 'invalid_metadata'],
    ['an issuer that is no text', { issuer: 1 }, 'invalid_metadata'],
    ['no token endpoint', token(undefined), 'no_token_endpoint'],
    ['an empty token endpoint', token(''), 'no_token_endpoint'],
    ['a token endpoint that is no text', token({}), 'invalid_metadata'],
    ['a token endpoint that is no address', token('/token'), 'insecure_endpoint'],
    ['a plain-http token endpoint', token('http://as.example/token'), 'insecure_endpoint'],
    ['a token endpoint with a password', token('https://a:b@as.example/token'), 'insecure_endpoint'],
    ['a token endpoint that is a program', token('javascript:alert(1)'), 'insecure_endpoint'],
    ['a token endpoint at the metadata of a cloud', token('https://169.254.169.254/token'), 'egress_forbidden'],
    ['a token endpoint there, written otherwise', token('https://[::ffff:a9fe:a9fe]/token'), 'egress_forbidden'],
    [
      'a plain-http authorization endpoint',
      member('authorization_endpoint')('http://as.example/'),
      'insecure_endpoint',
    ],
    [
      'an authorization endpoint that is a program',
      member('authorization_endpoint')('javascript:alert(1)'),
      'insecure_endpoint',
    ],
    ['a plain-http registration endpoint', member('registration_endpoint')('http://as.example/'), 'insecure_endpoint'],
    ['a plain-http revocation endpoint', member('revocation_endpoint')('http://as.example/'), 'insecure_endpoint'],
    ['scopes that are no list', { scopes_supported: 'a b' }, 'invalid_metadata'],
    ['methods that are no texts', { token_endpoint_auth_methods_supported: [1] }, 'invalid_metadata'],
  ])('refuses metadata with %s', async (_what, wrong, reason) => {
    server.describe(wrong)
    const error = await failureOf(oauth.findServer(server.origin))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'server_metadata' } })
    expect(JSON.stringify([error, error.stack])).not.toMatch(/as\.example|alert/)
    expect(server.seen()).toEqual([`GET ${root}`])
  })

  it('compares issuers as texts, but for the slash alone that is the path of an address without one', async () => {
    const { origin } = server
    server.describe({ issuer: origin })
    expect((await oauth.findServer(`${origin}/`)).issuer).toBe(origin)
    for (const issuer of [`${origin}/`, `${origin}//`, origin.toUpperCase(), `${origin}?`, ` ${origin}`]) {
      server.describe({ issuer })
      expect(await failureOf(oauth.findServer(origin))).toMatchObject({ details: { reason: 'wrong_issuer' } })
    }
    server.describe({ issuer: `${origin}/tenant` }, `${root}/tenant`)
    expect(await failureOf(oauth.findServer(`${origin}/tenant/`))).toMatchObject({
      details: { reason: 'wrong_issuer' },
    })
  })

  it.each(['http://as.example', 'https://169.254.169.254', 'as.example', ''])(
    'asks nothing of the issuer %j',
    async (issuer) => {
      const error = await failureOf(oauth.findServer(issuer))
      expect(error.details['reason']).toMatch(/^(?:insecure_endpoint|egress_forbidden)$/)
    },
  )

  it('asks nothing of an endpoint that the guard closed since its metadata was read', async () => {
    server.describe()
    let isClosed = false
    const egress = createEgress({ lookup: openEgress.lookup, bounds: () => (isClosed ? { allow: [], own: [] } : null) })
    const guarded = createOAuthClient({ egressOf: () => egress, allowsHttp: () => false, clock })
    const source = {
      server: await guarded.findServer(server.origin),
      client: { clientId: 'c', auth: { method: 'none' as const } },
      timeoutMs: 5_000,
    }
    isClosed = true
    const wish = { scopes: null, resource: null, audience: null, extra: {} }
    expect(await failureOf(guarded.clientCredentials(source, wish))).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'egress_forbidden', rule: 'loopback', step: 'token' },
    })
    expect(server.seen()).toEqual([`GET ${root}`])
  })
})

describe('findOwnServer', () => {
  it('finds the metadata at the root of an older server', async () => {
    server.describe({ token_endpoint: `${server.origin}/special` })
    expect(await oauth.findOwnServer(`${server.origin}/mcp?a=b`)).toMatchObject({
      issuer: server.origin,
      tokenEndpoint: `${server.origin}/special`,
    })
    expect(server.seen()).toEqual([`GET ${root}`])
  })

  it('takes the addresses of 2025-03-26 where there is none', async () => {
    expect(await oauth.findOwnServer(`${server.origin}/mcp`)).toMatchObject({
      issuer: server.origin,
      authorizationEndpoint: `${server.origin}/authorize`,
      tokenEndpoint: `${server.origin}/token`,
      registrationEndpoint: `${server.origin}/register`,
      revocationEndpoint: null,
      takesPkce: true,
    })
  })

  it('takes none that is wrong', async () => {
    server.describe({ issuer: 'https://as.example' })
    expect(await failureOf(oauth.findOwnServer(`${server.origin}/mcp`))).toMatchObject({
      details: { reason: 'wrong_issuer' },
    })
    expect(await failureOf(oauth.findOwnServer('http://mcp.example/mcp'))).toMatchObject({
      details: { reason: 'insecure_endpoint' },
    })
  })
})
