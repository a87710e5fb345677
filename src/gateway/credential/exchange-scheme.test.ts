import { beforeEach, describe, expect, it } from 'vitest'
import { ann, bob, CredentialLab, refusal, unreachable } from '#test/support/credential-lab.ts'
import { failureOf } from '#test/support/failure.ts'
import { refusedBy } from '#test/support/played-oauth.ts'

let lab: CredentialLab

const credential = {
  kind: 'oauth2_token_exchange' as const,
  tokenUrl: 'https://apps.example/token',
  clientId: 'exchanger',
  clientSecret: 'x-s3cret',
  subject: { issuer: 'https://as.example', clientId: 'gateway', clientSecret: 's3cret' },
}
const served = (more: object = {}) => lab.serve({ credential: { ...credential, ...more } })
const headersOf = async (of = served()) => (await of.lease(ann)).headers

beforeEach(() => {
  lab = new CredentialLab()
  lab.connect({ idToken: 'id-0' })
})

describe('a token that is exchanged', () => {
  it('is had for the user’s own, once, and is another user’s never', async () => {
    const one = served({ audience: 'files', scopes: ['f'], requestedTokenType: 'urn:t' })
    const [lease] = await Promise.all([one.lease(ann), one.lease(ann)])
    expect(lease).toMatchObject({ owner: 'usr_ann', headers: ['authorization', 'Bearer exchange-1'] })
    expect(one.lease(ann)).toBe(lease)
    expect(lab.oauth.asked).toMatchObject([
      {
        what: 'exchange',
        source: { server: { tokenEndpoint: 'https://apps.example/token' }, client: { clientId: 'exchanger' } },
        wish: {
          profile: 'rfc8693',
          subjectToken: 'access-0',
          subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token',
          requestedTokenType: 'urn:t',
          audience: 'files',
          scopes: ['f'],
        },
      },
    ])
    expect(await failureOf((async () => one.lease(bob))())).toMatchObject({
      code: 'credential_required',
      details: { state: 'missing' },
    })
  })

  it('is had for the server alone that its user connected the provider for', async () => {
    lab.connect({}, { origin: 'https://files.example' })
    expect(await headersOf()).toEqual(['authorization', 'Bearer exchange-1'])
    lab.connect({}, { origin: 'https://before.example' })
    expect(await failureOf(headersOf())).toMatchObject({ code: 'credential_required', details: { state: 'missing' } })
    expect(lab.oauth.asked).toHaveLength(1)
  })

  it('is had on behalf of the user at Entra', async () => {
    await headersOf(served({ profile: 'entra_obo', scopes: ['api://files/.default'] }))
    expect(lab.oauth.asked).toMatchObject([{ wish: { profile: 'entra_obo', subjectToken: 'access-0' } }])
  })

  it('is had for an assertion of who the user is, in two steps', async () => {
    const { tokenUrl: _none, ...bare } = credential
    const one = lab.serve({ credential: { ...bare, profile: 'id_jag', issuer: 'https://apps.example', scopes: ['f'] } })
    expect(await headersOf(one)).toEqual(['authorization', 'Bearer redeemed-2'])
    expect(lab.oauth.asked).toMatchObject([
      {
        what: 'assertion',
        source: { server: { issuer: 'https://as.example' }, client: { clientId: 'gateway' } },
        wish: {
          subjectToken: 'id-0',
          subjectTokenType: 'urn:ietf:params:oauth:token-type:id_token',
          audience: 'https://apps.example',
        },
      },
      {
        what: 'redeemed',
        source: { server: { issuer: 'https://apps.example' }, client: { clientId: 'exchanger' } },
        wish: { assertion: 'assertion-1', scopes: ['f'], audience: null },
      },
    ])
  })

  it('cannot be had for an assertion where the provider has not said who the user is', async () => {
    lab.connect({ idToken: null })
    expect(await failureOf(headersOf(served({ profile: 'id_jag' })))).toMatchObject({ code: 'credential_required' })
  })

  it('is got anew when it ends, and when the user’s own is another', async () => {
    const one = served()
    lab.oauth.lifeMs = 100_000
    await headersOf(one)
    await lab.clock.advance(90_000)
    expect(await headersOf(one)).toContain('Bearer exchange-2')
    lab.connect({ accessToken: 'of another account' })
    expect(await headersOf(one)).toContain('Bearer exchange-3')
    expect(lab.oauth.asked.at(-1)?.wish).toMatchObject({ subjectToken: 'of another account' })
  })

  it('is got anew where the definition says another audience, or the server is elsewhere', async () => {
    await headersOf(served({ audience: 'files' }))
    expect(await headersOf(served({ audience: 'other' }))).toContain('Bearer exchange-2')
    const moved = { url: 'https://files.example/moved', credential: { ...credential, audience: 'other' } }
    expect(await headersOf(lab.serve(moved))).toContain('Bearer exchange-3')
    expect(await headersOf(served({ audience: 'other' }))).toContain('Bearer exchange-2')
  })

  it('is not used any more once the user’s own is revoked', async () => {
    const one = served()
    await headersOf(one)
    lab.give({ state: 'revoked', reason: 'revoked' })
    expect(await failureOf(headersOf(one))).toMatchObject({
      code: 'credential_required',
      details: { state: 'revoked' },
    })
  })

  it('is tried again with a renewed one of the user’s where that was refused', async () => {
    lab.oauth.failures.push(refusedBy('invalid_grant'))
    expect(await headersOf()).toContain('Bearer exchange-1')
    expect(lab.oauth.asked.map(({ wish }) => wish.subjectToken)).toEqual(['access-0', 'access-1'])
  })

  it('that cannot be had leaves nothing to go out with, and the account as it is', async () => {
    lab.oauth.failures.push(unreachable())
    const one = served()
    expect(await failureOf(headersOf(one))).toMatchObject({ code: 'credential_unavailable' })
    expect(await failureOf(headersOf(one))).toMatchObject({ code: 'credential_unavailable' })
    expect(lab.oauth.asked).toHaveLength(1)
    expect(lab.stored()?.state).toBe('connected')
  })

  it.each([401, 403] as const)('that the server answers with %i is had anew, once', async (status) => {
    const one = served()
    const lease = await one.lease(ann)
    expect(await one.rejected(lease, refusal(lease, { status }))).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer exchange-2'])
    expect(await failureOf(one.rejected(lease, refusal(lease, { status, isLast: true })))).toMatchObject({
      code: 'upstream_auth_failed',
      details: { status },
    })
    expect(lab.stored()?.state).toBe('connected')
  })
})
