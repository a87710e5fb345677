import { describe, expect, it } from 'vitest'
import { bound, controlWorld, type ControlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { admin, all, mia, noah, site, team, update, type Change } from '#test/support/team-cast.ts'
import { deleteResource } from './delete-resource.ts'
import { getResource } from './get-resource.ts'

describe('updateResource', () => {
  it('replaces the whole, keeps id and maker, and raises the version', async () => {
    const world = await controlWorld(all)
    const body = { name: 'site', description: 'The site.', labels: { a: 'b' } }
    const view = await update(world, 'admin', { kind: 'project', ref: 'site', version: 1, body })
    expect(view).toMatchObject({ id: site.id, version: 2, servers: [], description: 'The site.', createdBy: 'system' })
    expect(await world.stored('project', 'site')).toMatchObject({ version: 2, updatedBy: admin.id, labels: { a: 'b' } })
    expect(world.events).toMatchObject([
      { action: 'update', resource: { id: site.id, name: 'site' }, changed: ['labels', 'servers', 'description'] },
    ])
  })

  it('takes what was shown, and changes nothing by it', async () => {
    const world = await controlWorld(all)
    for (const { kind, id } of all) {
      const before = await world.store.get(kind, id)
      const view = await getResource(world.deps, world.as('user', 'admin'), { kind, ref: id })
      const { kind: _k, id: _i, version, createdAt: _c, updatedAt: _u, createdBy: _cb, updatedBy: _ub, ...shown } = view
      const { isReadOnly: _r, hasPassword: _h, labels, ...spec } = shown
      const body = { ...spec, ...(kind === 'server' ? { labels: [] } : { labels }) }
      const after = await update(world, 'admin', { kind, ref: id, version, body })
      expect(after.version).toBe(1)
      expect(await world.store.get(kind, id)).toEqual(before)
    }
  })

  it('renames, and what is bound to the resource stays bound to it and not to its name', async () => {
    const world = await controlWorld([...all, bound(mia.id, { role: 'edit', resource: 'projects', name: site.id })])
    await update(world, 'mia', { kind: 'project', ref: 'site', body: { name: 'shop', servers: ['github'] } })
    await world.store.write([{ do: 'create', resource: { ...resource('project', 'site'), id: 'prj_new' } }])
    await world.refresh()
    const get = (ref: string) => getResource(world.deps, world.as('user', 'mia'), { kind: 'project', ref })
    expect((await get('shop')).id).toBe(site.id)
    expect((await failureOf(get('site'))).code).toBe('no_such_resource')
  })

  it('keeps a reference that its editor may not see, and takes no new one', async () => {
    const secret = resource('server', 'secret')
    const world = await controlWorld([...all, secret, bound(noah.id, { role: 'edit', resource: 'projects' })])
    const put = (servers: string[]) =>
      update(world, 'noah', { kind: 'project', ref: 'site', body: { name: 'site', servers } })
    expect((await failureOf(put(['github', 'secret']))).code).toBe('dangling_reference')
    expect((await put(['github']))['servers']).toEqual(['github'])
    expect((await put([]))['servers']).toEqual([])
    expect((await failureOf(put(['github']))).code).toBe('dangling_reference')
  })

  it.each([
    ['of another version', { version: 7 }, 'version_conflict'],
    ['with an unknown member', { body: { name: 'site', color: 1 } }, 'invalid_body'],
    ['with a name that is taken', { body: { name: 'shop' } }, 'already_exists'],
    ['with a name that looks like an id', { body: { name: 'cfg_project_x' } }, 'invalid_body'],
    ['of what there is not', { ref: 'nothing' }, 'no_such_resource'],
    ['of what is declared', { ref: 'declared' }, 'read_only'],
  ])('refuses a change %s, and writes nothing', async (_, change, code) => {
    const declared = { ...resource('project', 'declared'), id: 'cfg_project_declared' }
    const world = await controlWorld([...all, resource('project', 'shop')], [declared])
    const body = { name: 'site', description: 'new' }
    const failure = await failureOf(update(world, 'admin', { kind: 'project', ref: 'site', body, ...change }))
    expect(failure.code).toBe(code)
    expect(await world.stored('project', 'site')).toMatchObject({ version: 1 })
    expect(world.events).toMatchObject([{ outcome: code }])
  })

  it('refuses the second of two changes of one version', async () => {
    const world = await controlWorld(all)
    const put = (description: string) =>
      update(world, 'admin', { kind: 'project', ref: 'site', version: 1, body: { name: 'site', description } })
    const answers = await Promise.allSettled([put('one'), put('other')])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((await failureOf(put('third'))).code).toBe('version_conflict')
  })

  it('is forbidden to who may only look, and finds nothing for who may not', async () => {
    const world = await controlWorld([...all, bound(noah.id, { role: 'view', resource: 'projects' })])
    const put = (name: string) => failureOf(update(world, name, { kind: 'project', ref: 'site', body: { bad: 1 } }))
    expect((await put('noah')).code).toBe('forbidden')
    expect((await put('mia')).code).toBe('no_such_resource')
  })

  it('keeps a secret that came back as its mark, and gives it to no other address', async () => {
    const world = await controlWorld([...all, bound(mia.id, { role: 'edit', resource: 'servers' })])
    const put = (url: string) =>
      update(world, 'mia', {
        kind: 'server',
        ref: 'github',
        body: {
          name: 'github',
          transport: { kind: 'streamable_http', url, credential: { kind: 'bearer', token: '[secret]' } },
        },
      })
    await put('https://example.com/mcp/other')
    const transport = async () => (await world.stored('server', 'github'))?.spec.transport
    expect(await transport()).toMatchObject({ url: 'https://example.com/mcp/other', credential: { token: 'CANARY' } })
    for (const url of ['https://evil.example/mcp', 'https://example.com/another-tenant/mcp'])
      expect(await failureOf(put(url))).toMatchObject({
        code: 'invalid_body',
        details: { problems: [{ path: 'transport.credential.token' }] },
      })
    expect(await transport()).toMatchObject({ url: 'https://example.com/mcp/other' })
  })
})

describe('deleteResource', () => {
  const remove = (world: ControlWorld, name: string, { version = null, ...what }: Omit<Change, 'body'>) =>
    deleteResource(world.deps, world.as('user', name), { ...what, version })

  it('deletes with what must go with it, and records it', async () => {
    const token = resource('token', 'ci', { owner: { kind: 'team', ref: team.id } })
    const world = await controlWorld([...all, token])
    await remove(world, 'admin', { kind: 'team', ref: 'web', version: 1 })
    expect(await world.stored('team', 'web')).toBeNull()
    expect(await world.stored('token', 'ci')).toBeNull()
    expect(world.index.get('team', team.id)).toBeUndefined()
    expect(world.events).toMatchObject([{ action: 'delete', resource: { id: team.id, name: 'web' }, outcome: 'ok' }])
  })

  it('refuses while others name it, and tells those that may be seen', async () => {
    const world = await controlWorld([
      ...all,
      bound(noah.id, { role: 'delete', resource: 'policies' }, { role: 'view', resource: 'policies' }),
    ])
    expect(await failureOf(remove(world, 'admin', { kind: 'policy', ref: 'reader' }))).toMatchObject({
      code: 'still_referenced',
      details: { by: [{ kind: 'team', name: 'web' }] },
    })
    expect((await failureOf(remove(world, 'noah', { kind: 'policy', ref: 'reader' }))).details).toEqual({ by: [] })
    expect(await world.stored('policy', 'reader')).not.toBeNull()
  })

  it.each([
    ['version_conflict', 'admin', { kind: 'project', ref: 'site', version: 3 }],
    ['read_only', 'admin', { kind: 'project', ref: 'declared' }],
    ['no_such_resource', 'admin', { kind: 'project', ref: 'nothing' }],
    ['no_such_resource', 'noah', { kind: 'project', ref: 'site' }],
    ['forbidden', 'mia', { kind: 'project', ref: 'site' }],
  ] as const)('refuses with %s what %s asks', async (code, name, what) => {
    const declared = { ...resource('project', 'declared'), id: 'cfg_project_declared' }
    const world = await controlWorld([...all, bound(mia.id, { role: 'edit', resource: 'projects' })], [declared])
    expect((await failureOf(remove(world, name, what))).code).toBe(code)
    expect(await world.stored('project', 'site')).not.toBeNull()
  })
})

describe('the last admin', () => {
  const second = resource('user', 'second', { role: 'admin' })
  const ways: [string, object | null][] = [
    ['demoted', { role: 'member' }],
    ['disabled', { isDisabled: true }],
    ['made a service', { type: 'service' }],
    ['deleted', null],
  ]
  /** @param who by whom, and whom */
  const take = (world: ControlWorld, who: [string, string], more: object | null) => {
    const [by, name] = who
    return more === null
      ? deleteResource(world.deps, world.as('user', by), { kind: 'user', ref: name, version: null })
      : update(world, by, { kind: 'user', ref: name, body: { name, role: 'admin', ...more } })
  }

  it.each(ways)('is not %s', async (_, more) => {
    const asleep = resource('user', 'asleep', { role: 'admin', isDisabled: true })
    const service = resource('user', 'service', { role: 'admin', type: 'service' })
    const world = await controlWorld([...all, asleep, service])
    expect((await failureOf(take(world, ['admin', 'admin'], more))).code).toBe('last_admin')
    expect((await world.stored('user', 'admin'))?.spec).toEqual(admin.spec)
  })

  it.each(ways)('can be %s when there is another', async (_, more) => {
    const world = await controlWorld([...all, second])
    await take(world, ['second', 'admin'], more)
    expect((await failureOf(take(world, ['second', 'second'], more))).code).toBe('last_admin')
  })

  it.each(ways)('is there still after two admins have %s each other at one moment', async (_, more) => {
    const world = await controlWorld([...all, second])
    const answers = await Promise.allSettled([
      take(world, ['admin', 'second'], more),
      take(world, ['second', 'admin'], more),
    ])
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const left = (await world.store.list('user', { limit: 10 })).filter(
      ({ spec }) => spec.role === 'admin' && !spec.isDisabled && spec.type === 'human',
    )
    expect(left).toHaveLength(1)
  })

  it('is found behind any number of others', async () => {
    const crowd = Array.from({ length: 1_500 }, (_, index) => resource('user', `m${String(index).padStart(5, '0')}`))
    const world = await controlWorld([admin, ...crowd, resource('user', 'zoe', { role: 'admin' })])
    await take(world, ['zoe', 'admin'], { role: 'member' })
    expect((await failureOf(take(world, ['zoe', 'zoe'], { role: 'member' }))).code).toBe('last_admin')
  }, 20_000)
})
