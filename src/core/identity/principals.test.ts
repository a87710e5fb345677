import { describe, expect, it } from 'vitest'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { resource } from '#test/support/resources.ts'
import { Principals } from './principals.ts'

const server = (name: string, spec: object = {}) => resource('server', name, spec)
const policy = (name: string, rules: object[], level = 'deny') => resource('policy', name, { default: level, rules })
const allow = (tool: string, of = '*') => ({ server: of, tool, level: 'execute' })
const deny = (tool: string, of = '*') => ({ server: of, tool, level: 'deny' })
const ann = { owner: { kind: 'user', ref: 'usr_ann' } }
const devs = { owner: { kind: 'team', ref: 'team_devs' } }
/** An admin, by whom no policy of a token is held back: `owner-grant.test.ts` has the others. */
const annIs = (spec: object = {}) => resource('user', 'ann', { role: 'admin', ...spec })
const token = (name: string, spec: object = {}) => resource('token', name, { ...ann, digest: name, ...spec })

const base = [
  server('files', { labels: ['dev'] }),
  server('git'),
  policy('all', [], 'execute'),
  policy('read', [allow('read')]),
  policy('write', [allow('write')]),
  policy('list', [allow('list')]),
  policy('never', [deny('drop')]),
]

function houseOf(...resources: Resource[]) {
  const snapshot = new ResourceSnapshot()
  const change = (...changed: Resource[]): void => snapshot.apply({ changed, deleted: [], isWhole: false })
  const remove = ({ kind, id }: Resource): void =>
    snapshot.apply({ changed: [], deleted: [{ kind, id }], isWhole: false })
  change(...base, annIs(), ...resources)
  const principals = new Principals(snapshot, { hash: (text) => text })
  const may = (digest: string, of = 'files') =>
    ['read', 'write', 'list', 'drop'].filter(
      (tool) => principals.byDigest(digest)?.access.tool(of, tool).level === 'execute',
    )
  return { snapshot, change, remove, principals, may }
}

describe('Principals', () => {
  it('tells who holds a token, and for whom', () => {
    const { principals } = houseOf(
      resource('organization', 'acme'),
      annIs({ organization: 'org_acme' }),
      resource('project', 'demo'),
      token('t', {
        project: 'prj_demo',
        expiresAt: 5,
        limits: { callsPerMinuteMax: 3 },
        endpoints: ['/mcp/a', '/sse'],
      }),
    )
    expect(principals.byDigest('t')).toMatchObject({
      id: 'tok_t',
      tokenId: 'tok_t',
      tokenName: 't',
      expiresAt: 5,
      token: {
        digest: 't',
        userId: 'usr_ann',
        teamId: null,
        projectId: 'prj_demo',
        endpoints: new Set(['servers a', 'servers']),
        limits: { callsPerMinuteMax: 3 },
      },
    })
    expect(principals.byDigest('nobody')).toBeUndefined()
  })

  it('leaves out limits and addresses that a token has none of', () => {
    const { principals } = houseOf(token('t'))
    expect(principals.byDigest('t')?.token).toMatchObject({ limits: null, endpoints: null, projectId: null })
  })

  it.each<[string, Resource[]]>([
    ['is revoked', [token('t', { revokedAt: 1 })]],
    ['has an owner that is disabled', [token('t'), annIs({ isDisabled: true })]],
    ['has an owner that is gone', [token('t', { owner: { kind: 'user', ref: 'usr_bob' } })]],
    ['is of a team that is gone', [token('t', devs)]],
    ['has a project that is gone', [token('t', { project: 'prj_gone' })]],
  ])('does not know a token that %s', (_why, resources) => {
    expect(houseOf(...resources).principals.byDigest('t')).toBeUndefined()
  })

  it('takes the grant of the nearest who has any: token, user, teams, organization', () => {
    const teamOf = (policies: string[], organization?: string) =>
      resource('team', 'devs', { members: [{ user: 'usr_ann' }], policies, ...(organization ? { organization } : {}) })
    const acme = resource('organization', 'acme', { policies: ['pol_list'] })
    const { change, may } = houseOf(acme, annIs({ organization: 'org_acme' }), token('t'))
    expect(may('t')).toEqual(['list'])
    change(teamOf(['pol_write']))
    expect(may('t')).toEqual(['write'])
    change(annIs({ organization: 'org_acme', policies: ['pol_read'] }))
    expect(may('t')).toEqual(['read'])
    change(token('t', { policies: ['pol_all'] }))
    expect(may('t')).toEqual(['read', 'write', 'list', 'drop'])
  })

  it('gives a team’s token what the team has, and its organization where it has nothing', () => {
    const acme = resource('organization', 'acme', { policies: ['pol_list'] })
    const { change, may } = houseOf(acme, resource('team', 'devs', { organization: 'org_acme' }), token('t', devs))
    expect(may('t')).toEqual(['list'])
    change(resource('team', 'devs', { organization: 'org_acme', policies: ['pol_write'] }))
    expect(may('t')).toEqual(['write'])
  })

  it.each<[string, Resource[], object]>([
    ['the owner’s team', [resource('team', 'x', { members: [{ user: 'usr_ann' }], policies: ['pol_never'] })], {}],
    [
      'the owner’s organization',
      [resource('organization', 'x', { policies: ['pol_never'] }), annIs({ organization: 'org_x' })],
      {},
    ],
    [
      'the organization of the owner’s team',
      [
        resource('organization', 'x', { policies: ['pol_never'] }),
        resource('team', 'x', { members: [{ user: 'usr_ann' }], organization: 'org_x' }),
      ],
      {},
    ],
    ['the team that owns it', [resource('team', 'devs', { policies: ['pol_all', 'pol_never'] })], devs],
    [
      'the project’s organization',
      [
        resource('organization', 'x', { policies: ['pol_never'] }),
        resource('project', 'p', { organization: 'org_x', servers: ['srv_files'] }),
      ],
      { project: 'prj_p' },
    ],
  ])('denies what %s denies, whatever the token’s own policies allow', (_who, resources, spec) => {
    const { may } = houseOf(...resources, token('t', { policies: ['pol_all'], ...spec }))
    expect(may('t')).toEqual(['read', 'write', 'list'])
  })

  it('grants nothing where a policy is named and not there: nobody knows what it denied', () => {
    expect(houseOf(token('t', { policies: ['pol_all', 'pol_gone'] })).may('t')).toEqual([])
    const orphan = annIs({ organization: 'org_gone' })
    expect(houseOf(orphan, token('t', { policies: ['pol_all'] })).may('t')).toEqual([])
  })

  it.each<[string, object, Record<string, string[]>]>([
    ['servers', { servers: ['srv_files'] }, { files: ['read', 'write', 'list', 'drop'], git: [] }],
    ['no servers', { servers: [] }, { files: [], git: [] }],
    ['a server that is gone', { servers: ['srv_gone'] }, { files: [], git: [] }],
    ['access groups', { accessGroups: ['dev'] }, { files: ['read', 'write', 'list', 'drop'], git: [] }],
    ['tools', { tools: [{ server: 'srv_git', tool: 'read' }] }, { files: [], git: ['read'] }],
    ['a toolset', { toolsets: ['tls_some'] }, { files: ['list'], git: ['write'] }],
    ['a toolset that is gone', { toolsets: ['tls_gone'] }, { files: [], git: [] }],
    ['its project', { project: 'prj_demo' }, { files: ['list'], git: ['read', 'write', 'list', 'drop'] }],
    ['both', { project: 'prj_demo', servers: ['srv_files'] }, { files: ['list'], git: [] }],
  ])('never lets a token out of its %s', (_what, spec, expected) => {
    const tools = [
      { server: 'srv_files', tool: 'list' },
      { server: 'srv_git', tool: 'write' },
      { server: 'srv_gone', tool: 'read' },
    ]
    const { may } = houseOf(
      resource('toolset', 'some', { tools }),
      resource('project', 'demo', { servers: ['srv_git'], toolsets: ['tls_some'] }),
      token('t', { policies: ['pol_all'], ...spec }),
    )
    expect({ files: may('t', 'files'), git: may('t', 'git') }).toEqual(expected)
  })

  it('does not take a declared server for a stored one of the same name', () => {
    const { snapshot, may } = houseOf(token('t', { policies: ['pol_all'], servers: ['srv_git'] }))
    expect(may('t', 'git')).toEqual(['read', 'write', 'list', 'drop'])
    snapshot.declare([{ ...server('git'), id: 'cfg_server_git' }])
    expect(may('t', 'git')).toEqual([])
  })

  it('lets everybody call a server that is for everyone, unless it is denied', () => {
    const { may } = houseOf(
      server('open', { isForEveryone: true }),
      token('t'),
      token('u', { policies: ['pol_never'] }),
    )
    expect(may('t', 'open')).toEqual(['read', 'write', 'list', 'drop'])
    expect(may('u', 'open')).toEqual(['read', 'write', 'list'])
    expect(may('t')).toEqual([])
  })
})

describe('what is kept', () => {
  it('is one access for tokens of equal parts', () => {
    const { principals } = houseOf(
      token('one', { policies: ['pol_read', 'pol_write'] }),
      token('two', { policies: ['pol_write', 'pol_read'] }),
      token('three', { policies: ['pol_read'] }),
    )
    const [one, two, three] = ['one', 'two', 'three'].map((digest) => principals.byDigest(digest))
    expect(one?.access).toBe(two?.access)
    expect(one?.access).not.toBe(three?.access)
  })

  it('outlives tokens that come and go', () => {
    const { principals, change, remove } = houseOf(token('one', { policies: ['pol_read'] }), token('two'))
    const before = principals.byDigest('one')
    change(token('three'))
    remove(token('two'))
    expect(before).toBeDefined()
    expect(principals.byDigest('one')).toBe(before)
    expect(principals.byDigest('two')).toBeUndefined()
    expect(principals.byDigest('three')).toBeDefined()
  })

  it('is an access that outlives a change of something else', () => {
    const { principals, change } = houseOf(token('one', { policies: ['pol_read'] }))
    const before = principals.byDigest('one')
    change(resource('user', 'bob'))
    expect(principals.byDigest('one')?.access).toBe(before?.access)
  })

  it('is made anew when a policy, a label or a member changes', () => {
    const { change, may } = houseOf(token('t', { policies: ['pol_read'], accessGroups: ['dev'] }))
    expect(may('t')).toEqual(['read'])
    change(policy('read', [allow('list')]))
    expect(may('t')).toEqual(['list'])
    change(
      resource('team', 'x', { members: [{ user: 'usr_ann' }], policies: ['pol_stop'] }),
      policy('stop', [deny('*')]),
    )
    expect(may('t')).toEqual([])
    change(resource('team', 'x', { policies: ['pol_stop'] }))
    expect(may('t')).toEqual(['list'])
    change(server('files', { labels: ['ops'] }))
    expect(may('t')).toEqual([])
  })
})

describe('current', () => {
  it('is the principal as it is now, until its token is good no more', () => {
    const { principals, change } = houseOf(token('t', { policies: ['pol_read'] }))
    const before = principals.byDigest('t')
    if (!before) throw new Error('unknown')
    expect(principals.current(before)).toBe(before)
    change(token('t', { policies: ['pol_write'] }))
    expect(principals.current(before)?.access.tool('files', 'write').level).toBe('execute')
    change(token('t', { revokedAt: 1 }))
    expect(principals.current(before)).toBeUndefined()
  })

  it('is nobody for another bearer under the same id', () => {
    const { principals, change } = houseOf(token('t'))
    const before = principals.byDigest('t')
    if (!before) throw new Error('unknown')
    change(token('t', { digest: 'another' }))
    expect(principals.current(before)).toBeUndefined()
  })
})

describe('within a project or toolset', () => {
  const tools = [{ server: 'srv_files', tool: 'read' }]
  const places = [
    resource('toolset', 'readers', { tools }),
    resource('project', 'demo', { servers: ['srv_git'], toolsets: ['tls_readers'] }),
  ]

  it('tells which servers it offers', () => {
    const { principals } = houseOf(...places)
    expect(principals.scope('project', 'demo')).toMatchObject({ id: 'prj_demo', servers: ['git', 'files'] })
    expect(principals.scope('toolset', 'readers')).toMatchObject({ id: 'tls_readers', servers: ['files'] })
    expect(principals.scope('toolset', 'demo')).toBeUndefined()
    expect(principals.scope('project', 'nobody')).toBeUndefined()
  })

  it('a principal has what is left of its access, and the same principal each time', () => {
    const { principals } = houseOf(...places, token('t', { policies: ['pol_all'] }))
    const principal = principals.byDigest('t')
    const scope = principals.scope('toolset', 'readers')
    if (!principal || !scope) throw new Error('unknown')
    const within = principals.within(principal, scope)
    expect(within).toMatchObject({ id: 'tok_t', tokenId: 'tok_t' })
    expect(within.access.tool('files', 'read').level).toBe('execute')
    expect(within.access.tool('files', 'write')).toMatchObject({
      level: 'deny',
      reason: { kind: 'ceiling', name: 'toolset readers' },
    })
    expect(within.access.mayReach('git')).toBe(false)
    expect(principals.within(principal, scope)).toBe(within)
    expect(principal.access.tool('files', 'write').level).toBe('execute')
  })

  it('a token that is bound to the project is what it is everywhere', () => {
    const { principals } = houseOf(...places, token('t', { policies: ['pol_all'], project: 'prj_demo' }))
    const principal = principals.byDigest('t')
    const scope = principals.scope('project', 'demo')
    if (!principal || !scope) throw new Error('unknown')
    expect(principals.within(principal, scope)).toBe(principal)
  })

  it('follows a change of the toolset', () => {
    const { principals, change } = houseOf(...places, token('t', { policies: ['pol_all'] }))
    const levelOf = (tool: string) => {
      const principal = principals.byDigest('t')
      const scope = principals.scope('project', 'demo')
      return principal && scope && principals.within(principal, scope).access.tool('files', tool).level
    }
    expect([levelOf('read'), levelOf('write')]).toEqual(['execute', 'deny'])
    change(resource('toolset', 'readers', { tools: [{ server: 'srv_files', tool: 'write' }] }))
    expect([levelOf('read'), levelOf('write')]).toEqual(['deny', 'execute'])
  })

  it('leaves nothing to a principal that it has not made, and nothing of a scope that is gone, be it for everyone', () => {
    const { principals, remove } = houseOf(
      ...places,
      server('open', { isForEveryone: true }),
      token('t', { policies: ['pol_all'] }),
    )
    const principal = principals.byDigest('t')
    const scope = principals.scope('project', 'demo')
    if (!principal || !scope) throw new Error('unknown')
    const reach = (): boolean[] =>
      [principal, { ...principal }].flatMap((one) =>
        ['git', 'open'].map((name) => principals.within(one, scope).access.mayReach(name)),
      )
    expect(reach()[3]).toBe(false)
    for (const place of places) if (place.kind === 'project') remove(place)
    expect(reach()).toEqual([false, false, false, false])
  })
})

describe('among servers and toolsets', () => {
  it('leaves servers whole and of toolsets their tools, and remembers so many mixtures and no more', () => {
    const readers = resource('toolset', 'readers', { tools: [{ server: 'srv_files', tool: 'read' }] })
    const { principals } = houseOf(readers, token('t', { policies: ['pol_all'] }))
    const principal = principals.byDigest('t')
    const scope = principals.scope('toolset', 'readers')
    if (!principal || !scope) throw new Error('unknown')
    const mixture = { servers: ['git'], toolsets: [scope] }
    const { access } = principals.among(principal, mixture)
    const calls = [access.tool('git', 'any'), access.tool('files', 'read'), access.tool('files', 'write')]
    expect(calls.map(({ level }) => level)).toEqual(['execute', 'execute', 'deny'])
    expect(access.server('files').level).toBe('deny')
    expect(principals.among(principal, mixture)).toBe(principals.among(principal, mixture))
    for (let i = 0; i < 1_100; i++) principals.among(principal, { servers: [`s${i}`], toolsets: [scope] })
    expect(principals.among(principal, mixture).access).toBe(access)
  })
})

describe('outside', () => {
  const places = [
    server('secret', { visibility: 'internal' }),
    resource('project', 'demo', { servers: ['srv_secret', 'srv_git'] }),
    token('t', { policies: ['pol_all'] }),
  ]

  it('leaves a principal all but the internal servers, also within a project', () => {
    const { principals } = houseOf(...places)
    const principal = principals.byDigest('t')
    const scope = principals.scope('project', 'demo')
    if (!principal || !scope) throw new Error('unknown')
    const outside = principals.outside(principal)
    expect([outside.access.mayReach('secret'), outside.access.mayReach('git')]).toEqual([false, true])
    expect(principal.access.mayReach('secret')).toBe(true)
    const within = principals.within(outside, scope).access
    expect(['secret', 'git', 'files'].filter((name) => within.mayReach(name))).toEqual(['git'])
  })

  it('changes nothing where no server is internal', () => {
    const { principals, change } = houseOf(...places)
    change(server('secret'))
    const principal = principals.byDigest('t')
    if (!principal) throw new Error('unknown')
    expect(principals.outside(principal)).toBe(principal)
  })
})
