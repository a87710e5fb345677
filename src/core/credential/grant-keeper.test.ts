import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import { MemoryCredentialBook, storedCredential, storedGrant } from '#test/support/credential-books.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { issuerSource, RotatingIssuer } from '#test/support/rotating-issuer.ts'
import { nameOfCredential } from './credential-name.ts'
import { GrantKeeper } from './grant-keeper.ts'
import type { GrantPlan } from './grant-plan.ts'
import type { CredentialOwner, StoredCredential, StoredGrant } from './stored-credential.ts'

const hourMs = 3_600_000
const ann: CredentialOwner = { kind: 'user', ref: 'usr_ann' }
const annsName = nameOfCredential('srv_files', ann)

const plan: GrantPlan = {
  serverId: 'srv_files',
  serverName: 'files',
  owner: ann,
  fits: ({ issuer }) => issuer === 'https://as.example',
  source: async () => issuerSource,
  refusal: (state, reason) => new GatewayError('credential_required', { details: { state, reason } }),
}

let clock: FakeClock
let book: MemoryCredentialBook
let issuer: RotatingIssuer
let events: ChangeEvent[]
let keeper: GrantKeeper

const newKeeper = () =>
  new GrantKeeper({ book, clock, oauth: issuer, changes: { append: (event) => void events.push(event) } })
const give = (grant: Partial<StoredGrant> = {}, differs: Partial<StoredCredential> = {}) =>
  book.put(storedCredential({ secret: storedGrant(grant), ...differs }))
const current = async (of = keeper) => (await of.current(plan)).grant.accessToken
const stored = () => book.find(annsName)?.credential
const unreachable = new GatewayError('credential_unavailable', { details: { reason: 'unreachable' } })

beforeEach(() => {
  clock = new FakeClock()
  book = new MemoryCredentialBook()
  issuer = new RotatingIssuer({ now: () => clock.now(), lifeMs: hourMs })
  events = []
  keeper = newKeeper()
})

describe('a grant that is good', () => {
  it('is there at once, until a minute before its end', async () => {
    give()
    expect(keeper.current(plan)).toEqual({ grant: storedGrant(), goodUntil: 1_000_000 + hourMs - 60_000 })
    await clock.advance(hourMs - 60_001)
    expect(keeper.current(plan)).not.toBeInstanceOf(Promise)
    await clock.advance(1)
    expect(await current()).toBe('access-1')
  })

  it('is renewed after nine tenths of a short life', async () => {
    give({ expiresAt: 1_000_000 + 10_000 })
    await clock.advance(8_999)
    expect(keeper.current(plan)).not.toBeInstanceOf(Promise)
    await clock.advance(1)
    expect(await current()).toBe('access-1')
  })

  it('is used for ever where it does not say that it ends', async () => {
    give({ expiresAt: null })
    await clock.advance(1_000 * hourMs)
    expect(keeper.current(plan)).toMatchObject({ goodUntil: Infinity })
  })

  it('is used to its end where it cannot be renewed, and then its owner is asked', async () => {
    give({ refreshToken: null })
    await clock.advance(hourMs - 1)
    expect(keeper.current(plan)).not.toBeInstanceOf(Promise)
    await clock.advance(1)
    expect(await failureOf(current())).toMatchObject({
      code: 'credential_required',
      details: { state: 'needs_attention', reason: 'cannot_be_renewed' },
    })
    expect(stored()).toMatchObject({ state: 'needs_attention', reason: 'cannot_be_renewed' })
  })

  it('goes on while more scopes are wanted of it, and is renewed as well', async () => {
    give({}, { state: 'needs_attention', reason: 'more_scopes_needed', scopesWanted: ['admin'] })
    expect(await current()).toBe('access-0')
    await clock.advance(hourMs)
    expect(await current()).toBe('access-1')
    expect(stored()).toMatchObject({ state: 'needs_attention', reason: 'more_scopes_needed', scopesWanted: ['admin'] })
    expect(events).toEqual([])
  })
})

describe('a grant that is not there', () => {
  it.each<[string, Partial<StoredCredential> | null, object]>([
    ['nothing stored', null, { state: 'missing', reason: null }],
    ['no secret yet', { state: 'connecting', reason: 'began' }, { state: 'connecting', reason: 'began' }],
    ['a key in its place', { secret: { kind: 'key', parts: { token: 't' } } }, { state: 'missing', reason: null }],
    [
      'one that has ended',
      { state: 'needs_attention', reason: 'grant_ended', secret: storedGrant() },
      { state: 'needs_attention', reason: 'grant_ended' },
    ],
    ['one that was revoked', { state: 'revoked', reason: 'revoked' }, { state: 'revoked', reason: 'revoked' }],
    [
      'one of another issuer',
      { secret: storedGrant({ issuer: 'https://evil.example' }) },
      { state: 'missing', reason: null },
    ],
  ])('is told: %s', async (_what, differs, details) => {
    if (differs) book.put(storedCredential(differs))
    expect(await failureOf(current())).toMatchObject({ code: 'credential_required', details })
    expect(issuer.sources).toEqual([])
  })
})

describe('a renewal', () => {
  it('is one, for all who ask, here and on another replica', async () => {
    give()
    await clock.advance(hourMs)
    const other = newKeeper()
    const asking = [current(), current(other), current(), current(other)]
    await clock.advance(10_000)
    expect(await Promise.all(asking)).toEqual(Array.from({ length: 4 }, () => 'access-1'))
    expect(issuer.refreshed).toBe(1)
    expect(stored()).toMatchObject({
      state: 'connected',
      reason: 'renewed',
      renewingUntil: null,
      secret: { accessToken: 'access-1', refreshToken: 'refresh-1' },
    })
    expect(events).toEqual([])
  })

  it('is claimed before the authorization server is asked', async () => {
    give()
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(0)
    expect(stored()?.renewingUntil).toBe(clock.now() + 30_000)
    await asking
  })

  it('is taken over from who does not come back', async () => {
    give({}, { renewingUntil: 1_000_000 + hourMs + 5_000 })
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(4_000)
    expect(issuer.refreshed).toBe(0)
    await clock.advance(2_000)
    expect(await asking).toBe('access-1')
  })

  it('keeps what the answer does not say', async () => {
    give({ scopes: ['read'], idToken: 'id' })
    await clock.advance(hourMs)
    const [kept] = await Promise.all([keeper.current(plan), clock.advance(100)])
    expect(kept.grant).toMatchObject({ scopes: ['read'], idToken: 'id', issuer: 'https://as.example' })
  })

  it('ends sooner than its claim, however long the definition lets a request take', async () => {
    give()
    await clock.advance(hourMs)
    await current()
    expect(issuer.sources[0]?.timeoutMs).toBeLessThan(20_000)
  })

  it('is not begun when its claim could end before it', async () => {
    give()
    await clock.advance(hourMs)
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = { ...plan, source: () => promise.then(() => issuerSource) }
    const asking = failureOf(keeper.renew(slow, null))
    await clock.advance(10_001)
    resolve()
    expect(await asking).toMatchObject({ code: 'credential_unavailable', details: { reason: 'timeout' } })
    expect(issuer.sources).toEqual([])
    expect(stored()?.renewingUntil).toBeNull()
  })

  it('of a token that was refused gives another one to all who were refused', async () => {
    give()
    const [one, two] = await Promise.all([keeper.renew(plan, 'access-0'), keeper.renew(plan, 'access-0')])
    expect([one.grant.accessToken, two.grant.accessToken]).toEqual(['access-1', 'access-1'])
    expect((await keeper.renew(plan, 'access-0')).grant.accessToken).toBe('access-1')
    expect(issuer.refreshed).toBe(1)
    expect((await keeper.renew(plan, 'access-1')).grant.accessToken).toBe('access-2')
  })
})

describe('a renewal that is refused', () => {
  it('ends the grant, for its owner to see', async () => {
    give()
    issuer.isRevoked = true
    await clock.advance(hourMs)
    expect(await failureOf(current())).toMatchObject({ code: 'credential_required' })
    expect(stored()).toMatchObject({ state: 'needs_attention', reason: 'grant_ended', renewingUntil: null })
    expect(events).toMatchObject([
      { actor: { kind: 'system' }, action: 'update', resource: { kind: 'credential', name: annsName }, outcome: 'ok' },
    ])
    await failureOf(current())
    expect(issuer.sources).toHaveLength(1)
  })

  it('does not count where another replica has renewed it meanwhile', async () => {
    give()
    await clock.advance(hourMs)
    const { promise, resolve } = Promise.withResolvers<void>()
    issuer.failure = new GatewayError('oauth_refused', { details: { reason: 'invalid_grant' } })
    const asking = current()
    book.meanwhile = resolve
    await promise
    const claimed = stored()
    if (!claimed) throw new Error('nothing is stored')
    await Promise.resolve()
    const newer = { accessToken: 'newer', refreshToken: 'newer', expiresAt: clock.now() + hourMs }
    give(newer, { stateAt: clock.now() })
    expect(await asking).toBe('newer')
    expect(stored()?.state).toBe('connected')
  })

  it('for a reason that is not the grant’s leaves it as it is, tells nobody’s words, and is tried again later', async () => {
    give()
    issuer.failure = new GatewayError('oauth_refused', { details: { reason: 'invalid_client' }, cause: 'their words' })
    await clock.advance(hourMs)
    const failure = await failureOf(current())
    expect(failure).toMatchObject({
      code: 'credential_unavailable',
      details: { server: 'files', reason: 'invalid_client' },
    })
    expect(failure).not.toHaveProperty('cause', 'their words')
    expect(stored()).toMatchObject({ state: 'connected', renewingUntil: null })
    expect(await failureOf(current())).toMatchObject({ code: 'credential_unavailable' })
    expect(issuer.sources).toHaveLength(1)
    issuer.failure = undefined
    await clock.advance(500)
    expect(await current()).toBe('access-1')
  })
})

describe('an authorization server that is away', () => {
  it('costs nothing while the token is good, and is asked again', async () => {
    give()
    issuer.failure = unreachable
    await clock.advance(hourMs - 60_000)
    expect(await current()).toBe('access-0')
    expect(keeper.current(plan)).toMatchObject({ grant: { accessToken: 'access-0' }, goodUntil: clock.now() + 500 })
    await clock.advance(60_000)
    expect(await failureOf(current())).toMatchObject({ code: 'credential_unavailable' })
    expect(stored()).toMatchObject({ state: 'connected', renewingUntil: null })
  })

  it('is not asked for each of the calls that are refused meanwhile', async () => {
    give()
    issuer.failure = unreachable
    for (let i = 0; i < 5; i++)
      expect(await failureOf(keeper.renew(plan, 'access-0'))).toMatchObject({ code: 'credential_unavailable' })
    expect(issuer.sources).toHaveLength(1)
    issuer.failure = undefined
    await clock.advance(500)
    expect((await keeper.renew(plan, 'access-0')).grant.accessToken).toBe('access-1')
  })
})

describe('a store that is away', () => {
  it('costs no grant: what was got is kept, used and stored when it is back', async () => {
    give()
    const { promise, resolve } = Promise.withResolvers<void>()
    issuer.gate = promise
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(10)
    book.failure.writes = book.failure.reads = new GatewayError('storage_unavailable')
    resolve()
    expect(await asking).toBe('access-1')
    expect(await current()).toBe('access-1')
    await clock.advance(3_000)
    expect(stored()).toMatchObject({ secret: { refreshToken: 'refresh-0' } })
    book.failure = {}
    await clock.advance(5_000)
    expect(stored()).toMatchObject({ secret: { refreshToken: 'refresh-1' }, renewingUntil: null })
    expect(clock.waiting).toBe(0)
  })

  it('and is back after the owner has ended it does not bring it back', async () => {
    give()
    const { promise, resolve } = Promise.withResolvers<void>()
    issuer.gate = promise
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(10)
    book.failure.writes = new GatewayError('storage_unavailable')
    resolve()
    await asking
    book.failure = {}
    book.put(storedCredential({ state: 'revoked', reason: 'revoked' }))
    expect(await failureOf(current())).toMatchObject({ details: { state: 'revoked' } })
    await clock.advance(5_000)
    expect(stored()).toMatchObject({ state: 'revoked', secret: null })
    expect(issuer.revoked).toEqual(['refresh-1'])
  })

  it('and is back after the owner has given another account has that one used at once', async () => {
    give()
    const { promise, resolve } = Promise.withResolvers<void>()
    issuer.gate = promise
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(10)
    book.failure.writes = new GatewayError('storage_unavailable')
    resolve()
    await asking
    give({ accessToken: 'other', refreshToken: 'r-other', expiresAt: 1_000_000 + 3 * hourMs })
    expect(await current()).toBe('other')
    expect((await keeper.renew(plan, 'access-0')).grant.accessToken).toBe('other')
  })

  it('lets nothing go out without a good token', async () => {
    give()
    book.failure.reads = new GatewayError('storage_unavailable')
    await clock.advance(hourMs)
    expect(await failureOf(current())).toMatchObject({
      code: 'credential_unavailable',
      details: { reason: 'storage_unavailable' },
    })
    expect(issuer.sources).toEqual([])
  })
})

describe('an owner who comes between', () => {
  /** What somebody gets who asked before. */
  const renewing = async (between: () => void): Promise<string> => {
    give()
    const { promise, resolve } = Promise.withResolvers<void>()
    issuer.gate = promise
    await clock.advance(hourMs)
    const asking = current()
    await clock.advance(10)
    between()
    resolve()
    return asking
  }

  it('with another grant has that one used, and the renewed one given back', async () => {
    const other = { accessToken: 'other', refreshToken: 'r-other', expiresAt: 2_000_000 + 2 * hourMs }
    expect(await renewing(() => void give(other, { stateAt: 1_000_000 + hourMs }))).toBe('other')
    expect(issuer.revoked).toEqual(['refresh-1'])
  })

  it('and revokes it ends what was renewed, too', async () => {
    const asking = renewing(() => void book.put(storedCredential({ state: 'revoked', reason: 'revoked' })))
    expect(await failureOf(asking)).toMatchObject({ code: 'credential_required', details: { state: 'revoked' } })
    expect(issuer.revoked).toEqual(['refresh-1'])
    expect(stored()).toMatchObject({ state: 'revoked', secret: null })
  })
})

describe('what the server says of a grant', () => {
  it('ends it where it refuses this token, and not where it refused one of before', async () => {
    give()
    await keeper.refuse(plan, 'access-old')
    expect(stored()?.state).toBe('connected')
    await keeper.refuse(plan, 'access-0')
    expect(stored()).toMatchObject({ state: 'needs_attention', reason: 'refused_by_server' })
    expect(events).toHaveLength(1)
  })

  it('adds up the scopes that it wants, and is recorded once', async () => {
    give()
    await keeper.wantScopes(plan, ['read'])
    await keeper.wantScopes(plan, ['read', 'write'])
    await keeper.wantScopes(plan, ['write'])
    expect(stored()).toMatchObject({ reason: 'more_scopes_needed', scopesWanted: ['read', 'write'] })
    expect(events).toHaveLength(1)
    expect(book.written).toHaveLength(2)
  })
})
