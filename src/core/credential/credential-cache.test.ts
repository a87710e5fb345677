import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { CredentialCache } from './credential-cache.ts'

let clock: FakeClock
let cache: CredentialCache<string>
let got: number
let lifeMs: number | null
let failure: Error | undefined
let told: unknown[]

const textOf = async (key = 'a', of = '', serverName = 'files') =>
  (
    await cache.current({
      key,
      of,
      serverName,
      get: async () => {
        got++
        const mine = got
        await Promise.resolve()
        if (failure) throw failure
        return { value: `${key}-${mine}`, expiresAt: lifeMs === null ? null : clock.now() + lifeMs }
      },
    })
  ).value

beforeEach(() => {
  clock = new FakeClock()
  told = []
  const onFailure = (name: string, { code, details }: GatewayError) => void told.push([name, code, details])
  cache = new CredentialCache({ clock, valuesMax: 3, onFailure })
  got = 0
  lifeMs = 3_600_000
  failure = undefined
})

describe('a cache of credentials', () => {
  it('asks once for all who ask at the same time, and for each key by itself', async () => {
    expect(await Promise.all([textOf(), textOf(), textOf('b'), textOf()])).toEqual(['a-1', 'a-1', 'b-2', 'a-1'])
    expect(await textOf()).toBe('a-1')
    expect(got).toBe(2)
  })

  it.each([
    [3_600_000, 3_540_000],
    [600_000, 540_000],
    [100_000, 90_000],
    [1_000, 900],
  ])('uses a token of %i ms for %i ms', async (life, usedMs) => {
    lifeMs = life
    await textOf()
    await clock.advance(usedMs - 1)
    expect(await textOf()).toBe('a-1')
    await clock.advance(1)
    expect(await textOf()).toBe('a-2')
  })

  it('asks each time where a token ends at once', async () => {
    lifeMs = 0
    expect([await textOf(), await textOf()]).toEqual(['a-1', 'a-2'])
  })

  it('tells once that asking fails, until it has succeeded', async () => {
    const details = { reason: 'unexpected_status', step: 'token', status: 404 }
    failure = new GatewayError('oauth_server_failed', { details })
    const once = [['files', 'credential_unavailable', details]]
    for (let count = 0; count < 3; count++) {
      await failureOf(textOf())
      await clock.advance(20_000)
    }
    expect([got, told]).toEqual([3, once])
    failure = undefined
    await textOf()
    failure = new Error('words of somebody else')
    await clock.advance(4_000_000)
    await failureOf(textOf())
    expect(told).toEqual([...once, ['files', 'credential_unavailable', { reason: 'internal' }]])
  })

  it('gives nobody a token that was made from something else', async () => {
    await textOf('a', 'ann')
    expect(await textOf('a', 'bob')).toBe('a-2')
    expect(await textOf('a', 'ann')).toBe('a-3')
  })

  it('drops the token that was refused, and none that is newer', async () => {
    await textOf()
    cache.drop('a', 'a-1')
    expect(await textOf()).toBe('a-2')
    cache.drop('a', 'a-1')
    expect(await textOf()).toBe('a-2')
  })

  it('asks less and less often while asking fails, and says why in our words', async () => {
    failure = new GatewayError('oauth_refused', {
      details: { reason: 'invalid_client' },
      cause: 'client_secret=s3cret',
    })
    const refused = await failureOf(textOf())
    expect(refused).toMatchObject({
      code: 'credential_unavailable',
      details: { server: 'files', reason: 'invalid_client' },
    })
    expect(refused.cause).toBeUndefined()
    await failureOf(textOf())
    expect(got).toBe(1)
    for (const [waitMs, asked] of [
      [500, 2],
      [500, 2],
      [500, 3],
    ] as const) {
      await clock.advance(waitMs)
      await failureOf(textOf())
      expect(got).toBe(asked)
    }
    failure = undefined
    await clock.advance(2_000)
    expect(await textOf()).toBe('a-4')
  })

  it('tells each who asked of its own server, and of what its owner must do', async () => {
    failure = new GatewayError('credential_unavailable')
    const [one, other] = await Promise.all([failureOf(textOf('a', '', 'one')), failureOf(textOf('a', '', 'other'))])
    expect([one.details['server'], other.details['server']]).toEqual(['one', 'other'])
    failure = new GatewayError('credential_required')
    expect(await failureOf(textOf('b'))).toMatchObject({ code: 'credential_required' })
    expect(await failureOf(textOf('b'))).toMatchObject({ code: 'credential_required' })
    expect(got).toBe(3)
  })

  it('does not ask another key later because one has failed', async () => {
    failure = new GatewayError('credential_unavailable')
    await failureOf(textOf())
    failure = undefined
    expect(await textOf('b')).toBe('b-2')
  })

  it('goes on with a token that should be renewed and cannot be, until it ends', async () => {
    await textOf()
    failure = new GatewayError('credential_unavailable', { details: { reason: 'unreachable' } })
    await clock.advance(3_550_000)
    expect(await textOf()).toBe('a-1')
    await clock.advance(50_000)
    expect(await failureOf(textOf())).toMatchObject({ details: { reason: 'unreachable' } })
  })

  it('keeps so many and no more, those that have ended least', async () => {
    lifeMs = 1_000
    await textOf('b')
    lifeMs = 3_600_000
    await textOf('a')
    await clock.advance(1_000)
    for (const key of ['c', 'd']) await textOf(key)
    expect(await textOf('a')).toBe('a-2')
    await textOf('e')
    expect(got).toBe(5)
    expect(await textOf('a')).toBe('a-6')
  })
})
