import { describe, expect, it } from 'vitest'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { Binding } from '#contract/role-binding.ts'
import { bound, controlWorld, type ControlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import {
  admin,
  all,
  dayMs,
  editServers,
  github,
  mia,
  mint,
  noah,
  viewServers,
  writer,
} from '#test/support/token-cast.ts'
import { deleteResource } from './delete-resource.ts'
import { getResource } from './get-resource.ts'
import { introspectToken } from './introspect-token.ts'
import { mintToken } from './mint-token.ts'
import { revokeToken } from './revoke-token.ts'
import { rotateToken } from './rotate-token.ts'
import { updateResource } from './update-resource.ts'

const tokenOf = (name: string, ref: string, spec: object = {}) =>
  resource('token', name, { owner: { kind: 'user', ref }, digest: `of ${name}`, ...spec })

describe('a token as an actor', () => {
  it('makes, changes, rotates and clones no token, whatever it may manage', async () => {
    const world = await controlWorld(all)
    await mint(world, 'admin', { name: 'root', rights: 'clone' })
    await mint(world, 'admin', { name: 'other' })
    const root = world.as('token', 'root')
    const body = { name: 'other', owner: { kind: 'user', ref: 'admin' }, expiresAt: 9_999_999_999_999 }
    const attempts = [
      mintToken(world.deps, root, { name: 'child', owner: { kind: 'user', ref: 'admin' } }),
      mintToken(world.deps, root, { name: 'child', rights: 'clone' }),
      rotateToken(world.deps, root, { ref: 'other', version: null, body: {} }),
      rotateToken(world.deps, root, { ref: 'root', version: null, body: {} }),
      updateResource(world.deps, root, { kind: 'token', ref: 'other', version: null, body }),
      updateResource(world.deps, root, {
        kind: 'token',
        ref: 'root',
        version: null,
        body: { ...body, name: 'root', bindings: [] },
      }),
    ]
    for (const attempt of attempts) expect((await failureOf(attempt)).code).toBe('person_required')
    expect((await world.store.list('token', { limit: 10 })).map(({ name }) => name)).toEqual(['other', 'root'])
  })

  it('manages what both its bindings and its owner allow', async () => {
    const world = await controlWorld([...all, bound(mia.id, viewServers, { role: 'edit', resource: 'projects' })])
    await mint(world, 'mia', { name: 'ci', bindings: [viewServers] })
    const ci = world.as('token', 'ci')
    expect((await getResource(world.deps, ci, { kind: 'server', ref: 'github' })).name).toBe('github')
    for (const kind of ['project', 'team', 'user', 'policy'] as const) {
      const [first] = await world.store.list(kind, { limit: 1 })
      expect((await failureOf(getResource(world.deps, ci, { kind, ref: first?.id ?? '' }))).code).toBe(
        'no_such_resource',
      )
    }
  })

  it('revokes itself', async () => {
    const world = await controlWorld(all)
    await mint(world, 'mia', { name: 'ci' })
    const view = await revokeToken(world.deps, world.as('token', 'ci'), { ref: 'ci', version: null })
    expect(view['status']).toBe('revoked')
  })
})

describe('a change of a token', () => {
  const change = (world: ControlWorld, by: string, more: object) =>
    updateResource(world.deps, world.as('user', by), {
      kind: 'token',
      ref: 'ci',
      version: null,
      body: { name: 'ci', owner: { kind: 'user', ref: 'mia' }, ...more },
    })

  it('never moves it to another owner or project', async () => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id)])
    for (const more of [{ owner: { kind: 'user', ref: 'noah' } }, { project: 'site' }]) {
      const failure = await failureOf(change(world, 'admin', more))
      expect(failure).toMatchObject({ code: 'invalid_body', details: { problems: [{ path: Object.keys(more)[0] }] } })
    }
  })

  it('leaves the secret as it was', async () => {
    const world = await controlWorld(all)
    const { secret } = await mint(world, 'mia', { name: 'ci' })
    await change(world, 'mia', { name: 'build', description: 'x' })
    expect((await world.stored('token', 'build'))?.spec).toMatchObject({ digest: hashToken(secret), revokedAt: null })
  })

  it('by its owner keeps what an admin gave, and widens nothing', async () => {
    const given = { policies: [writer.id], servers: [github.id], limits: { callsPerMinuteMax: 1 } }
    const world = await controlWorld([...all, tokenOf('ci', mia.id, given)])
    const same = { policies: ['writer'], servers: ['github'], limits: { callsPerMinuteMax: 1 } }
    expect((await change(world, 'mia', { ...same, description: 'mine' }))['description']).toBe('mine')
    for (const more of [{ servers: undefined }, { limits: {} }, { expiresAt: 9_999_999_999_999 }, { tools: [] }]) {
      expect((await failureOf(change(world, 'mia', { ...same, ...more }))).code).toBe('exceeds_creator')
    }
    expect((await change(world, 'mia', { policies: [], servers: ['github'] }))['policies']).toEqual([])
  })
})

describe('revokeToken', () => {
  it('ends it at once and for ever, and keeps the row', async () => {
    const world = await controlWorld(all)
    const { secret } = await mint(world, 'mia', { name: 'ci', bindings: [] })
    const revoke = () => revokeToken(world.deps, world.as('user', 'mia'), { ref: 'ci', version: null })
    const view = await revoke()
    expect(view).toMatchObject({ status: 'revoked', revokedAt: world.clock.now(), version: 2 })
    await world.clock.advance(1_000)
    expect(await revoke()).toEqual(view)
    expect(introspectToken(world.deps, world.as('user', 'admin').actor, secret)).toEqual({ active: false })
    expect(world.index.tokenByDigest(hashToken(secret))?.spec.revokedAt).not.toBeNull()
  })

  it.each([
    ['its owner', 'mia', 'ok'],
    ['an admin', 'admin', 'ok'],
    ['somebody else', 'noah', 'no_such_resource'],
  ])('is done by %s', async (_, by, outcome) => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id)])
    await revokeToken(world.deps, world.as('user', by), { ref: 'ci', version: null }).catch(() => null)
    expect(world.events).toMatchObject([{ action: 'revoke', outcome }])
    expect((await world.stored('token', 'ci'))?.spec.revokedAt !== null).toBe(outcome === 'ok')
  })

  it.each([
    ['revoked', { revokedAt: 7 }],
    ['expired', { expiresAt: 7 }],
  ])('gives its name free: one that is %s goes on in lists under another', async (status, ended) => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id, ended)])
    const { token } = await mint(world, 'mia', { name: 'ci' })
    expect(token).toMatchObject({ name: 'ci', status: 'active' })
    const old = await getResource(world.deps, world.as('user', 'mia'), { kind: 'token', ref: 'tok_ci' })
    expect(old).toMatchObject({ status, name: expect.stringMatching(/^ci\.old-[a-z0-9]+$/) })
    expect((await failureOf(mint(world, 'mia', { name: 'ci' }))).code).toBe('already_exists')
  })

  it('keeps its name from who could not rename it', async () => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id, { revokedAt: 7 })])
    expect((await failureOf(mint(world, 'noah', { name: 'ci' }))).code).toBe('already_exists')
    expect(await world.stored('token', 'ci')).toMatchObject({ id: 'tok_ci' })
  })

  it('is something else than to delete it', async () => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id)])
    await deleteResource(world.deps, world.as('user', 'mia'), { kind: 'token', ref: 'ci', version: null })
    expect(await world.stored('token', 'ci')).toBeNull()
  })

  it('leaves what the configuration declares alone', async () => {
    const declared = { ...tokenOf('ci', mia.id), id: 'cfg_token_ci' }
    const world = await controlWorld(all, [declared])
    const failure = await failureOf(revokeToken(world.deps, world.as('user', 'admin'), { ref: 'ci', version: null }))
    expect(failure.code).toBe('read_only')
  })
})

describe('rotateToken', () => {
  const rotate = (world: ControlWorld, by: string, body: object = {}) =>
    rotateToken(world.deps, world.as('user', by), { ref: 'ci', version: null, body })

  it('gives a new secret at once, with the old one valid beside it until the overlap ends', async () => {
    const world = await controlWorld(all)
    const old = await mint(world, 'mia', { name: 'ci', description: 'x', servers: [] })
    const { secret, token } = await rotate(world, 'mia', { overlapMs: 60_000 })
    expect(token).toMatchObject({ name: 'ci', description: 'x', servers: [], status: 'active', expiresAt: null })
    const isActive = (raw: string) => introspectToken(world.deps, world.as('user', 'admin').actor, raw).active
    expect([isActive(old.secret), isActive(secret)]).toEqual([true, true])
    await world.clock.advance(59_999)
    expect(isActive(old.secret)).toBe(true)
    await world.clock.advance(1)
    expect([isActive(old.secret), isActive(secret)]).toEqual([false, true])
    const replaced = await getResource(world.deps, world.as('user', 'mia'), { kind: 'token', ref: old.token.id })
    expect(replaced).toMatchObject({ status: 'expired', replacedBy: token.id })
    expect(replaced.name).toMatch(/^ci\.old-[a-z0-9]+$/)
  })

  it('overlaps a day where nothing is said, and not at all for 0', async () => {
    const world = await controlWorld(all)
    const old = await mint(world, 'mia', { name: 'ci' })
    await rotate(world, 'mia')
    expect((await world.store.get('token', old.token.id))?.spec.expiresAt).toBe(world.clock.now() + dayMs)
    const { token } = await mint(world, 'mia', { name: 'two' })
    await rotateToken(world.deps, world.as('user', 'mia'), { ref: 'two', version: 1, body: { overlapMs: 0 } })
    expect((await world.store.get('token', token.id))?.spec.revokedAt).toBe(world.clock.now())
  })

  it('never lengthens the life of the old one, and gives the new one as long a life', async () => {
    const world = await controlWorld(all)
    const old = await mint(world, 'mia', { name: 'ci', expires: '2h' })
    await world.clock.advance(3_600_000)
    const { token } = await rotate(world, 'mia')
    expect((await world.store.get('token', old.token.id))?.spec.expiresAt).toBe(old.token['expiresAt'])
    expect(token['expiresAt']).toBe(world.clock.now() + 2 * 3_600_000)
  })

  it('takes what is bound to the token along', async () => {
    const world = await controlWorld([...all, bound(mia.id, viewServers)])
    const { token: old } = await mint(world, 'mia', { name: 'ci' })
    const binding = resource('role_binding', 'b', {
      subjects: [{ kind: 'token', ref: old.id }],
      bindings: [viewServers],
    })
    await world.store.write([{ do: 'create', resource: binding }])
    await world.refresh()
    await rotate(world, 'mia')
    expect(world.as('token', 'ci').actor.bindings).toEqual([viewServers])
  })

  it.each([
    [{ overlapMs: 7 * dayMs + 1 }, 'invalid_body'],
    [{ overlapMs: -1 }, 'invalid_body'],
    [{ expires: '2020-01-01' }, 'invalid_body'],
    [{ secret: 'x' }, 'invalid_body'],
  ])('refuses %j', async (body, code) => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id)])
    expect((await failureOf(rotate(world, 'mia', body))).code).toBe(code)
    expect((await world.stored('token', 'ci'))?.version).toBe(1)
  })

  it.each([
    ['revoked', { revokedAt: 1 }],
    ['expired', { expiresAt: 1 }],
    ['replaced', { replacedBy: 'tok_next' }],
  ])('refuses a token that is %s', async (status, spec) => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id, spec)])
    expect(await failureOf(rotate(world, 'mia'))).toMatchObject({ code: 'token_inactive', details: { status } })
  })

  it('is no way to the token of somebody who has more', async () => {
    const rights: Binding[] = [
      { role: 'edit', resource: 'tokens' },
      { role: 'create', resource: 'tokens' },
      { role: 'run', action: 'impersonate' },
    ]
    const ofAdmin = tokenOf('ci', admin.id, { bindings: [editServers], policies: [writer.id] })
    const world = await controlWorld([...all, ofAdmin, bound(noah.id, ...rights)])
    expect((await failureOf(rotate(world, 'noah'))).code).toBe('exceeds_creator')
    const less = await controlWorld([...all, ofAdmin, bound(noah.id, ...rights.slice(0, 2))])
    expect((await failureOf(rotate(less, 'noah'))).code).toBe('forbidden')
  })

  it('gives one new secret when two ask for one at the same moment', async () => {
    const world = await controlWorld([...all, tokenOf('ci', mia.id)])
    const answers = await Promise.allSettled([rotate(world, 'mia'), rotate(world, 'mia')])
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await world.store.list('token', { limit: 10 })).toHaveLength(2)
  })
})

describe('introspectToken', () => {
  it('tells who holds it, and who may see it, what it is good for', async () => {
    const world = await controlWorld([...all, bound(mia.id, viewServers)])
    const body = {
      name: 'ci',
      expires: '1h',
      project: 'site',
      endpoints: ['/mcp'],
      bindings: [viewServers],
      owner: { kind: 'user', ref: 'mia' },
    }
    const { secret, token } = await mint(world, 'admin', body)
    const now = Math.floor(world.clock.now() / 1_000)
    const answer = {
      active: true,
      token_type: 'Bearer',
      jti: token.id,
      sub: mia.id,
      username: 'mia',
      iat: now,
      exp: now + 3_600,
      scope: 'role:view,resource:servers',
      token_name: 'ci',
      owner_kind: 'user',
      project: 'site',
      endpoints: ['/mcp'],
    }
    for (const { actor } of [world.as('token', 'ci'), world.as('user', 'mia'), world.as('user', 'admin')]) {
      expect(introspectToken(world.deps, actor, secret)).toEqual(answer)
    }
  })

  it.each([
    ['unknown', {}],
    ['of no form', {}],
    ['expired', { expiresAt: 5 }],
    ['revoked', { revokedAt: 5 }],
    ['of a disabled owner', { owner: { kind: 'user', ref: 'usr_gone' } }],
  ])('says of a token that is %s only that it is not active', async (which, spec) => {
    const world = await controlWorld([...all, resource('user', 'gone', { isDisabled: true })])
    const { raw, hash } = world.deps.secrets.mint()
    const token = tokenOf('ci', mia.id, { digest: which === 'unknown' ? 'other' : hash, ...spec })
    await world.store.write([{ do: 'create', resource: token }])
    await world.refresh()
    const asked = which === 'of no form' ? `${raw}x` : raw
    for (const actor of [world.as('user', 'admin').actor, { ...world.as('user', 'mia').actor, token }]) {
      expect(introspectToken(world.deps, actor, asked)).toEqual({ active: false })
    }
  })

  it('tells strangers of no token', async () => {
    const world = await controlWorld(all)
    const { secret } = await mint(world, 'mia', { name: 'ci' })
    await mint(world, 'noah', { name: 'other' })
    for (const actor of [null, world.as('user', 'noah').actor, world.as('token', 'other').actor]) {
      expect(introspectToken(world.deps, actor, secret)).toEqual({ active: false })
    }
  })
})
