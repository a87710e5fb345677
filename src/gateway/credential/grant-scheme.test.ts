import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { ann, bob, CredentialLab, nobody, refusal } from '#test/support/credential-lab.ts'
import { storedCredential } from '#test/support/credential-books.ts'
import { failureOf } from '#test/support/failure.ts'
import { nameOfClient } from '#core/credential/credential-name.ts'

let lab: CredentialLab

const credential = { kind: 'oauth2_authorization_code' as const, clientId: 'gateway', clientSecret: 's3cret' }
const served = (more: object = {}) => lab.serve({ credential: { ...credential, ...more } })
const headersOf = async (of = served()) => (await of.lease(ann)).headers
const wanting = async (of = served()) => failureOf(headersOf(of))
const scoped = (scope: string) => `Bearer error="insufficient_scope", scope="${scope}"`

beforeEach(() => {
  lab = new CredentialLab()
})

describe('an account that a user has connected', () => {
  it('goes out for that user at once', async () => {
    lab.connect()
    const one = served()
    expect(one.lease(ann)).toMatchObject({ owner: 'usr_ann', headers: ['authorization', 'Bearer access-0'] })
    expect(await failureOf((async () => one.lease(bob))())).toMatchObject({
      code: 'credential_required',
      details: { server: 'files', state: 'missing', connectUrl: 'https://gateway.example/connect/files?for=user' },
    })
    expect(await failureOf((async () => one.lease(nobody))())).toMatchObject({ code: 'credential_owner_required' })
  })

  it('of a team or of the gateway goes out for whoever is in it', async () => {
    lab.connect({}, { owner: { kind: 'gateway', ref: '' } })
    expect(served({ owner: 'gateway' }).lease(nobody)).toMatchObject({
      owner: '',
      headers: ['authorization', 'Bearer access-0'],
    })
    lab.connect({}, { owner: { kind: 'team', ref: 'team_blue' } })
    expect(served({ owner: 'team' }).lease(ann)).toMatchObject({ owner: 'team_blue' })
  })

  it('is renewed when it ends, at its own issuer, in the same lease', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    await lab.clock.advance(3_600_000)
    expect(await one.lease(ann)).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer access-1'])
    expect(lab.oauth.issuer.sources).toMatchObject([
      {
        server: { issuer: 'https://as.example', tokenEndpoint: 'https://as.example/token' },
        client: { clientId: 'gateway', auth: { method: 'client_secret_basic', secret: 's3cret' } },
      },
    ])
  })

  it('is another lease when it is connected anew', async () => {
    lab.connect({ givenAt: 1 })
    const one = served()
    const lease = await one.lease(ann)
    await lab.clock.advance(3_600_000)
    expect(await one.lease(ann)).toBe(lease)
    lab.connect({ givenAt: 2, accessToken: 'of another account', expiresAt: null })
    const other = await one.lease(ann)
    expect(other).not.toBe(lease)
    expect(other.headers).toContain('Bearer of another account')
    expect(await one.rejected(lease, refusal(lease))).toBe(other)
    expect(lab.stored()?.state).toBe('connected')
  })

  it.each([
    ['another issuer', { issuer: 'https://other.example' }],
    ['another client', { clientId: 'other', clientSecret: 'x' }],
    ['another resource', { resource: 'https://other.example/mcp' }],
  ])('is not used for %s', async (_what, more) => {
    lab.connect()
    expect(await wanting(served(more))).toMatchObject({ code: 'credential_required', details: { state: 'missing' } })
  })

  it.each([
    ['https://files.example', true],
    ['https://files.example/', true],
    ['https://files.example/mcp', true],
    [null, true],
    ['https://files.example/mc', false],
    ['https://files.example/mcp/deeper', false],
    ['https://old.example/mcp', false],
    ['http://files.example/mcp', false],
    ['urn:x', false],
  ])('given for %s is used where its server is now: %s', async (resource, isUsed) => {
    lab.connect({ resource })
    const state = await headersOf().then(
      () => 'used',
      (error: unknown) => (error instanceof GatewayError ? error.details['state'] : error),
    )
    expect(state).toBe(isUsed ? 'used' : 'missing')
  })

  it('is renewed as the client that the gateway registered, and as no other', async () => {
    const bare = () => lab.serve({ credential: { kind: 'oauth2_authorization_code' } })
    lab.connect({ clientId: 'registered' })
    await lab.clock.advance(3_600_000)
    expect(await wanting(bare())).toMatchObject({
      code: 'credential_unavailable',
      details: { reason: 'invalid_client' },
    })
    const client = { kind: 'client' as const, redirectUri: 'https://gateway.example/connect/callback', expiresAt: null }
    const auth = { method: 'client_secret_post' as const, secret: 'dcr' }
    const known = { ...client, issuer: 'https://as.example', clientId: 'registered', auth }
    const gateway = { kind: 'gateway' as const, ref: '' as const }
    lab.book.put(storedCredential({ owner: gateway, secret: known }), nameOfClient('srv_files'))
    await lab.clock.advance(60_000)
    expect(await headersOf(bare())).toContain('Bearer access-1')
    expect(lab.oauth.issuer.sources.at(-1)?.client).toEqual({ clientId: 'registered', auth })
  })

  it('is renewed at the endpoint that the definition gives', async () => {
    lab.connect()
    const endpoints = { authorizationUrl: 'https://as.example/go', tokenUrl: 'https://as.example/t' }
    await lab.clock.advance(3_600_000)
    expect(await headersOf(served({ issuer: 'https://as.example', ...endpoints }))).toContain('Bearer access-1')
    expect(lab.oauth.issuer.sources.at(-1)?.server.tokenEndpoint).toBe('https://as.example/t')
    expect(lab.oauth.looked).toEqual([])
  })

  it('is renewed at its server itself, where that has issued it and says nothing about that', async () => {
    lab.connect({ issuer: 'https://files.example' })
    lab.oauth.hasMetadata = false
    await lab.clock.advance(3_600_000)
    expect(await headersOf()).toContain('Bearer access-1')
    expect(lab.oauth.issuer.sources.at(-1)?.server.tokenEndpoint).toBe('https://files.example/token')
    lab.connect({ refreshToken: 'refresh-1', expiresAt: lab.clock.now() })
    expect(await wanting()).toMatchObject({ code: 'credential_unavailable', details: { reason: 'wrong_issuer' } })
  })
})

describe('a server that refuses the account', () => {
  it('is tried once more, with one renewal for all who were refused', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    const before = refusal(lease)
    await Promise.all([one.rejected(lease, before), one.rejected(lease, before)])
    expect(await one.rejected(lease, before)).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer access-1'])
    expect(lab.oauth.issuer.refreshed).toBe(1)
    expect(lab.stored()?.state).toBe('connected')
  })

  it('twice has its user asked, and gets nothing more of it', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    await one.rejected(lease, refusal(lease))
    expect(await failureOf(one.rejected(lease, refusal(lease, { isLast: true })))).toMatchObject({
      code: 'credential_required',
      details: { state: 'needs_attention', reason: 'refused_by_server' },
    })
    expect(lab.stored()).toMatchObject({ state: 'needs_attention', reason: 'refused_by_server' })
    expect(await wanting(one)).toMatchObject({ code: 'credential_required' })
    expect(lab.events).toHaveLength(1)
  })

  it('twice, of which the second was for another token, ends nothing', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    const before = refusal(lease, { isLast: true })
    await one.rejected(lease, refusal(lease))
    expect(await failureOf(one.rejected(lease, before))).toMatchObject({ code: 'upstream_auth_failed' })
    expect(lab.stored()?.state).toBe('connected')
  })

  it('has its user asked at once where there is nothing to renew it with', async () => {
    lab.connect({ refreshToken: null })
    const one = served()
    const lease = await one.lease(ann)
    expect(await failureOf(one.rejected(lease, refusal(lease)))).toMatchObject({
      code: 'credential_required',
      details: { reason: 'refused_by_server' },
    })
    expect(lab.stored()).toMatchObject({ state: 'needs_attention' })
  })

  it('while the authorization server is away is not called without a token', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    lab.oauth.lookupFailure = new Error('away')
    expect(await failureOf(one.rejected(lease, refusal(lease)))).toMatchObject({ code: 'credential_unavailable' })
    expect(lab.stored()?.state).toBe('connected')
  })
})

describe('a server that forbids something', () => {
  it.each([
    null,
    'Bearer error="invalid_token"',
    'Basic realm="x"',
    scoped('read'),
    'Bearer error="insufficient_scope"',
  ])('and asks for nothing that is lacking leaves the account as it is: %s', async (challenge) => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    expect(await failureOf(one.rejected(lease, refusal(lease, { status: 403, challenge })))).toMatchObject({
      code: 'upstream_auth_failed',
    })
    expect(lab.stored()).toMatchObject({ state: 'connected' })
    expect(lab.book.written).toEqual([])
  })

  it('for want of scopes has its user asked for them, right after it was renewed for another refusal', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    await one.rejected(lease, refusal(lease))
    const lacking = refusal(lease, { status: 403, challenge: scoped('write') })
    expect(await failureOf(one.rejected(lease, lacking))).toMatchObject({
      code: 'credential_required',
      details: { reason: 'more_scopes_needed' },
    })
  })

  it('for want of scopes has its user asked for all of them together, and goes on for other calls', async () => {
    lab.connect()
    const one = served()
    const lease = await one.lease(ann)
    for (const scope of ['read write', 'admin'])
      expect(
        await failureOf(one.rejected(lease, refusal(lease, { status: 403, challenge: scoped(scope) }))),
      ).toMatchObject({
        code: 'credential_required',
        details: { state: 'needs_attention', reason: 'more_scopes_needed' },
      })
    expect(lab.stored()).toMatchObject({ scopesWanted: ['write', 'admin'], reason: 'more_scopes_needed' })
    expect(await one.lease(ann)).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer access-0'])
  })
})
