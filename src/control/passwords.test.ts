import { describe, expect, it } from 'vitest'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import { toGatewayError } from '#contract/errors.ts'
import { bound, controlWorld, type ControlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { bootstrapFirstAdmin } from './first-admin.ts'
import { mintToken } from './mint-token.ts'
import { setPassword, signIn } from './passwords.ts'
import { updateResource } from './update-resource.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const mia = resource('user', 'mia')
const noah = resource('user', 'noah')
const robot = resource('user', 'robot', { type: 'service' })
const all = [admin, mia, noah, robot]
const password = 'correct horse battery'

const set = (
  world: ControlWorld,
  by: string,
  { ref = by, ...body }: { ref?: string; password: unknown; current?: string },
) => setPassword(world.deps, world.as('user', by), { ref, body })
const enter = (world: ControlWorld, name: string, given: string) =>
  signIn(world.deps, { name, password: given, address: '192.0.2.1', requestId: 'req_2' })

describe('setPassword', () => {
  it('lets an admin give a user its first password, and the user change it by saying it', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    expect((await enter(world, 'mia', password)).id).toBe(mia.id)
    await set(world, 'mia', { password: 'another long password', current: password })
    expect((await failureOf(enter(world, 'mia', password))).code).toBe('unauthorized')
    expect((await enter(world, 'mia', 'another long password')).id).toBe(mia.id)
  })

  it('ends sign-ins from before', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    await world.clock.advance(5)
    await set(world, 'mia', { password: 'another long password', current: password })
    expect(world.index.get('user', mia.id)?.spec.passwordSetAt).toBe(world.clock.now())
  })

  it('ends one that began with the old password', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    await world.clock.advance(5)
    const before = await enter(world, 'mia', password)
    await set(world, 'mia', { password: 'another long password', current: password })
    expect(before.spec.passwordSetAt).toBeLessThan(world.index.get('user', mia.id)?.spec.passwordSetAt ?? 0)
  })

  it('is one change: where somebody else changes the user meanwhile, the old password and its sign-ins stay good', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    await world.clock.advance(5)
    const before = world.index.get('user', mia.id)?.spec.passwordSetAt
    const { passwords } = world.deps
    world.deps.passwords = {
      ...passwords,
      hash: async (text) => {
        const body = { name: 'mia', displayName: 'Mia' }
        await updateResource(world.deps, world.as('user', 'admin'), { kind: 'user', ref: 'mia', version: null, body })
        return passwords.hash(text)
      },
    }
    const changing = set(world, 'mia', { password: 'another long password', current: password })
    expect((await failureOf(changing)).code).toBe('version_conflict')
    expect((await enter(world, 'mia', password)).spec.passwordSetAt).toBe(before)
    const told = world.events.filter(({ action }) => action === 'set_password')
    expect(told.map(({ outcome }) => outcome)).toEqual(['ok', 'version_conflict'])
  })

  it.each([
    ['its own without saying the one until now', {}, 'invalid_body'],
    ['its own with another one', { current: 'wrong' }, 'unauthorized'],
    ['one that is too short', { password: 'short', current: password }, 'invalid_body'],
    ['one that is too long', { password: 'x'.repeat(257), current: password }, 'invalid_body'],
    ['one that is no text', { password: 7, current: password }, 'invalid_body'],
    ['with an unknown member', { current: password, force: true }, 'invalid_body'],
  ])('refuses %s', async (_, body, code) => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    expect((await failureOf(set(world, 'mia', { password: 'another long password', ...body }))).code).toBe(code)
    expect((await enter(world, 'mia', password)).id).toBe(mia.id)
  })

  it('is nothing that a token does, whatever it may manage', async () => {
    const world = await controlWorld(all)
    await mintToken(world.deps, world.as('user', 'admin'), { name: 'root', rights: 'clone' })
    const attempt = setPassword(world.deps, world.as('token', 'root'), { ref: 'mia', body: { password } })
    expect((await failureOf(attempt)).code).toBe('person_required')
  })

  it('is no way to sign in as somebody who has more', async () => {
    const editor = bound(noah.id, { role: 'edit', resource: 'users' })
    const strong = bound(mia.id, { role: 'delete', resource: 'servers' })
    const world = await controlWorld([...all, resource('user', 'olga'), editor, strong])
    for (const ref of ['admin', 'mia']) {
      expect((await failureOf(set(world, 'noah', { ref, password }))).details).toMatchObject({
        reason: 'user_has_more_rights',
      })
    }
    await set(world, 'noah', { ref: 'olga', password })
    expect((await enter(world, 'olga', password)).name).toBe('olga')
  })

  it('is hidden or forbidden for others', async () => {
    const world = await controlWorld([...all, bound(noah.id, { role: 'view', resource: 'users' })])
    expect((await failureOf(set(world, 'mia', { ref: 'noah', password }))).code).toBe('no_such_resource')
    expect((await failureOf(set(world, 'noah', { ref: 'mia', password }))).code).toBe('forbidden')
    expect((await failureOf(set(world, 'admin', { ref: 'robot', password }))).code).toBe('invalid_body')
  })

  it('records who did it, and no password', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    expect(world.events).toMatchObject([{ action: 'set_password', actor: { id: admin.id }, resource: { id: mia.id } }])
    expect(JSON.stringify(world.events)).not.toContain(password)
    const { changed } = await world.store.load()
    expect(JSON.stringify([changed, world.index.get('user', mia.id)])).not.toContain('hash of')
  })
})

describe('signIn', () => {
  it.each([
    ['there is no such user', 'nobody', password],
    ['the password is another', 'mia', 'wrong'],
    ['the password is far too long', 'mia', 'x'.repeat(100_000)],
    ['the user has none', 'noah', password],
    ['the user is a service', 'robot', password],
    ['the user is disabled', 'admin', password],
    ['the name is no name', "' or 1=1 --", password],
  ])('fails in one and the same way where %s', async (_, name, given) => {
    const world = await controlWorld([...all, resource('user', 'second', { role: 'admin' })])
    for (const ref of ['mia', 'admin']) await set(world, 'second', { ref, password })
    const body = { name: 'admin', isDisabled: true }
    await updateResource(world.deps, world.as('user', 'second'), { kind: 'user', ref: 'admin', version: null, body })
    const failure = await failureOf(enter(world, name, given))
    expect([failure.code, failure.details]).toEqual(['unauthorized', { reason: 'no such name with this password' }])
  })

  it('looks at a password even where there is none, so that time tells nothing', async () => {
    const world = await controlWorld(all)
    const asked: (string | null)[] = []
    const passwords = {
      ...world.deps.passwords,
      verify: async (_: string, hash: string | null) => asked.push(hash) < 0,
    }
    for (const name of ['nobody', 'mia', 'robot']) {
      const attempt = { name, password, address: '', requestId: '' }
      expect((await failureOf(signIn({ ...world.deps, passwords }, attempt))).code).toBe('unauthorized')
    }
    expect(asked).toEqual([null, null, null])
  })

  /** With counters that count, and a password that is right or wrong. */
  async function counting() {
    const world = await controlWorld(all)
    for (const ref of ['mia', 'noah']) await set(world, 'admin', { ref, password })
    let hashed = 0
    const verify: typeof world.deps.passwords.verify = async (...asked) => {
      hashed++
      return world.deps.passwords.verify(...asked)
    }
    const counters = createMemoryCounters({ clock: world.clock })
    const deps = { ...world.deps, counters, passwords: { ...world.deps.passwords, verify } }
    const attempt = async (name: string, address: string, given = 'wrong'): Promise<string> => {
      const asked = { name, password: given, address, requestId: 'req_2' }
      return signIn(deps, asked).then(
        () => 'ok',
        (error: unknown) => toGatewayError(error).code,
      )
    }
    const times = async (count: number, one: (index: number) => Promise<string>): Promise<string[]> => {
      const codes: string[] = []
      for (let index = 0; index < count; index++) codes.push(await one(index))
      return [...new Set(codes)]
    }
    return { world, attempt, times, hashed: () => hashed }
  }

  it('stops hashing for who tries one name too often, and lets the person in from elsewhere', async () => {
    const { world, attempt, times, hashed } = await counting()
    expect(await times(10, () => attempt('mia', '192.0.2.1'))).toEqual(['unauthorized'])
    const before = hashed()
    expect(await attempt('mia', '192.0.2.1', password)).toBe('rate_limited')
    expect(hashed()).toBe(before)
    expect(await attempt('noah', '192.0.2.1', password)).toBe('ok')
    expect(await attempt('mia', '192.0.2.2', password)).toBe('ok')
    await world.clock.advance(30_000)
    expect(await attempt('mia', '192.0.2.1', password)).toBe('ok')
  })

  it('stops who tries many names from one address, and nobody else', async () => {
    const { attempt, times } = await counting()
    expect(await times(100, (index) => attempt(`name-${index}`, '192.0.2.1'))).toEqual(['unauthorized'])
    expect(await attempt('mia', '192.0.2.1', password)).toBe('rate_limited')
    expect(await attempt('mia', '192.0.2.2', password)).toBe('ok')
  })

  it('stops many addresses that try one name, be it called by its id', async () => {
    const { world, attempt, times } = await counting()
    const address = (index: number): string => `198.51.100.${index}`
    const name = (index: number): string => (index % 2 === 0 ? 'mia' : mia.id)
    expect(await times(100, (index) => attempt(name(index), address(index)))).toEqual(['unauthorized'])
    expect(await attempt('mia', '192.0.2.1', password)).toBe('rate_limited')
    expect(await attempt('noah', '192.0.2.1', password)).toBe('ok')
    // Ten a minute in the long run.
    await world.clock.advance(60_000)
    expect(await times(10, (index) => attempt('mia', address(100 + index)))).toEqual(['unauthorized'])
    expect(await attempt('mia', '192.0.2.1')).toBe('rate_limited')
  })

  it('counts a name that is written like another’s attempts by itself', async () => {
    const { attempt, times } = await counting()
    for (const name of ['mia 192.0.2.1', 'mia from 192.0.2.1', '192.0.2.1 mia', '192.0.2.1 of mia'])
      await times(100, (index) => attempt(name, `198.51.100.${index}`))
    expect(await times(10, () => attempt('mia', '192.0.2.1', password))).toEqual(['ok'])
  })

  it('says when to try again', async () => {
    const world = await controlWorld(all)
    world.exhausted.add('sign-in from 192.0.2.1')
    const failure = await failureOf(enter(world, 'mia', password))
    expect(failure).toMatchObject({ code: 'rate_limited', details: { limit: 'sign_in', retryAfterMs: 5_000 } })
  })

  it('records every attempt, and a name only where it is a user’s', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    await enter(world, 'mia', password)
    await failureOf(enter(world, 'mia', 'wrong'))
    await failureOf(enter(world, password, ''))
    expect(world.events.slice(1)).toMatchObject([
      { action: 'sign_in', outcome: 'ok', resource: { id: mia.id, name: 'mia' } },
      { action: 'sign_in', outcome: 'unauthorized', resource: { id: mia.id, name: 'mia' } },
      { action: 'sign_in', outcome: 'unauthorized', resource: { id: '', name: '' } },
    ])
    expect(JSON.stringify(world.events)).not.toContain(password)
  })

  it('gives a person who was a service meanwhile no old password back', async () => {
    const world = await controlWorld(all)
    await set(world, 'admin', { ref: 'mia', password })
    for (const type of ['service', 'human']) {
      const body = { name: 'mia', type }
      await updateResource(world.deps, world.as('user', 'admin'), { kind: 'user', ref: 'mia', version: null, body })
    }
    expect((await failureOf(enter(world, 'mia', password))).code).toBe('unauthorized')
  })
})

describe('bootstrapFirstAdmin', () => {
  const start = (world: ControlWorld, name = 'root') => bootstrapFirstAdmin(world.deps, { name, password })

  it('makes one admin who can sign in, once', async () => {
    const world = await controlWorld([mia])
    expect(await start(world)).toBe(true)
    expect((await enter(world, 'root', password)).spec.role).toBe('admin')
    expect(await start(world)).toBe(false)
    expect(await start(world, 'another')).toBe(false)
    expect((await world.store.list('user', { limit: 10 })).map(({ name }) => name)).toEqual(['mia', 'root'])
    expect(world.events.filter(({ action }) => action === 'bootstrap')).toMatchObject([{ outcome: 'ok' }])
  })

  it('makes one on any number of replicas that start at one moment, be it under several names', async () => {
    const world = await controlWorld([])
    const answers = await Promise.all(['root', 'root', 'boss', 'root'].map((name) => start(world, name)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await world.store.list('user', { limit: 10 })).toHaveLength(1)
  })

  it('does nothing where there is an admin already', async () => {
    const world = await controlWorld(all)
    expect(await start(world)).toBe(false)
    expect(await world.count()).toBe(all.length)
  })

  it('never leaves an admin without a password where the store fails', async () => {
    const world = await controlWorld([])
    const store = {
      ...world.deps.store,
      list: world.store.list.bind(world.store),
      write: () => Promise.reject(new Error('killed')),
    }
    await expect(bootstrapFirstAdmin({ ...world.deps, store }, { name: 'root', password })).rejects.toThrow('killed')
    expect(await start(world)).toBe(true)
    expect((await enter(world, 'root', password)).name).toBe('root')
  })

  it.each([
    ['invalid_body', 'Root', password],
    ['invalid_body', 'root', 'short'],
    ['already_exists', 'mia', password],
  ])('fails with %s for the name %s', async (code, name, given) => {
    const world = await controlWorld([mia])
    expect((await failureOf(bootstrapFirstAdmin(world.deps, { name, password: given }))).code).toBe(code)
    expect(await world.count()).toBe(1)
  })
})
