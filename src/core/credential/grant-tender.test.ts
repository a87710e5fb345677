import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryLocks } from '#adapters/memory/locks.ts'
import { GatewayError } from '#contract/errors.ts'
import { storedGrant } from '#test/support/credential-books.ts'
import { CredentialLab } from '#test/support/credential-lab.ts'
import { issuerSource } from '#test/support/rotating-issuer.ts'
import { GrantTender } from './grant-tender.ts'
import type { Locks } from '#core/locks/locks.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

let lab: CredentialLab
let locks: Locks
let tender: GrantTender
let tended: string[]

beforeEach(() => {
  lab = new CredentialLab()
  locks = createMemoryLocks({ clock: lab.clock })
  tended = []
  tender = newTender()
})

function newTender(): GrantTender {
  return new GrantTender({
    ...lab.deps,
    locks,
    planOf: (serverId, owner) => {
      tended.push(owner.ref)
      if (serverId === 'srv_gone') return null
      return {
        serverId,
        serverName: 'files',
        owner,
        fits: () => true,
        source: async () => issuerSource,
        refusal: (state) => new GatewayError('credential_required', { details: { state } }),
      }
    },
  })
}

const tokenOf = (): unknown => lab.stored()?.secret

describe('a grant that can be renewed', () => {
  it('is renewed before calls would have to wait for it, and not earlier', async () => {
    lab.connect()
    await lab.clock.advance(hourMs - 180_001)
    await tender.tend()
    expect(tokenOf()).toMatchObject({ accessToken: 'access-0' })
    await lab.clock.advance(1)
    await tender.tend()
    expect(tokenOf()).toMatchObject({ accessToken: 'access-1' })
    expect(lab.events).toEqual([])
  })

  it('is renewed by one replica', async () => {
    lab.connect()
    await lab.clock.advance(hourMs)
    await Promise.all([tender.tend(), newTender().tend()])
    expect(lab.oauth.issuer.refreshed).toBe(1)
    expect(tended).toHaveLength(1)
  })

  it('is left alone where it is not in use: ended, revoked, or for a server that is not there', async () => {
    lab.connect({}, { state: 'needs_attention', reason: 'grant_ended' })
    lab.connect({}, { owner: { kind: 'team', ref: 't' }, state: 'revoked', reason: 'revoked' })
    lab.connect({}, { server: 'srv_gone' })
    await lab.clock.advance(hourMs)
    await tender.tend()
    expect(lab.oauth.issuer.refreshed).toBe(0)
    expect(lab.book.written).toEqual([])
  })

  it('that fails waits longer and longer, and the others come first', async () => {
    lab.connect()
    lab.oauth.issuer.failure = new GatewayError('credential_unavailable', { details: { reason: 'unreachable' } })
    await lab.clock.advance(hourMs)
    for (const waitMs of [0, 30_000, 30_000, 60_000, 60_000]) {
      await lab.clock.advance(waitMs)
      await tender.tend()
    }
    expect(tended).toHaveLength(3)
    expect(lab.stored()).toMatchObject({ state: 'connected' })
  })

  it('that has ended at its issuer is told', async () => {
    lab.connect()
    lab.oauth.issuer.isRevoked = true
    await lab.clock.advance(hourMs)
    await tender.tend()
    expect(lab.stored()).toMatchObject({ state: 'needs_attention', reason: 'grant_ended' })
    expect(lab.events).toMatchObject([
      { actor: { kind: 'system' }, changed: ['state to needs_attention (grant_ended)'] },
    ])
  })

  it('comes after those that end sooner', async () => {
    for (const [ref, minutes] of [
      ['late', 3],
      ['soon', 1],
      ['sooner', 0],
    ] as const)
      lab.give({
        owner: { kind: 'user', ref },
        secret: storedGrant({ expiresAt: 1_000_000 + hourMs + minutes * 60_000 }),
      })
    await lab.clock.advance(hourMs)
    await tender.tend()
    expect(tended).toEqual(['sooner', 'soon', 'late'])
  })
})

describe('a grant that cannot be renewed', () => {
  it.each([
    ['a day before its end', 100 * dayMs, dayMs],
    ['a tenth of its life before its end', 10 * hourMs, hourMs],
  ])('is expiring from %s', async (_what, lifeMs, beforeMs) => {
    lab.connect({ refreshToken: null, expiresAt: 1_000_000 + lifeMs })
    await lab.clock.advance(lifeMs - beforeMs - 1)
    await tender.tend()
    expect(lab.stored()?.state).toBe('connected')
    await lab.clock.advance(1)
    await tender.tend()
    expect(lab.stored()).toMatchObject({ state: 'expiring', reason: 'ends_soon' })
    await tender.tend()
    expect(lab.book.written).toHaveLength(1)
    await lab.clock.advance(beforeMs)
    await tender.tend()
    expect(lab.stored()).toMatchObject({ state: 'needs_attention', reason: 'cannot_be_renewed' })
    expect(lab.events).toHaveLength(2)
  })

  it('and does not say when it ends is left alone', async () => {
    lab.connect({ refreshToken: null, expiresAt: null })
    await lab.clock.advance(1_000 * dayMs)
    await tender.tend()
    expect(lab.book.written).toEqual([])
  })
})

describe('somebody who has begun to connect', () => {
  it('and does not come back has abandoned it', async () => {
    lab.give({ state: 'connecting', reason: 'began' })
    await lab.clock.advance(899_999)
    await tender.tend()
    expect(lab.stored()?.state).toBe('connecting')
    await lab.clock.advance(1)
    await tender.tend()
    expect(lab.stored()).toMatchObject({ state: 'needs_attention', reason: 'abandoned' })
  })

  it('is nobody who gives a key, and its variables first', async () => {
    lab.give({ server: 'srv_gone', state: 'connecting', reason: 'began', variables: { A: 'a' } })
    await lab.clock.advance(900_000)
    await tender.tend()
    expect(lab.book.written).toEqual([])
  })

  it('and comes back at that moment is connected', async () => {
    lab.give({ state: 'connecting', reason: 'began' })
    await lab.clock.advance(900_000)
    lab.book.meanwhile = () => lab.connect({}, { stateAt: lab.clock.now() })
    await tender.tend()
    expect(lab.stored()).toMatchObject({ state: 'connected' })
  })
})

describe('a round', () => {
  it('is nobody’s while nobody knows whose turn it is', async () => {
    const failure = new GatewayError('storage_unavailable')
    locks = { tryLock: () => Promise.reject(failure) }
    await expect(newTender().tend()).rejects.toBe(failure)
  })

  it('lets go of its turn, whatever becomes of it', async () => {
    lab.give({ state: 'connecting', reason: 'began' })
    await lab.clock.advance(900_000)
    lab.book.failure.reads = new GatewayError('storage_unavailable')
    await tender.tend()
    expect(await locks.tryLock('tend-grants', 1_000)).not.toBeNull()
  })
})
