import { describe, expect, it } from 'vitest'
import { managedKinds } from '#contract/resource.ts'
import type { Binding, ManagedResource } from '#contract/role-binding.ts'
import { bound, controlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { createResource } from './create-resource.ts'
import type { CreatableKind } from './to-spec.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const viewer = resource('user', 'vera', { role: 'viewer' })
const member = resource('user', 'mia')
const reader = resource('policy', 'reader', { rules: [{ level: 'read' }] })
const github = resource('server', 'github')
const platform = resource('team', 'platform')
const all = [admin, viewer, member, reader, github, platform]

/** A body of each kind that names others by name. */
const bodies: Record<CreatableKind, object> = {
  organization: { name: 'acme', policies: ['reader'] },
  team: { name: 'core', members: [{ user: 'mia', role: 'admin' }], policies: ['reader'], labels: { stage: 'prod' } },
  user: { name: 'nora', email: 'nora@example.com', policies: ['reader'] },
  policy: { name: 'writer', default: 'deny', rules: [{ server: 'github', tool: '*', level: 'execute' }] },
  server: {
    name: 'files',
    transport: { kind: 'stdio', command: 'serve', env: { KEY: 'CANARY' } },
    labels: ['internal'],
  },
  toolset: { name: 'search', tools: [{ server: 'github', tool: 'find' }] },
  project: { name: 'web', servers: ['github'] },
  agent: { name: 'bot', servers: [{ server: 'github', tools: ['find'] }], policies: ['reader'] },
  role_binding: {
    name: 'helpers',
    subjects: [{ kind: 'team', ref: 'platform' }],
    bindings: [
      { role: 'view', resource: 'servers', name: 'github' },
      { role: 'create', resource: 'servers', name: 'not-there-yet' },
      { role: 'run', action: 'logs' },
    ],
  },
  secret: { name: 'key', description: 'of a service', value: 'CANARY' },
}
/** What is stored of it: ids, and secrets. */
const kept: Record<CreatableKind, RegExp> = {
  organization: /"pol_reader"/,
  team: /"usr_mia".*"pol_reader"/,
  user: /"pol_reader"/,
  policy: /"github"/,
  server: /CANARY/,
  toolset: /"srv_github"/,
  project: /"srv_github"/,
  agent: /"srv_github".*"pol_reader"/,
  role_binding: /"team_platform".*"srv_github"/,
  secret: /CANARY/,
}
const kinds = managedKinds.filter((kind): kind is CreatableKind => kind !== 'token')

describe('createResource', () => {
  it.each(kinds)('makes a %s, keeps ids and shows names', async (kind) => {
    const world = await controlWorld(all)
    const view = await createResource(world.deps, world.as('user', 'admin'), { kind, body: bodies[kind] })
    const name = (bodies[kind] as { name: string }).name
    const stored = await world.stored(kind, name)
    expect(stored).toMatchObject({ id: view.id, version: 1, createdBy: admin.id, updatedBy: admin.id })
    expect(stored?.createdAt).toBe(world.clock.now())
    const { transport: _, value: __, ...plain } = bodies[kind] as { transport?: object; value?: string }
    expect(view).toMatchObject({ ...plain, kind, version: 1, isReadOnly: false })
    expect(JSON.stringify(view)).not.toContain('CANARY')
    expect(JSON.stringify(stored?.spec)).toMatch(kept[kind])
  })

  it('keeps ids in bindings, and of what is to be created the name', async () => {
    const world = await controlWorld(all)
    await createResource(world.deps, world.as('user', 'admin'), { kind: 'role_binding', body: bodies.role_binding })
    expect((await world.stored('role_binding', 'helpers'))?.spec.bindings).toEqual([
      { role: 'view', resource: 'servers', name: github.id },
      { role: 'create', resource: 'servers', name: 'not-there-yet' },
      { role: 'run', action: 'logs' },
    ])
  })

  it('takes ids for names', async () => {
    const world = await controlWorld(all)
    const body = { name: 'web', servers: [github.id] }
    const view = await createResource(world.deps, world.as('user', 'admin'), { kind: 'project', body })
    expect(view['servers']).toEqual(['github'])
  })

  it('records who made what, and who was refused, without any value', async () => {
    const world = await controlWorld(all)
    const caller = { ...world.as('user', 'admin'), changedBy: 'the deploy job' }
    const view = await createResource(world.deps, caller, { kind: 'server', body: bodies.server })
    await failureOf(createResource(world.deps, world.as('user', 'mia'), { kind: 'team', body: bodies.team }))
    expect(world.events).toMatchObject([
      {
        at: world.clock.now(),
        requestId: 'req_1',
        actor: { kind: 'user', id: admin.id, name: 'admin' },
        changedBy: 'the deploy job',
        action: 'create',
        resource: { kind: 'server', id: view.id, name: 'files' },
        outcome: 'ok',
      },
      { actor: { id: member.id }, resource: { kind: 'team', id: '', name: 'core' }, outcome: 'forbidden' },
    ])
    expect(JSON.stringify(world.events)).not.toContain('CANARY')
  })

  it.each([
    ['a viewer', 'vera'],
    ['a member without bindings', 'mia'],
  ])('is forbidden to %s', async (_, name) => {
    for (const kind of kinds) {
      const world = await controlWorld(all)
      const failure = await failureOf(createResource(world.deps, world.as('user', name), { kind, body: bodies[kind] }))
      expect(failure.code).toBe('forbidden')
      expect(await world.count()).toBe(all.length)
    }
  })

  it('lets a binding for one name make that one', async () => {
    const world = await controlWorld([...all, bound(member.id, { role: 'create', resource: 'projects', name: 'web' })])
    const mia = world.as('user', 'mia')
    await createResource(world.deps, mia, { kind: 'project', body: { name: 'web' } })
    const failure = await failureOf(createResource(world.deps, mia, { kind: 'project', body: { name: 'other' } }))
    expect(failure.code).toBe('forbidden')
  })

  it.each([
    ['an unknown member', { name: 'a', color: 'red' }, 'invalid_body'],
    ['no name', {}, 'invalid_body'],
    ['a look-alike name', { name: 'pаypal' }, 'invalid_body'],
    ['a name that looks like an id', { name: 'srv_abcdefghij0123456789' }, 'invalid_body'],
    ['a name that looks like a declared id', { name: 'cfg_server_github' }, 'invalid_body'],
    ['no body', undefined, 'invalid_body'],
    ['a reference to nothing', { name: 'a', servers: ['github', 'nothing'] }, 'dangling_reference'],
    ['an id of nothing', { name: 'a', servers: ['srv_nothing'] }, 'dangling_reference'],
    ['an id of another kind', { name: 'a', servers: [platform.id] }, 'dangling_reference'],
    ['a name that is taken', { name: 'taken' }, 'already_exists'],
    ['a name that the configuration has', { name: 'declared' }, 'already_exists'],
  ])('refuses %s, and writes nothing', async (_, body, code) => {
    const declared = { ...resource('project', 'declared'), id: 'cfg_project_declared' }
    const world = await controlWorld([...all, resource('project', 'taken')], [declared])
    const failure = await failureOf(createResource(world.deps, world.as('user', 'admin'), { kind: 'project', body }))
    expect(failure.code).toBe(code)
    expect(await world.count()).toBe(all.length + 1)
    expect(world.events.map(({ outcome }) => outcome)).toEqual([code])
  })

  it('names the path of each reference to nothing', async () => {
    const world = await controlWorld(all)
    const body = { name: 'a', members: [{ user: 'mia' }, { user: 'nobody' }], policies: ['none'] }
    const failure = await failureOf(createResource(world.deps, world.as('user', 'admin'), { kind: 'team', body }))
    expect(failure).toMatchObject({
      code: 'dangling_reference',
      details: { paths: ['members[1].user', 'policies[0]'] },
    })
  })

  it('tells nobody that a resource exists which it may not see', async () => {
    const makes = bound(member.id, { role: 'create', resource: 'projects' })
    const world = await controlWorld([...all, makes])
    const make = (server: string, { deps, as } = { deps: world.deps, as: world.as('user', 'mia') }) =>
      createResource(deps, as, { kind: 'project', body: { name: 'web', servers: [server] } })
    const [hidden, missing] = [await failureOf(make('github')), await failureOf(make('nothing'))]
    expect([hidden.code, hidden.details]).toEqual([missing.code, missing.details])
    const reaching = await controlWorld([
      ...all.filter(({ id }) => id !== member.id),
      having(member, { policies: [reader.id] }),
      makes,
    ])
    const view = await make('github', { deps: reaching.deps, as: reaching.as('user', 'mia') })
    expect(view['servers']).toEqual(['github'])
  })

  it('takes what the configuration declares by name, and prefers it to what is stored', async () => {
    const declared = { ...resource('server', 'github'), id: 'cfg_server_github' }
    const world = await controlWorld(all, [declared])
    await createResource(world.deps, world.as('user', 'admin'), { kind: 'project', body: bodies.project })
    expect((await world.stored('project', 'web'))?.spec.servers).toEqual(['cfg_server_github'])
  })

  it('refuses a member who is named twice, be it once by id', async () => {
    const world = await controlWorld(all)
    const body = { name: 'core', members: [{ user: 'mia' }, { user: member.id, role: 'admin' }] }
    const failure = await failureOf(createResource(world.deps, world.as('user', 'admin'), { kind: 'team', body }))
    expect(failure).toMatchObject({ code: 'invalid_body', details: { problems: [{ path: 'members[1].user' }] } })
  })

  it('refuses a binding to one name of all kinds', async () => {
    const world = await controlWorld(all)
    const body = {
      name: 'b',
      subjects: [{ kind: 'user', ref: 'mia' }],
      bindings: [{ role: 'view', resource: '*', name: 'github' }],
    }
    const failure = await failureOf(
      createResource(world.deps, world.as('user', 'admin'), { kind: 'role_binding', body }),
    )
    expect(failure).toMatchObject({ code: 'invalid_body', details: { problems: [{ path: 'bindings[0].name' }] } })
  })
})

describe('what a maker may not give', () => {
  const rights = (resource: ManagedResource): Binding[] => [
    { role: 'create', resource },
    { role: 'view', resource: '*' },
  ]
  const make = async (kind: CreatableKind, body: object, bindings: Binding[]) => {
    const world = await controlWorld([...all, bound(member.id, ...bindings)])
    return createResource(world.deps, world.as('user', 'mia'), { kind, body })
  }

  it('is a role binding beyond its own rights, whoever the subject is', async () => {
    const body = (bindings: Binding[]) => ({ name: 'b', subjects: [{ kind: 'user', ref: 'mia' }], bindings })
    const own = rights('role-bindings')
    await make('role_binding', body([{ role: 'view', resource: 'servers' }]), own)
    const failure = await failureOf(
      make('role_binding', body([own[1] as Binding, { role: 'edit', resource: 'servers' }]), own),
    )
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['bindings[1]'] } })
    expect(
      (
        await failureOf(
          make('role_binding', body([{ role: 'view', resource: '*' }]), [
            own[0] as Binding,
            {
              role: 'view',
              resource: 'users',
            },
          ]),
        )
      ).code,
    ).toBe('exceeds_creator')
  })

  it.each(['admin', 'viewer'])('is the role %s', async (role) => {
    const own: Binding[] = [{ role: 'create', resource: 'users' }]
    const failure = await failureOf(make('user', { name: 'nora', role }, own))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['role'] } })
    expect((await make('user', { name: 'nora' }, own))['role']).toBe('member')
  })

  it('is a policy that it does not hold', async () => {
    const failure = await failureOf(make('team', { name: 'core', policies: ['reader'] }, rights('teams')))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['policies'] } })
    const organization = await failureOf(
      make('organization', { name: 'acme', policies: ['reader'] }, rights('organizations')),
    )
    expect(organization.code).toBe('exceeds_creator')
  })

  it('is a program on the gateway’s machine', async () => {
    const failure = await failureOf(make('server', bodies.server, rights('servers')))
    expect(failure).toMatchObject({ code: 'forbidden', details: { reason: 'program_needs_admin' } })
    const remote = { name: 'files', transport: { kind: 'streamable_http', url: 'https://example.com/mcp' } }
    expect((await make('server', remote, rights('servers')))['isolation']).toBe('principal')
  })

  it('is what AWS knows the gateway’s machine as', async () => {
    const signed = (credential: object) => ({
      name: 'aws',
      transport: {
        kind: 'streamable_http',
        url: 'https://ec2.eu-central-1.amazonaws.com/?Action=TerminateInstances',
        credential: { kind: 'aws_sigv4', region: 'eu-central-1', service: 'ec2', ...credential },
      },
    })
    const refused = { code: 'forbidden', details: { reason: 'aws_identity_needs_admin', paths: ['transport'] } }
    for (const credential of [{}, { roleArn: 'arn:aws:iam::1:role/x' }])
      expect(await failureOf(make('server', signed(credential), rights('servers')))).toMatchObject(refused)
    const own = signed({ accessKeyId: 'AKIDOWN', secretAccessKey: 'own' })
    expect((await make('server', own, rights('servers')))['name']).toBe('aws')
  })

  it('is an agent that may call all that is attached to it', async () => {
    const own = resource('policy', 'own', { rules: [{ level: 'execute' }] })
    const holder = having(member, { policies: [own.id] })
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== member.id),
      own,
      holder,
      bound(member.id, ...rights('agents')),
    ])
    const agent = (more: object) =>
      createResource(world.deps, world.as('user', 'mia'), {
        kind: 'agent',
        body: { name: 'bot', servers: [{ server: 'github' }], ...more },
      })
    for (const more of [{}, { policies: ['reader'] }, { policies: ['own', 'reader'] }]) {
      expect((await failureOf(agent(more))).code).toBe('exceeds_creator')
    }
    expect((await agent({ policies: ['own'] }))['policies']).toEqual(['own'])
  })

  it('is a place outside of its own organization', async () => {
    const acme = resource('organization', 'acme')
    const other = resource('organization', 'other')
    const mine = having(member, { organization: acme.id })
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== member.id),
      acme,
      other,
      mine,
      bound(member.id, ...rights('projects')),
    ])
    const make = (body: object) => createResource(world.deps, world.as('user', 'mia'), { kind: 'project', body })
    expect((await failureOf(make({ name: 'web', organization: 'other' }))).code).toBe('exceeds_creator')
    expect((await make({ name: 'web' }))['organization']).toBe('acme')
  })
})
