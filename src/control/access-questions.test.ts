import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { CallHistory, RecordedCall } from '#core/audit/call-history.ts'
import { composeAccess } from '#core/access/access.ts'
import { composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { Principals } from '#core/identity/principals.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { bound, controlWorld, type ControlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { canI } from './can-i.ts'
import { dryRun } from './dry-run.ts'
import { explainAccess } from './explain-access.ts'

const reader = resource('policy', 'reader', { rules: [{ level: 'read' }] })
const caller = resource('policy', 'caller', { rules: [{ server: 'github', level: 'execute' }] })
const noDelete = resource('policy', 'no-delete', { rules: [{ tool: 'delete_*', level: 'deny' }] })
const acme = resource('organization', 'acme', { policies: [noDelete.id] })
const admin = resource('user', 'admin', { role: 'admin' })
const mia = resource('user', 'mia', { policies: [caller.id], organization: acme.id })
const noah = resource('user', 'noah')
const github = resource('server', 'github')
const files = resource('server', 'files')
const site = resource('project', 'site', { servers: [github.id] })
const team = resource('team', 'web', { members: [{ user: mia.id, role: 'admin' }, { user: noah.id }] })
const token = (name: string, spec: object = {}) =>
  resource('token', name, { owner: { kind: 'user', ref: mia.id }, digest: `digest of ${name}`, ...spec })
const all: Resource[] = [reader, caller, noDelete, acme, admin, mia, noah, github, files, site, team, token('ci')]

describe('canI', () => {
  const ask = async (name: string, question: Parameters<typeof canI>[2], more: Resource[] = []) => {
    const world = await controlWorld([...all, ...more])
    return canI(world.deps, world.as('user', name).actor, question)
  }

  it('says which bindings allow it', async () => {
    const rights = bound(
      noah.id,
      { role: 'edit', resource: 'projects', name: site.id },
      { role: 'run', action: 'logs' },
    )
    const bindings = ['role:edit,resource:projects,name:prj_site']
    expect(await ask('noah', { role: 'view', resource: 'projects', name: 'site' }, [rights])).toEqual({
      allowed: true,
      bindings,
    })
    expect(await ask('noah', { role: 'view', resource: 'projects' }, [rights])).toEqual({
      allowed: false,
      bindings: [],
    })
    expect(await ask('noah', { role: 'view', resource: 'projects', name: 'nothing' }, [rights])).toMatchObject({
      allowed: false,
    })
    expect(await ask('noah', { action: 'logs' }, [rights])).toEqual({ allowed: true, bindings: ['action:logs'] })
    expect(await ask('noah', { action: 'backup' }, [rights])).toEqual({ allowed: false, bindings: [] })
  })

  it('says yes to what is one’s own, without a binding', async () => {
    expect(await ask('mia', { role: 'delete', resource: 'tokens', name: 'ci' })).toEqual({
      allowed: true,
      bindings: [],
    })
    expect(await ask('mia', { role: 'edit', resource: 'teams', name: 'web' })).toMatchObject({ allowed: true })
    expect(await ask('noah', { role: 'edit', resource: 'teams', name: 'web' })).toMatchObject({ allowed: false })
  })

  it('asks of create for the name that the resource would have', async () => {
    const rights = bound(noah.id, { role: 'create', resource: 'servers', name: 'new' })
    expect(await ask('noah', { role: 'create', resource: 'servers', name: 'new' }, [rights])).toMatchObject({
      allowed: true,
    })
    expect(await ask('noah', { role: 'create', resource: 'servers' }, [rights])).toMatchObject({ allowed: false })
  })

  it('says of a tool what a token of one’s own could', async () => {
    expect(await ask('mia', { server: 'github', tool: 'find' })).toMatchObject({
      allowed: true,
      listed: true,
      isConditional: false,
      decision: { level: 'execute', reason: { kind: 'rule', policy: 'caller' } },
    })
    expect(await ask('mia', { server: 'github', tool: 'delete_all' })).toMatchObject({ allowed: false, listed: false })
    expect(await ask('noah', { server: 'github', tool: 'find' })).toMatchObject({ allowed: false })
  })

  it('takes a server by its alias or its id for the server, as a call does', async () => {
    const git = resource('server', 'github', { aliases: ['gh'] })
    const open = resource('policy', 'open', { default: 'execute', rules: [{ server: 'github', level: 'deny' }] })
    const bound = resource('user', 'bound', { policies: [open.id] })
    const world = await controlWorld([...all.filter(({ id }) => id !== github.id), git, open, bound])
    const allowed = async (name: string, server: string) =>
      (await canI(world.deps, world.as('user', name).actor, { server, tool: 'find' })).allowed
    for (const server of ['github', 'gh', 'srv_github']) {
      expect([server, await allowed('mia', server)]).toEqual([server, true])
      expect([server, await allowed('bound', server)]).toEqual([server, false])
    }
  })

  it('says no of a server that is not there, or not enabled, whatever a policy says', async () => {
    const open = resource('policy', 'open', { default: 'execute' })
    const more = [
      open,
      resource('user', 'free', { policies: [open.id] }),
      resource('server', 'off', { isEnabled: false }),
    ]
    expect(await ask('free', { server: 'files', tool: 'x' }, more)).toMatchObject({ allowed: true, listed: true })
    for (const server of ['off', 'nothing']) {
      expect(await ask('free', { server, tool: 'x' }, more)).toMatchObject({ allowed: false, listed: false })
    }
  })

  it.each([
    {},
    { role: 'view' },
    { resource: 'teams' },
    { name: 'web' },
    { server: 'github' },
    { tool: 'find' },
    { role: 'view', resource: 'teams', action: 'logs' },
    { action: 'logs', server: 'github', tool: 'find' },
  ] as const)('refuses %j, which is not one question', async (question) => {
    expect((await failureOf(ask('admin', question))).code).toBe('invalid_body')
  })
})

describe('explainAccess', () => {
  const ask = async (
    by: [kind: 'user' | 'token', name: string],
    question: Parameters<typeof explainAccess>[2],
    more: Resource[] = [],
  ) => {
    const world = await controlWorld([...all, ...more])
    return explainAccess(world.deps, world.as(...by).actor, question)
  }

  it('tells each step and the rule that decides', async () => {
    const answer = await ask(['user', 'admin'], { token: 'ci', server: 'github', tool: 'find' })
    expect(answer).toMatchObject({
      token: { id: 'tok_ci', name: 'ci' },
      server: 'github',
      tool: 'find',
      isListed: true,
      isCallable: true,
      isConditional: false,
      steps: [
        { step: 'token', isPassed: true, about: 'active' },
        { step: 'owner', isPassed: true, about: 'user mia' },
        { step: 'server', isPassed: true, about: 'github' },
        { step: 'policy', isPassed: true, about: 'execute: rule 0 of caller' },
      ],
    })
    expect(answer.explanation.rules[0]).toMatchObject({
      policy: 'caller',
      effect: 'decides',
      attachedTo: { kind: 'user' },
    })
  })

  it('tells a denial of the organization, and what lies outside of a project', async () => {
    const bounded = token('bounded', { project: site.id })
    expect(await ask(['user', 'mia'], { token: 'ci', server: 'github', tool: 'delete_all' })).toMatchObject({
      isListed: false,
      isCallable: false,
    })
    const outside = await ask(['user', 'mia'], { token: 'bounded', server: 'files', tool: 'read' }, [bounded])
    expect(outside.isCallable).toBe(false)
    expect(outside.steps).toContainEqual({ step: 'ceiling', isPassed: false, about: 'project site' })
  })

  it.each([
    ['revoked', { revokedAt: 1 }, { step: 'token', isPassed: false, about: 'revoked' }],
    ['expired', { expiresAt: 1 }, { step: 'token', isPassed: false, about: 'expired' }],
    [
      'of a disabled owner',
      { owner: { kind: 'user', ref: 'usr_gone' } },
      { step: 'owner', isPassed: false, about: 'user gone, disabled' },
    ],
  ])('says that a token that is %s calls nothing', async (_, spec, step) => {
    const gone = resource('user', 'gone', { isDisabled: true, policies: [caller.id] })
    const answer = await ask(['user', 'admin'], { token: 'bad', server: 'github', tool: 'find' }, [
      gone,
      token('bad', spec),
    ])
    expect(answer).toMatchObject({ isListed: false, isCallable: false })
    expect(answer.steps).toContainEqual(step)
  })

  it.each([
    ['is not there', 'nothing', 'nothing, not there'],
    ['is not enabled', 'off', 'off, not enabled'],
  ])('says that a server that %s is called by nobody', async (_, server, about) => {
    const more = [resource('server', 'off', { isEnabled: false }), having(mia, { policies: [reader.id] })]
    const world = await controlWorld([...all.filter(({ id }) => id !== mia.id), ...more])
    const answer = await explainAccess(world.deps, world.as('user', 'admin').actor, { token: 'ci', server, tool: 'x' })
    expect(answer.isListed).toBe(false)
    expect(answer.steps).toContainEqual({ step: 'server', isPassed: false, about })
  })

  it('takes a server by its alias for the server, as a call does', async () => {
    const world = await controlWorld([
      ...all.filter(({ id }) => id !== github.id),
      resource('server', 'github', { aliases: ['gh'] }),
    ])
    const question = { token: 'ci', server: 'gh', tool: 'find' }
    const answer = await explainAccess(world.deps, world.as('user', 'admin').actor, question)
    expect(answer).toMatchObject({ server: 'github', isCallable: true })
  })

  it('is for the token itself, for who may see it and for who may explain', async () => {
    const explainer = bound(noah.id, { role: 'run', action: 'explain' })
    const question = { token: 'ci', server: 'github', tool: 'find' }
    expect((await ask(['token', 'ci'], { server: 'github', tool: 'find' })).token.name).toBe('ci')
    expect((await ask(['token', 'ci'], question)).isCallable).toBe(true)
    expect((await ask(['user', 'noah'], question, [explainer])).isCallable).toBe(true)
    expect((await failureOf(ask(['user', 'noah'], question))).code).toBe('no_such_resource')
    expect((await failureOf(ask(['user', 'noah'], { ...question, token: 'nothing' }))).code).toBe('no_such_resource')
    expect((await failureOf(ask(['user', 'noah'], { server: 'github' }))).code).toBe('invalid_params')
  })

  it('comes to the same as what calls are decided from', async () => {
    const policies = fc.subarray([reader.id, caller.id, noDelete.id])
    const some = fc.option(fc.subarray([github.id, files.id]), { nil: undefined })
    const spec = fc.record(
      {
        policies,
        servers: some,
        project: fc.constant(site.id),
        accessGroups: fc.subarray(['x']),
        ofTeam: fc.boolean(),
      },
      { requiredKeys: ['policies', 'ofTeam'] },
    )
    await fc.assert(
      fc.asyncProperty(spec, policies, policies, async ({ ofTeam, ...asked }, ofMia, ofWeb) => {
        const owner = ofTeam ? { kind: 'team', ref: team.id } : { kind: 'user', ref: mia.id }
        const changed = [having(mia, { policies: ofMia }), having(team, { policies: ofWeb })]
        const others = all.filter(({ id }) => id !== mia.id && id !== team.id)
        const world = await controlWorld([...others, ...changed, token('made', { ...asked, owner })])
        const made = world.index.find('token', 'made')
        const principal = new Principals(world.index, { hash: hashToken }).byDigest('digest of made')
        if (!made || !principal) throw new Error('the token is missing')
        const access = composeAccess({
          ...composeToken(world.index, made),
          ...serverFacts(world.index),
          hash: hashToken,
        })
        expect(access.fingerprint).toBe(principal.access.fingerprint)
      }),
      { numRuns: 60 },
    )
  })
})

describe('dryRun', () => {
  const dayMs = 86_400_000
  const rights = bound(
    noah.id,
    { role: 'run', action: 'explain' },
    { role: 'run', action: 'audit' },
    { role: 'view', resource: '*' },
  )

  /** A history of these calls, a few on each page. */
  function historyOf(calls: RecordedCall[], pages: { limit: number }[] = []): CallHistory {
    return {
      async read({ since, limit, cursor }) {
        pages.push({ limit })
        const from = Number(cursor ?? 0)
        const found = calls.filter(({ at }) => at >= since)
        const until = from + Math.min(limit, 3)
        return { calls: found.slice(from, until), next: until < found.length ? String(until) : null }
      },
    }
  }
  const call = (at: number, tool: string, more: Partial<RecordedCall> = {}): RecordedCall => ({
    at,
    tokenId: 'tok_ci',
    tokenName: 'ci',
    agent: null,
    server: 'github',
    tool,
    ...more,
  })
  const run = (world: ControlWorld, body: object, calls: RecordedCall[]) =>
    dryRun({ ...world.deps, history: historyOf(calls) }, world.as('user', 'noah').actor, body)

  it('tells which calls a changed policy would end otherwise, and changes nothing', async () => {
    const world = await controlWorld([...all, rights])
    const now = world.clock.now()
    const calls = [
      call(now - 1, 'find'),
      call(now - 2, 'merge'),
      call(now - 3, 'merge'),
      call(now - 4, 'delete_all'),
      call(now - 5, 'find', { server: 'files' }),
      call(now - 6, 'find', { tokenId: 'tok_gone' }),
      call(now - 2 * dayMs, 'merge'),
      call(now - 9 * dayMs, 'merge'),
    ]
    const policy = {
      name: 'caller',
      rules: [
        { server: 'github', level: 'execute' },
        { server: 'github', tool: 'merge', level: 'deny' },
        { server: 'files', tool: 'find', level: 'execute' },
      ],
    }
    expect(await run(world, { policy }, calls)).toEqual({
      since: now - 7 * dayMs,
      calls: 7,
      callsSkipped: 1,
      changesTotal: 2,
      isTruncated: false,
      changes: [
        {
          token: { id: 'tok_ci', name: 'ci' },
          agent: null,
          server: 'github',
          tool: 'merge',
          calls: 3,
          lastAt: now - 2,
          today: 'allowed',
          proposed: 'denied',
          decision: { level: 'deny', reason: { kind: 'rule', policy: 'caller', index: 1 } },
        },
        {
          token: { id: 'tok_ci', name: 'ci' },
          agent: null,
          server: 'files',
          tool: 'find',
          calls: 1,
          lastAt: now - 5,
          today: 'denied',
          proposed: 'allowed',
          decision: { level: 'execute', reason: { kind: 'rule', policy: 'caller', index: 2 } },
        },
      ],
    })
    expect((await run(world, { policy, days: 1 }, calls)).changes[0]).toMatchObject({ tool: 'merge', calls: 2 })
    expect(world.index.find('policy', 'caller')).toEqual(caller)
    expect(await world.count()).toBe(all.length + 1)
  })

  it('tells the same of sessions of agents, within what is attached to them', async () => {
    const helper = resource('agent', 'helper', { servers: [{ server: github.id }], policies: [caller.id] })
    const world = await controlWorld([...all, rights, helper])
    const now = world.clock.now()
    const agent = { id: helper.id, name: 'helper' }
    const ofAgent = { tokenId: '', tokenName: '', agent }
    const calls = [
      call(now - 1, 'merge', ofAgent),
      call(now - 2, 'merge', ofAgent),
      call(now - 3, 'find', { ...ofAgent, server: 'files' }),
      call(now - 4, 'merge', { ...ofAgent, agent: { id: 'agt_gone', name: 'gone' } }),
    ]
    const policy = { name: 'caller', rules: [{ server: 'files', level: 'execute' }] }
    expect(await run(world, { policy }, calls)).toMatchObject({
      calls: 4,
      callsSkipped: 1,
      changesTotal: 1,
      changes: [
        { token: null, agent, server: 'github', tool: 'merge', calls: 2, today: 'allowed', proposed: 'denied' },
      ],
    })
  })

  it.each([
    ['token', 'ci'],
    ['user', 'mia'],
    ['team', 'web'],
    ['organization', 'acme'],
  ] as const)('tries a new policy on a %s', async (kind, ref) => {
    const world = await controlWorld([...all, rights])
    const policy = { name: 'lock', rules: [{ tool: 'find', level: 'deny' }] }
    const calls = [call(world.clock.now() - 1, 'find')]
    expect((await run(world, { policy }, calls)).changes).toEqual([])
    expect((await run(world, { policy, attachTo: { kind, ref } }, calls)).changes).toMatchObject([
      { tool: 'find', today: 'allowed', proposed: 'denied', decision: { reason: { policy: 'lock' } } },
    ])
  })

  it('says where it would depend on arguments, which are not recorded', async () => {
    const world = await controlWorld([...all, rights])
    const rules = [{ server: 'github', tool: 'find', level: 'execute', conditions: [{ path: '$.q', eq: 'x' }] }]
    const { changes } = await run(world, { policy: { name: 'caller', rules } }, [call(world.clock.now() - 1, 'find')])
    expect(changes).toMatchObject([{ today: 'allowed', proposed: 'depends' }])
  })

  it('stops at so many calls and says so', async () => {
    const world = await controlWorld([...all, rights])
    const limits: number[] = []
    const history: CallHistory = {
      async read({ limit }) {
        limits.push(limit)
        return { calls: Array.from({ length: limit }, () => call(world.clock.now(), 'find')), next: 'more' }
      },
    }
    const policy = { name: 'caller', rules: [] }
    const answer = await dryRun({ ...world.deps, history }, world.as('user', 'noah').actor, { policy })
    expect(answer).toMatchObject({ calls: 100_000, isTruncated: true, changes: [{ calls: 100_000 }] })
    expect(Math.max(...limits)).toBeLessThanOrEqual(1_000)
  })

  it.each([
    ['invalid_body', { policy: { name: 'x', color: 1 } }],
    ['invalid_body', { policy: { name: 'x' }, days: 91 }],
    ['invalid_body', { policy: { name: 'X' } }],
    ['invalid_body', {}],
    ['dangling_reference', { policy: { name: 'x' }, attachTo: { kind: 'team', ref: 'nothing' } }],
  ])('refuses with %s the body %j', async (code, body) => {
    const world = await controlWorld([...all, rights])
    expect((await failureOf(run(world, body, []))).code).toBe(code)
  })

  it('is only for who may explain and may read the audit log', async () => {
    for (const action of ['explain', 'audit'] as const) {
      const world = await controlWorld([
        ...all,
        bound(noah.id, { role: 'run', action }, { role: 'view', resource: '*' }),
      ])
      expect((await failureOf(run(world, { policy: { name: 'x' } }, []))).code).toBe('forbidden')
    }
  })
})
