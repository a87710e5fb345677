import { describe, expect, it } from 'vitest'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { Binding } from '#contract/role-binding.ts'
import { composeAccess } from '#core/access/access.ts'
import { composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { everything } from '#core/rbac/evaluate.ts'
import { bindingsOfToken } from '#core/rbac/rights.ts'
import { bound, controlWorld, type ControlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import {
  all,
  dayMs,
  editServers,
  github,
  mia,
  mint,
  noah,
  reader,
  site,
  viewServers,
} from '#test/support/token-cast.ts'
import { getResource } from './get-resource.ts'
import { updateResource } from './update-resource.ts'

describe('mintToken', () => {
  it('shows the secret once and keeps its digest and first characters', async () => {
    const world = await controlWorld(all)
    const { secret, token } = await mint(world, 'mia', { name: 'ci', description: 'For builds.', expires: '30d' })
    expect(secret).toMatch(/^tg_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}$/)
    expect((await world.stored('token', 'ci'))?.spec).toMatchObject({
      digest: hashToken(secret),
      prefix: secret.slice(0, 11),
    })
    expect(token).toMatchObject({
      name: 'ci',
      owner: { kind: 'user', ref: 'mia' },
      status: 'active',
      lastUsedAt: null,
      expiresAt: world.clock.now() + 30 * dayMs,
    })
    const later = await getResource(world.deps, world.as('user', 'admin'), { kind: 'token', ref: 'ci' })
    for (const told of [token, later, world.events]) {
      expect(JSON.stringify(told)).not.toContain(secret)
      expect(JSON.stringify(told)).not.toContain(hashToken(secret))
    }
    expect(world.events).toMatchObject([{ action: 'mint', resource: { id: token.id, name: 'ci' }, outcome: 'ok' }])
  })

  it('takes every bound by name and keeps ids', async () => {
    const world = await controlWorld([...all, resource('toolset', 'search')])
    const body = {
      name: 'ci',
      project: 'site',
      policies: ['reader'],
      endpoints: ['/mcp', '/github/mcp'],
      servers: ['github'],
      accessGroups: ['internal'],
      toolsets: ['search'],
      tools: [{ server: 'github', tool: 'find' }],
      limits: { callsPerMinuteMax: 60 },
      labels: { stage: 'prod' },
    }
    const { token } = await mint(world, 'admin', body)
    expect(token).toMatchObject(body)
    expect((await world.stored('token', 'ci'))?.spec).toMatchObject({
      project: site.id,
      policies: [reader.id],
      servers: [github.id],
      toolsets: ['tls_search'],
      tools: [{ server: github.id, tool: 'find' }],
    })
  })

  it.each([
    ['expires', { expires: '2026-11-20' }],
    ['expires', { expires: 'soon' }],
    ['expires', { expires: '30d', expiresAt: 9_999_999_999_999 }],
    ['expiresAt', { expiresAt: 1 }],
    ['name', { name: 'Ci' }],
    ['name', { name: 'tok_abcdefghij0123456789' }],
    ['digest', { digest: 'd' }],
    ['revokedAt', { revokedAt: null }],
    ['owner.kind', { owner: { kind: 'token', ref: 'x' } }],
    ['endpoints[0]', { endpoints: ['mcp'] }],
    ['bindings[0].role', { bindings: [{ role: 'admin', resource: '*' }] }],
    ['bindings[0].name', { bindings: [{ role: 'view', resource: '*', name: 'x' }] }],
    ['rights', { rights: 'all' }],
  ])('names what is wrong: %s of %j', async (path, body) => {
    const world = await controlWorld(all)
    const failure = await failureOf(mint(world, 'admin', { name: 'ci', ...body }))
    expect(failure).toMatchObject({ code: 'invalid_body', details: { problems: [{ path }] } })
    expect(await world.count()).toBe(all.length)
  })

  it('gives everybody a token of its own, which may what its owner may call and manages nothing', async () => {
    const world = await controlWorld(all)
    const { token } = await mint(world, 'mia', { name: 'ci' })
    expect(token).toMatchObject({ policies: [], bindings: [] })
  })

  describe('for whom', () => {
    const owners: Record<string, object> = {
      itself: { kind: 'user', ref: 'mia' },
      'its team': { kind: 'team', ref: 'web' },
      another: { kind: 'user', ref: 'noah' },
      'an admin': { kind: 'user', ref: 'admin' },
    }
    const may = async (bindings: Binding[], by = 'mia') => {
      const made: string[] = []
      for (const [whom, owner] of Object.entries(owners)) {
        const world = await controlWorld([
          ...all,
          bound(by === 'mia' ? mia.id : noah.id, { role: 'view', resource: '*' }, ...bindings),
        ])
        const answer = await mint(world, by, { name: 'ci', owner }).catch((error: unknown) => error)
        if (!(answer instanceof Error)) made.push(whom)
      }
      return made
    }
    const create: Binding = { role: 'create', resource: 'tokens' }
    const impersonate: Binding = { role: 'run', action: 'impersonate' }

    it('a person may: itself, and the teams that it manages', async () => {
      expect(await may([])).toEqual(['itself', 'its team'])
    })

    it('a member of a team may: with the right to create tokens, its team too', async () => {
      expect(await may([], 'noah')).toEqual(['another'])
      expect(await may([create], 'noah')).toEqual(['its team', 'another'])
    })

    it('somebody may who may act as others: with the right to create tokens, and within its own grant', async () => {
      expect(await may([create])).toEqual(['itself', 'its team'])
      expect(await may([impersonate])).toEqual(['itself', 'its team'])
      // Noah's tokens may what the team may, which Mia's may not, but the team's that she manages may.
      expect(await may([create, impersonate])).toEqual(['itself', 'its team', 'another', 'an admin'])
    })

    it('an admin may: everybody', async () => {
      const world = await controlWorld(all)
      for (const [index, owner] of Object.values(owners).entries()) {
        expect((await mint(world, 'admin', { name: `ci${index}`, owner })).token['owner']).toEqual(owner)
      }
    })

    it('nobody hears of an owner that it may not see', async () => {
      const world = await controlWorld(all)
      const make = (ref: string) => failureOf(mint(world, 'noah', { name: 'ci', owner: { kind: 'user', ref } }))
      const [hidden, missing] = [await make('admin'), await make('nobody')]
      expect([hidden.code, hidden.details]).toEqual([missing.code, missing.details])
    })
  })

  describe('the grant of a member’s token', () => {
    const give = (policies: string[], owner?: object) => async (world: ControlWorld) =>
      mint(world, 'mia', { name: 'ci', policies, ...(owner && { owner }) })
    const code = async (make: (world: ControlWorld) => Promise<unknown>) =>
      make(await controlWorld([...all, bound(mia.id, { role: 'view', resource: 'policies' })])).then(
        () => 'ok',
        (error: unknown) => (error as { code: string }).code,
      )

    it('is within its own', async () => {
      expect(await code(give(['reader', 'no-delete']))).toBe('ok')
      expect(await code(give(['reader']))).toBe('ok')
      expect(await code(give([]))).toBe('ok')
    })

    it('may have what only denies, whosever it is', async () => {
      const lock = resource('policy', 'lock', { rules: [{ server: 'github', level: 'deny' }] })
      const holder = bound(mia.id, { role: 'view', resource: 'policies' })
      const world = await controlWorld([...all, lock, holder])
      expect((await give(['reader', 'lock'])(world)).token['policies']).toEqual(['reader', 'lock'])
    })

    it('is bound by the denies that it does not name', async () => {
      const world = await controlWorld(all)
      const { token } = await give(['reader'])(world)
      const stored = await world.store.get('token', token.id)
      if (!stored) throw new Error('the token is missing')
      const access = composeAccess({ ...composeToken(world.index, stored), ...serverFacts(world.index) })
      expect(access.tool('github', 'find').level).toBe('read')
      expect(access.tool('github', 'delete_all')).toMatchObject({ level: 'deny', reason: { policy: 'no-delete' } })
    })

    it('is never put together from two grants', async () => {
      // The team's grant is another one, which her tokens for the team have, and her own do not.
      expect(await code(give(['writer']))).toBe('exceeds_creator')
      expect(await code(give(['writer'], { kind: 'team', ref: 'web' }))).toBe('ok')
      expect(await code(give(['reader', 'no-delete', 'writer']))).toBe('exceeds_creator')
    })

    it('is not one that it can only see', async () => {
      const other = resource('policy', 'other', { rules: [{ level: 'admin' }] })
      const world = await controlWorld([...all, other, bound(mia.id, { role: 'view', resource: '*' })])
      expect((await failureOf(mint(world, 'mia', { name: 'ci', policies: ['other'] }))).code).toBe('exceeds_creator')
    })

    it('is not even told from none where it cannot be seen', async () => {
      const other = resource('policy', 'other')
      const world = await controlWorld([...all, other])
      const [hidden, missing] = [
        await failureOf(mint(world, 'mia', { name: 'ci', policies: ['other'] })),
        await failureOf(mint(world, 'mia', { name: 'ci', policies: ['missing'] })),
      ]
      expect([hidden.code, hidden.details]).toEqual(['dangling_reference', missing.details])
    })

    it('names only servers that it can see or reach', async () => {
      const make = async (by: string) => mint(await controlWorld(all), by, { name: 'ci', servers: ['github'] })
      expect((await failureOf(make('olga'))).code).toBe('dangling_reference')
      expect((await make('mia')).token['servers']).toEqual(['github'])
    })
  })

  describe('the rights of a token', () => {
    it('are never more than its maker’s', async () => {
      const world = await controlWorld([...all, bound(mia.id, viewServers)])
      const failure = await failureOf(mint(world, 'mia', { name: 'ci', bindings: [viewServers, editServers] }))
      expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['bindings[1]'] } })
      const wildcard = await failureOf(mint(world, 'mia', { name: 'ci', bindings: [{ role: 'view', resource: '*' }] }))
      expect(wildcard.code).toBe('exceeds_creator')
      expect((await mint(world, 'mia', { name: 'ci', bindings: [viewServers] })).token['bindings']).toEqual([
        viewServers,
      ])
    })

    it('are with clone all that its maker has now, and nothing that it gets later', async () => {
      const binding = bound(mia.id, viewServers)
      const world = await controlWorld([...all, binding])
      const { token } = await mint(world, 'mia', { name: 'ci', rights: 'clone', bindings: [viewServers] })
      expect(token['bindings']).toEqual([viewServers])
      await world.store.write([
        {
          do: 'update',
          resource: having(binding, { bindings: [editServers] }),
        },
      ])
      await world.refresh()
      const stored = await world.store.get('token', token.id)
      if (!stored) throw new Error('the token is missing')
      expect(bindingsOfToken(world.index, stored, world.clock.now())).toEqual([viewServers])
    })

    it('are with clone of an admin everything, for as long as it is one', async () => {
      const world = await controlWorld([...all, resource('user', 'second', { role: 'admin' })])
      const { token } = await mint(world, 'admin', { name: 'ci', rights: 'clone' })
      const rights = async () => world.as('token', 'ci').actor.bindings
      expect(token['bindings']).toEqual(everything)
      expect(await rights()).toEqual(everything)
      await updateResource(world.deps, world.as('user', 'second'), {
        kind: 'user',
        ref: 'admin',
        version: null,
        body: { name: 'admin', role: 'viewer' },
      })
      expect((await rights()).every(({ role }) => role === 'view')).toBe(true)
    })
  })
})
