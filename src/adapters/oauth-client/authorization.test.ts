import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServer, TokenSource, TokenWish } from '#core/credential/oauth-client.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'
import { createOAuthClient } from './oauth-client.ts'

const clock = { now: () => 0, after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const redirectUri = 'https://toolgate.example/connect/callback'
const client = { clientId: 'the client', auth: { method: 'none' as const } }
const nothing: TokenWish = { scopes: null, resource: null, audience: null, extra: {} }

let hostile: HostileServer
let server: AuthorizationServer

beforeEach(async () => {
  hostile = await openHostileServer()
  hostile.describe()
  server = await oauth.findServer(hostile.origin)
  hostile.say('/token', { json: { access_token: 'good', token_type: 'Bearer' } })
  hostile.heard.length = 0
})
afterEach(() => hostile[Symbol.asyncDispose]())

describe('startAuthorization', () => {
  const start = (wish: Partial<TokenWish> = {}, changed: Partial<AuthorizationServer> = {}) =>
    oauth.startAuthorization({ server: { ...server, ...changed }, client }, { ...nothing, ...wish, redirectUri })

  it('sends the browser to the server with all that was asked for, and asks nobody', async () => {
    const { url, state, codeVerifier } = await start({
      scopes: ['a', 'b'],
      resource: 'https://mcp.example/mcp',
      audience: 'api',
    })
    expect(new URL(url).origin + new URL(url).pathname).toBe(`${hostile.origin}/authorize`)
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      response_type: 'code',
      client_id: 'the client',
      redirect_uri: redirectUri,
      scope: 'a b',
      state,
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: 'https://mcp.example/mcp',
      audience: 'api',
    })
    expect(codeVerifier).toMatch(/^[\w-]{43}$/)
    expect(state).toMatch(/^[\w-]{43}$/)
    expect(url).not.toContain(codeVerifier)
    expect(hostile.seen()).toEqual([])
  })

  it('leaves out what was not asked for, and makes state and verifier anew each time', async () => {
    const [first, second] = [await start({ scopes: [] }), await start()]
    expect(Object.keys(Object.fromEntries(new URL(first.url).searchParams)).toSorted()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'redirect_uri',
      'response_type',
      'state',
    ])
    expect(first.state).not.toBe(second.state)
    expect(first.codeVerifier).not.toBe(second.codeVerifier)
  })

  it('keeps the query of the endpoint, and lets nothing stand in place of its own fields', async () => {
    const authorizationEndpoint = `${hostile.origin}/authorize?tenant=x&state=fixed&code_challenge_method=plain`
    const extra = { login_hint: 'alice', state: 'mine', redirect_uri: 'https://no.example', response_type: 'token' }
    const { url, state } = await start({ extra }, { authorizationEndpoint })
    const query = new URL(url).searchParams
    expect([query.get('tenant'), query.get('login_hint')]).toEqual(['x', 'alice'])
    expect(query.getAll('state')).toEqual([state])
    expect(query.getAll('code_challenge_method')).toEqual(['S256'])
    expect(query.getAll('redirect_uri')).toEqual([redirectUri])
    expect(query.getAll('response_type')).toEqual(['code'])
  })

  it('asks for consent where the grant is to last, unless something else is configured', async () => {
    const promptOf = async (extra: Record<string, string>) =>
      new URL((await start({ scopes: ['offline_access'], extra })).url).searchParams.get('prompt')
    expect(await promptOf({})).toBe('consent')
    expect(await promptOf({ prompt: 'login consent' })).toBe('login consent')
  })

  it.each<[Partial<AuthorizationServer>, string]>([
    [{ authorizationEndpoint: null }, 'no_authorization_endpoint'],
    [{ takesPkce: false }, 'no_pkce'],
    [{ authorizationEndpoint: 'http://as.example/authorize' }, 'insecure_endpoint'],
    [{ authorizationEndpoint: 'javascript:alert(1)' }, 'insecure_endpoint'],
    [{ authorizationEndpoint: 'toolgate://authorize' }, 'insecure_endpoint'],
    [{ authorizationEndpoint: 'https://169.254.169.254/authorize' }, 'egress_forbidden'],
  ])('sends no browser to a server with %j', async (changed, reason) => {
    expect(await failureOf(start({}, changed))).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason, step: 'authorization' },
    })
  })

  it.each([undefined, [], ['plain'], 's256'])('takes %j for no PKCE', async (methods) => {
    hostile.describe({
      code_challenge_methods_supported: Array.isArray(methods) || methods === undefined ? methods : [methods],
    })
    const found = await oauth.findServer(hostile.origin)
    expect(await failureOf(start({}, { takesPkce: found.takesPkce }))).toMatchObject({ details: { reason: 'no_pkce' } })
  })
})

describe('finishAuthorization', () => {
  const state = 'the-state'
  const finish = (answer: string | Record<string, string>, changed: Partial<AuthorizationServer> = {}) => {
    const source: TokenSource = { server: { ...server, ...changed }, client, timeoutMs: 5_000 }
    const given = { state, codeVerifier: 'the-verifier', redirectUri, resource: 'https://mcp.example/mcp' }
    return oauth.finishAuthorization(source, { answer: new URLSearchParams(answer), ...given })
  }

  it('gives code, verifier and resource to the token endpoint, once', async () => {
    expect(await finish({ code: 'the-code', state, iss: hostile.origin })).toMatchObject({ accessToken: 'good' })
    expect(hostile.seen()).toEqual(['POST /token'])
    expect(Object.fromEntries(new URLSearchParams(hostile.heard[0]?.body))).toEqual({
      grant_type: 'authorization_code',
      code: 'the-code',
      code_verifier: 'the-verifier',
      redirect_uri: redirectUri,
      resource: 'https://mcp.example/mcp',
      client_id: 'the client',
    })
  })

  it.each([
    ['the server sends it, and it is right', true, '{iss}'],
    ['the server does not say, and it is right', false, '{iss}'],
    ['the server does not say, and it is not there', false, null],
  ])('goes on where `iss` lets it: %s', async (_what, sendsIssuer, iss) => {
    const answer = { code: 'the-code', state, ...(iss !== null && { iss: hostile.origin }) }
    expect((await finish(answer, { sendsIssuer })).accessToken).toBe('good')
  })

  it.each([
    ['the server sends it, and it is wrong', { sendsIssuer: true }, 'https://as.example'],
    ['the server sends it, and it has a slash more', { sendsIssuer: true }, '{iss}/'],
    ['the server sends it, and it is empty', { sendsIssuer: true }, ''],
    ['the server does not say, and it is wrong', { sendsIssuer: false }, 'https://as.example'],
    ['the server does not say, and it is empty', { sendsIssuer: false }, ''],
  ])('looks at nothing else where `iss` is not right: %s', async (_what, changed, iss) => {
    const issuer = { iss: iss.replace('{iss}', hostile.origin) }
    for (const more of [
      { code: 'the-code', state },
      { error: 'access_denied', state },
      { code: 'c', state: 'no' },
      {},
    ]) {
      const error = await failureOf(finish({ ...more, ...issuer }, changed))
      expect(error).toMatchObject({ code: 'oauth_refused', details: { reason: 'wrong_issuer', step: 'authorization' } })
    }
    expect(hostile.seen()).toEqual([])
  })

  it('looks at nothing else where `iss` is missing that the server always sends', async () => {
    for (const answer of [
      { code: 'the-code', state },
      { error: 'access_denied', state },
      { code: 'c', state: 'no' },
    ]) {
      const error = await failureOf(finish(answer, { sendsIssuer: true }))
      expect(error).toMatchObject({ code: 'oauth_refused', details: { reason: 'missing_iss', step: 'authorization' } })
    }
    expect(hostile.seen()).toEqual([])
  })

  it.each([
    ['code=c&iss={iss}', 'wrong_state'],
    ['code=c&state=&iss={iss}', 'wrong_state'],
    ['code=c&state=other&iss={iss}', 'wrong_state'],
    ['code=c&state=the-state&state=other&iss={iss}', 'wrong_state'],
    ['code=c&state=other&state=the-state&iss={iss}', 'wrong_state'],
    ['code=c&state=the-state&iss={iss}&iss=https://as.example', 'wrong_issuer'],
    ['code=c&state=the-state&iss=https://as.example&iss={iss}', 'wrong_issuer'],
    ['error=access_denied&state=other&iss={iss}', 'wrong_state'],
    ['error=access_denied&state=the-state&iss={iss}', 'access_denied'],
    ['error=access_denied&code=c&state=the-state&iss={iss}', 'access_denied'],
    ['error=invalid_scope&error_description=words&state=the-state&iss={iss}', 'invalid_scope'],
    ['error=Words+of+its+own&state=the-state&iss={iss}', 'refused'],
    ['error=&state=the-state&iss={iss}', 'refused'],
    ['error=constructor&state=the-state&iss={iss}', 'refused'],
    ['state=the-state&iss={iss}', 'missing_code'],
    ['code=&state=the-state&iss={iss}', 'missing_code'],
    ['code=c&code=d&state=the-state&iss={iss}', 'missing_code'],
    ['access_token=t&state=the-state&iss={iss}', 'missing_code'],
    ['response=eyJ&state=the-state&iss={iss}', 'missing_code'],
  ])('refuses %s, and asks for nothing', async (answer, reason) => {
    const error = await failureOf(finish(answer.replace('{iss}', encodeURIComponent(hostile.origin))))
    expect(error).toMatchObject({ code: 'oauth_refused', details: { reason, step: 'authorization' } })
    expect(error.cause).toBeUndefined()
    expect(JSON.stringify([error, error.stack])).not.toMatch(/words|the-state|as\.example/i)
    expect(hostile.seen()).toEqual([])
  })

  it('may be tried again where the server was out of order', async () => {
    for (const error of ['server_error', 'temporarily_unavailable'])
      expect(await failureOf(finish({ error, state, iss: hostile.origin }))).toMatchObject({
        code: 'credential_unavailable',
        details: { reason: 'server_unavailable' },
      })
  })

  it('does not give the code of one server to another (mix-up)', async () => {
    await using honest = await openHostileServer()
    // The browser began at the hostile server, which sent it on to the honest one: the code is the honest one's, and so is `iss`.
    for (const sendsIssuer of [true, false]) {
      const error = await failureOf(finish({ code: 'of-the-honest-one', state, iss: honest.origin }, { sendsIssuer }))
      expect(error).toMatchObject({ code: 'oauth_refused', details: { reason: 'wrong_issuer' } })
    }
    expect([...hostile.seen(), ...honest.seen()]).toEqual([])
  })
})
