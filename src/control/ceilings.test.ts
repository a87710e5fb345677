import { describe, expect, it } from 'vitest'
import { bound, controlWorld, type ControlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { all, mia, noah, noDelete, olga, reader, update } from '#test/support/team-cast.ts'
import { deleteResource } from './delete-resource.ts'
import { getResource } from './get-resource.ts'
import { updateResource } from './update-resource.ts'

describe('an admin of a team', () => {
  const body = (more: object = {}) => ({
    name: 'web',
    members: [{ user: 'mia', role: 'admin' }],
    policies: ['reader'],
    ...more,
  })
  const put = (world: ControlWorld, more: object) =>
    update(world, 'mia', { kind: 'team', ref: 'web', body: body(more) })

  it('takes members in and out', async () => {
    const world = await controlWorld(all)
    const members = [
      { user: 'mia', role: 'admin' },
      { user: 'noah', role: 'member' },
    ]
    expect((await put(world, { members }))['members']).toEqual(members)
    expect((await put(world, {}))['members']).toEqual([members[0]])
  })

  it.each([
    ['its name', { name: 'webs' }],
    ['its policies', { policies: [] }],
    ['its organization', { organization: 'acme' }],
    ['its description', { description: 'mine' }],
    ['its labels', { labels: { a: 'b' } }],
  ])('does not change %s', async (_, more) => {
    const world = await controlWorld([...all, bound(mia.id, { role: 'view', resource: '*' })])
    expect((await failureOf(put(world, more))).code).toBe('forbidden')
  })

  it('does not delete it, and manages no other team', async () => {
    const world = await controlWorld([...all, resource('team', 'other', { members: [{ user: mia.id }] })])
    const remove = (ref: string) =>
      deleteResource(world.deps, world.as('user', 'mia'), { kind: 'team', ref, version: null })
    expect((await failureOf(remove('web'))).code).toBe('forbidden')
    const members = { name: 'other', members: [{ user: 'mia', role: 'admin' }] }
    expect((await failureOf(update(world, 'mia', { kind: 'team', ref: 'other', body: members }))).code).toBe(
      'forbidden',
    )
  })
})

describe('who may edit teams or users, and not everything,', () => {
  const edits = (kind: 'teams' | 'users') => [
    { role: 'edit' as const, resource: kind },
    { role: 'view' as const, resource: '*' as const },
  ]

  it('adds nobody, itself neither, to a team that has more', async () => {
    const strong = resource('team', 'strong', { members: [{ user: mia.id }] })
    const rich = resource('team', 'rich', { policies: [reader.id] })
    const plain = resource('team', 'plain')
    const toTeam = resource('role_binding', 'b', {
      subjects: [{ kind: 'team', ref: strong.id }],
      bindings: [{ role: 'delete', resource: 'servers' }],
    })
    const world = await controlWorld([...all, strong, rich, plain, toTeam, bound(noah.id, ...edits('teams'))])
    const add = (name: string, more: object = {}) =>
      update(world, 'noah', {
        kind: 'team',
        ref: name,
        body: { name, members: [{ user: 'mia' }, { user: 'noah' }], ...more },
      })
    expect(await failureOf(add('strong'))).toMatchObject({ code: 'exceeds_creator', details: { paths: ['members'] } })
    expect((await failureOf(add('rich', { policies: ['reader'] }))).code).toBe('exceeds_creator')
    expect((await add('plain'))['members']).toHaveLength(2)
    expect((await failureOf(add('plain', { policies: ['reader'] }))).code).toBe('exceeds_creator')
  })

  it('takes no deny away from a team', async () => {
    const bounded = resource('team', 'bounded', { policies: [reader.id, noDelete.id] })
    const holder = having(noah, { policies: [reader.id] })
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== noah.id),
      holder,
      bounded,
      bound(noah.id, ...edits('teams')),
    ])
    const put = (policies: string[]) =>
      update(world, 'noah', { kind: 'team', ref: 'bounded', body: { name: 'bounded', policies } })
    expect((await failureOf(put(['reader']))).code).toBe('exceeds_creator')
    expect((await failureOf(put([]))).code).toBe('exceeds_creator')
  })

  it('lays no hand on a user who has more', async () => {
    const world = await controlWorld([...all, bound(noah.id, ...edits('users'), { role: 'delete', resource: 'users' })])
    const put = (name: string, more: object) =>
      update(world, 'noah', { kind: 'user', ref: name, body: { name, ...more } })
    expect(await failureOf(put('admin', { role: 'admin', email: 'n@example.com' }))).toMatchObject({
      code: 'forbidden',
      details: { reason: 'user_has_more_rights' },
    })
    expect((await failureOf(put('admin', {}))).code).toBe('forbidden')
    const remove = deleteResource(world.deps, world.as('user', 'noah'), { kind: 'user', ref: 'admin', version: null })
    expect((await failureOf(remove)).code).toBe('forbidden')
    expect((await put('olga', { email: 'o@example.com' }))['email']).toBe('o@example.com')
    expect((await failureOf(put('olga', { role: 'admin', email: 'o@example.com' }))).code).toBe('exceeds_creator')
    expect((await put('olga', { role: 'viewer', email: 'o@example.com' }))['role']).toBe('viewer')
    // What Mia may call through her team, Noah may not: with her address he could become her.
    expect((await put('mia', { displayName: 'Mia' }))['displayName']).toBe('Mia')
    expect((await failureOf(put('mia', { email: 'm@example.com' }))).code).toBe('forbidden')
  })

  it('does not wake a disabled admin', async () => {
    const sleeping = resource('user', 'sleeping', { role: 'admin', isDisabled: true })
    const world = await controlWorld([...all, sleeping, bound(noah.id, ...edits('users'))])
    const body = { name: 'sleeping', role: 'admin', isDisabled: false }
    expect((await failureOf(update(world, 'noah', { kind: 'user', ref: 'sleeping', body }))).code).toBe('forbidden')
  })

  it('gives no user a policy that it does not hold', async () => {
    const world = await controlWorld([...all, bound(noah.id, ...edits('users'))])
    const put = (name: string) =>
      update(world, 'noah', { kind: 'user', ref: name, body: { name, policies: ['reader'] } })
    expect(await failureOf(put('olga'))).toMatchObject({ code: 'exceeds_creator', details: { paths: ['policies'] } })
    expect((await failureOf(put('noah'))).code).toBe('exceeds_creator')
    // Hers through her team already.
    expect((await put('mia'))['policies']).toEqual(['reader'])
  })
})

describe('a token that manages teams', () => {
  const body = { name: 'plain', policies: ['reader'] }
  const give = async (ofOwner: object) => {
    const plain = resource('team', 'plain')
    const token = resource('token', 'ci', {
      owner: { kind: 'user', ref: noah.id },
      policies: [reader.id],
      bindings: [
        { role: 'edit', resource: 'teams' },
        { role: 'view', resource: 'policies' },
      ],
    })
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== noah.id),
      having(noah, ofOwner),
      plain,
      token,
      bound(noah.id, { role: 'edit', resource: 'teams' }, { role: 'view', resource: 'policies' }),
    ])
    return updateResource(world.deps, world.as('token', 'ci'), { kind: 'team', ref: 'plain', version: null, body })
  }

  it('gives a policy of its own only while its owner has it', async () => {
    expect((await give({ policies: [reader.id] }))['policies']).toEqual(['reader'])
    expect((await failureOf(give({}))).code).toBe('exceeds_creator')
  })
})

describe('a role binding', () => {
  it('is widened only by who has what it gives', async () => {
    const wide = resource('role_binding', 'wide', {
      subjects: [{ kind: 'user', ref: mia.id }],
      bindings: [{ role: 'delete', resource: '*' }],
    })
    const world = await controlWorld([
      ...all,
      wide,
      bound(noah.id, { role: 'edit', resource: 'role-bindings' }, { role: 'view', resource: '*' }),
    ])
    const put = (more: object) =>
      update(world, 'noah', {
        kind: 'role_binding',
        ref: 'wide',
        body: { name: 'wide', subjects: [{ kind: 'user', ref: 'mia' }], bindings: wide.spec.bindings, ...more },
      })
    expect((await put({ description: 'Of Mia.' }))['description']).toBe('Of Mia.')
    expect((await failureOf(put({ subjects: [{ kind: 'user', ref: 'noah' }] }))).code).toBe('exceeds_creator')
    expect((await put({ bindings: [{ role: 'view', resource: 'users' }] })).version).toBe(3)
  })

  it('whose last subject is gone binds nobody, and is still what can be written', async () => {
    const world = await controlWorld([...all, bound(olga.id, { role: 'view', resource: 'servers' })])
    await deleteResource(world.deps, world.as('user', 'admin'), { kind: 'user', ref: 'olga', version: null })
    const ref = 'of-usr-olga'
    const emptied = await getResource(world.deps, world.as('user', 'admin'), { kind: 'role_binding', ref })
    const body = { name: ref, subjects: emptied['subjects'], bindings: emptied['bindings'] }
    expect(body.subjects).toEqual([])
    const put = (more: object) => update(world, 'admin', { kind: 'role_binding', ref, body: { ...body, ...more } })
    expect((await put({})).version).toBe(emptied.version)
    expect((await put({ subjects: [{ kind: 'user', ref: 'mia' }] }))['subjects']).toHaveLength(1)
  })

  it('may go on naming a resource that is gone, which gives nothing', async () => {
    const narrow = resource('role_binding', 'narrow', {
      subjects: [{ kind: 'user', ref: mia.id }],
      bindings: [{ role: 'edit', resource: 'projects', name: 'prj_gone' }],
    })
    const world = await controlWorld([...all, narrow])
    const put = (name: string) =>
      update(world, 'admin', {
        kind: 'role_binding',
        ref: 'narrow',
        body: {
          name: 'narrow',
          description: 'x',
          subjects: [{ kind: 'user', ref: 'mia' }],
          bindings: [{ role: 'edit', resource: 'projects', name }],
        },
      })
    expect((await put('prj_gone'))['bindings']).toEqual(narrow.spec.bindings)
    expect((await failureOf(put('prj_other'))).code).toBe('dangling_reference')
  })
})

describe('a deny', () => {
  const bounded = resource('team', 'bounded', {
    members: [
      { user: noah.id, role: 'admin' },
      { user: olga.id, role: 'admin' },
    ],
    policies: [noDelete.id],
  })
  const put = (world: ControlWorld, members: object[]) =>
    update(world, 'noah', { kind: 'team', ref: 'bounded', body: { name: 'bounded', policies: ['no-delete'], members } })

  it('of a team is not slipped by leaving it, nor by being put out of it', async () => {
    const world = await controlWorld([...all, bounded])
    for (const members of [[{ user: 'olga', role: 'admin' }], [{ user: 'noah', role: 'admin' }], []]) {
      expect(await failureOf(put(world, members))).toMatchObject({
        code: 'exceeds_creator',
        details: { paths: ['members'] },
      })
    }
    expect((await put(world, [{ user: 'noah', role: 'admin' }, { user: 'olga' }, { user: 'mia' }])).version).toBe(2)
  })

  it('of a team does not go with it', async () => {
    const world = await controlWorld([
      ...all,
      bounded,
      bound(noah.id, { role: 'delete', resource: 'teams' }, { role: 'view', resource: 'teams' }),
    ])
    const remove = (ref: string) =>
      deleteResource(world.deps, world.as('user', 'noah'), { kind: 'team', ref, version: null })
    expect((await failureOf(remove('bounded'))).code).toBe('exceeds_creator')
    await deleteResource(world.deps, world.as('user', 'admin'), { kind: 'team', ref: 'bounded', version: null })
    expect(await world.stored('team', 'bounded')).toBeNull()
  })

  it('of another team holds still, and so one of the two can be left', async () => {
    const other = resource('team', 'other', { members: [{ user: noah.id }], policies: [noDelete.id] })
    const world = await controlWorld([...all, bounded, other])
    expect((await put(world, [{ user: 'olga', role: 'admin' }]))['members']).toHaveLength(1)
  })
})

describe('a team that is emptied of its policies', () => {
  it('lets no wider grant of an organization take their place', async () => {
    const wide = resource('policy', 'wide', { default: 'admin' })
    const rich = resource('organization', 'rich', { policies: [wide.id] })
    const inside = { organization: rich.id }
    const holder = having(noah, { policies: [reader.id], ...inside })
    const narrow = resource('team', 'narrow', { members: [{ user: olga.id }], policies: [reader.id], ...inside })
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== noah.id && id !== olga.id),
      wide,
      rich,
      holder,
      having(olga, inside),
      narrow,
      bound(noah.id, { role: 'edit', resource: 'teams' }, { role: 'view', resource: '*' }),
    ])
    const put = (more: object) =>
      update(world, 'noah', { kind: 'team', ref: 'narrow', body: { name: 'narrow', organization: 'rich', ...more } })
    expect((await failureOf(put({ members: [{ user: 'olga' }] }))).code).toBe('exceeds_creator')
    expect((await failureOf(put({ policies: ['reader'] }))).code).toBe('exceeds_creator')
  })
})

describe('who may edit a server that it may not call', () => {
  const put = async (more: object) => {
    const world = await controlWorld([...all, bound(noah.id, { role: 'edit', resource: 'servers' })])
    const transport = {
      kind: 'streamable_http',
      url: 'https://example.com/mcp',
      credential: { kind: 'bearer', token: '[secret]' },
    }
    return update(world, 'noah', { kind: 'server', ref: 'github', body: { name: 'github', transport, ...more } })
  }

  it.each([
    ['name', { name: 'web' }],
    ['labels', { labels: ['web'] }],
    ['isForEveryone', { isForEveryone: true }],
  ])('does not change its %s, by which rules select it', async (path, more) => {
    expect(await failureOf(put(more))).toMatchObject({ code: 'exceeds_creator', details: { paths: [path] } })
  })

  it('changes what no rule looks at', async () => {
    expect((await put({ description: 'x', timeoutMs: 5_000, aliases: ['gh'] }))['timeoutMs']).toBe(5_000)
  })
})
