import { beforeEach, describe, expect, it } from 'vitest'
import { ann, CredentialLab, nobody, refusal, unreachable } from '#test/support/credential-lab.ts'
import { failureOf } from '#test/support/failure.ts'
import { refusedBy } from '#test/support/played-oauth.ts'

let lab: CredentialLab

const credential = {
  kind: 'oauth2_client_credentials' as const,
  tokenUrl: 'https://as.example/token',
  clientId: 'gateway',
  clientSecret: 's3cret',
}
const served = (more: object = {}, name = 'files') => lab.serve({ credential: { ...credential, ...more } }, name)
const headersOf = async (of = served()) => (await of.lease(nobody)).headers

beforeEach(() => {
  lab = new CredentialLab()
})

describe('client credentials', () => {
  it('are got once for everybody who waits, and are there at once from then on', async () => {
    const one = served()
    const leases = await Promise.all([one.lease(ann), one.lease(nobody), one.lease(ann)])
    expect(new Set(leases).size).toBe(1)
    expect(leases[0]).toMatchObject({ owner: '', headers: ['authorization', 'Bearer client-1'] })
    expect(one.lease(ann)).toBe(leases[0])
    expect(lab.oauth.asked).toHaveLength(1)
  })

  it('are asked for as the definition says', async () => {
    const more = {
      authMethod: 'client_secret_basic',
      scopes: ['a', 'b'],
      audience: 'aud',
      resource: 'https://r.example',
    }
    expect(await headersOf(served({ ...more, extraParameters: { x: 'y' }, header: 'X-Token' }))).toEqual([
      'x-token',
      'Bearer client-1',
    ])
    expect(lab.oauth.asked).toMatchObject([
      {
        source: {
          server: { issuer: 'https://as.example/token', tokenEndpoint: 'https://as.example/token' },
          client: { clientId: 'gateway', auth: { method: 'client_secret_basic', secret: 's3cret' } },
          timeoutMs: 30_000,
        },
        wish: { scopes: ['a', 'b'], resource: 'https://r.example', audience: 'aud', extra: { x: 'y' } },
      },
    ])
    expect(lab.oauth.looked).toEqual([])
  })

  it('find their token endpoint through the issuer, or through the server itself, and remember it', async () => {
    lab.oauth.resource = {
      resource: 'https://files.example/mcp',
      authorizationServers: ['https://found.example'],
      scopes: ['mcp'],
    }
    const { tokenUrl: _none, ...bare } = credential
    const found = lab.serve({ credential: bare })
    await headersOf(found)
    await headersOf(lab.serve({ credential: { ...bare, scopes: ['x'] } }))
    await headersOf(lab.serve({ credential: { ...bare, issuer: 'https://as.example' } }))
    expect(lab.oauth.asked).toMatchObject([
      {
        source: { server: { tokenEndpoint: 'https://found.example/token' } },
        wish: { resource: 'https://files.example/mcp', scopes: ['mcp'] },
      },
      { source: { server: { tokenEndpoint: 'https://found.example/token' } }, wish: { scopes: ['x'] } },
      { source: { server: { tokenEndpoint: 'https://as.example/token' } }, wish: { resource: null, scopes: null } },
    ])
    expect(lab.oauth.looked).toEqual(['https://files.example/mcp', 'https://found.example', 'https://as.example'])
  })

  it('are shown to no other authorization server than the first that the server named', async () => {
    const { tokenUrl: _none, ...bare } = credential
    const found = (issuer: string) => ({
      resource: 'https://files.example/mcp',
      authorizationServers: [issuer],
      scopes: null,
    })
    lab.oauth.resource = found('https://found.example')
    const one = lab.serve({ credential: bare })
    await headersOf(one)
    lab.oauth.resource = found('https://evil.example')
    await lab.clock.advance(3_600_000)
    expect(await failureOf(headersOf(one))).toMatchObject({
      code: 'credential_unavailable',
      details: { reason: 'wrong_issuer' },
    })
    expect(lab.oauth.asked).toHaveLength(1)
  })

  it('are one for servers that say the same, and others for those that do not', async () => {
    const texts = [
      await headersOf(served({}, 'one')),
      await headersOf(served({ header: 'x-token' }, 'two')),
      await headersOf(served({ clientSecret: 'other' }, 'three')),
      await headersOf(served({ scopes: ['a'] }, 'four')),
      await headersOf(served({ audience: 'aud' }, 'five')),
    ].map((headers) => headers[1])
    expect(texts).toEqual(['client-1', 'client-1', 'client-2', 'client-3', 'client-4'].map((text) => `Bearer ${text}`))
  })

  it('are renewed before they end, in the same lease', async () => {
    const one = served()
    const lease = await one.lease(nobody)
    await lab.clock.advance(3_540_000)
    expect(await one.lease(nobody)).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer client-2'])
  })

  it('are used for as long as the definition says, where the answer does not say it', async () => {
    lab.oauth.lifeMs = null
    const one = served({ tokenTtlMs: 100_000 })
    await headersOf(one)
    await lab.clock.advance(89_999)
    await headersOf(one)
    expect(lab.oauth.asked).toHaveLength(1)
    await lab.clock.advance(1)
    expect(await headersOf(one)).toContain('Bearer client-2')
  })

  it('that cannot be had leave nothing to go out with', async () => {
    lab.oauth.failures.push(unreachable())
    const one = served()
    const refused = await failureOf(headersOf(one))
    expect(refused).toMatchObject({
      code: 'credential_unavailable',
      details: { server: 'files', reason: 'unreachable' },
    })
    await failureOf(headersOf(one))
    expect(lab.oauth.asked).toHaveLength(1)
    await lab.clock.advance(500)
    expect(await headersOf(one)).toContain('Bearer client-1')
  })

  it('that are refused to the gateway say so, without a word of the authorization server', async () => {
    lab.oauth.failures.push(refusedBy('invalid_client'))
    const refused = await failureOf(headersOf())
    expect(refused).toMatchObject({ code: 'credential_unavailable', details: { reason: 'invalid_client' } })
    expect(JSON.stringify([refused, refused.cause ?? null, refused.details])).not.toContain('s3cret')
  })

  it('that the server refuses are got anew, once for all who were refused', async () => {
    const one = served()
    const lease = await one.lease(nobody)
    const before = refusal(lease)
    const tried = await Promise.all([one.rejected(lease, before), one.rejected(lease, before)])
    expect(tried.every((again) => again === lease)).toBe(true)
    expect(await one.rejected(lease, before)).toBe(lease)
    expect(lease.headers).toEqual(['authorization', 'Bearer client-2'])
    expect(lab.oauth.asked).toHaveLength(2)
    expect(await failureOf(one.rejected(lease, refusal(lease, { isLast: true })))).toMatchObject({
      code: 'upstream_auth_failed',
    })
    expect(await headersOf(one)).toBeDefined()
  })

  it('are asked for once in a while by a server that refuses whatever it gets', async () => {
    const one = served()
    const call = async () => {
      const lease = await one.lease(nobody)
      const again = await failureOrNull(one.rejected(lease, refusal(lease)))
      return again ?? failureOf(one.rejected(lease, refusal(lease, { isLast: true })))
    }
    for (let i = 0; i < 20; i++) expect(await call()).toMatchObject({ code: 'upstream_auth_failed' })
    expect(lab.oauth.asked).toHaveLength(2)
    await lab.clock.advance(15_000)
    await call()
    expect(lab.oauth.asked).toHaveLength(3)
  })

  it('are left as they are where the server forbids something', async () => {
    const one = served()
    const lease = await one.lease(nobody)
    expect(await failureOf(one.rejected(lease, refusal(lease, { status: 403 })))).toMatchObject({
      code: 'upstream_auth_failed',
      details: { status: 403 },
    })
    await headersOf(one)
    expect(lab.oauth.asked).toHaveLength(1)
  })
})

async function failureOrNull(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  )
}
