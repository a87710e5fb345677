/** Whoever may not manage everything never comes to more than it has, by whatever it tries, in whatever order. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { type Binding, ManagedResource, Role, RunAction } from '#contract/role-binding.ts'
import { composeAccess } from '#core/access/access.ts'
import { allowsExecute } from '#core/access/decide.ts'
import { composeOwner, composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { can, canRun } from '#core/rbac/evaluate.ts'
import { bindingsOfUser } from '#core/rbac/rights.ts'
import { bound, controlWorld, type ControlWorld } from '#test/support/control-world.ts'
import { resource } from '#test/support/resources.ts'
import { createResource } from './create-resource.ts'
import { deleteResource } from './delete-resource.ts'
import { mintToken } from './mint-token.ts'
import { setPassword, signIn } from './passwords.ts'
import { rotateToken } from './rotate-token.ts'
import { updateResource } from './update-resource.ts'

const me = 'mallory'
const users = [me, 'peer', 'rich', 'boss', 'admin']
const teams = ['mine', 'strong', 'locked']
const policies = ['reader', 'writer', 'lock']
const servers = ['one', 'two']
const tools = ['find', 'drop']
const password = 'a password of mallory'

const world = (rights: Binding[], ofMe: string[]) =>
  controlWorld([
    resource('policy', 'reader', { rules: [{ server: 'one', level: 'execute' }] }),
    resource('policy', 'writer', { rules: [{ level: 'execute' }] }),
    resource('policy', 'lock', { rules: [{ tool: 'drop', level: 'deny' }] }),
    ...servers.map((name) => resource('server', name, { labels: [`is-${name}`] })),
    resource('toolset', 'finding', { tools: [{ server: 'srv_one', tool: 'find' }] }),
    resource('project', 'site', { toolsets: ['tls_finding'] }),
    resource('organization', 'acme', { policies: ['pol_reader'] }),
    resource('user', 'admin', { role: 'admin' }),
    resource('user', me, { policies: ofMe.map((name) => `pol_${name}`), organization: 'org_acme' }),
    resource('user', 'peer', { organization: 'org_acme' }),
    resource('user', 'rich', { policies: ['pol_writer'] }),
    resource('user', 'boss', { policies: ['pol_writer'] }),
    resource('team', 'mine', { members: [{ user: 'usr_mallory', role: 'admin' }], organization: 'org_acme' }),
    resource('team', 'strong', { members: [{ user: 'usr_boss', role: 'admin' }], policies: ['pol_writer'] }),
    resource('team', 'locked', { members: [{ user: 'usr_mallory' }, { user: 'usr_peer' }], policies: ['pol_lock'] }),
    resource('token', 'of-boss', { owner: { kind: 'user', ref: 'usr_boss' }, digest: 'd1' }),
    // What Mallory was handed, bound to little of what its owner may.
    ...[{ toolsets: ['tls_finding'] }, { project: 'prj_site' }].map((bounds, index) =>
      resource('token', `handed-${index}`, {
        owner: { kind: 'user', ref: 'usr_rich' },
        digest: `handed ${index}`,
        ...bounds,
      }),
    ),
    resource('role_binding', 'of-strong', {
      subjects: [{ kind: 'team', ref: 'team_strong' }],
      bindings: [{ role: 'delete', resource: 'servers' }],
    }),
    resource('role_binding', 'of-boss', {
      subjects: [{ kind: 'user', ref: 'usr_boss' }],
      bindings: [{ role: 'run', action: 'backup' }],
    }),
    bound('usr_mallory', ...rights),
  ])

type Attempt = (one: ControlWorld) => Promise<unknown>

const anyOf = <Word>(words: readonly Word[]) => fc.constantFrom(...words)
const someOf = (words: readonly string[]) => fc.subarray([...words])
const anyRight: fc.Arbitrary<Binding> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      role: anyOf(['create', 'edit', 'delete'] as const),
      resource: anyOf(['teams', 'users', 'tokens', 'role-bindings', 'policies', 'toolsets', 'projects'] as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ role: anyOf(Role.options), resource: anyOf(ManagedResource.options) }) },
  { weight: 1, arbitrary: fc.record({ role: fc.constant('run' as const), action: anyOf(RunAction.options) }) },
)
/** Mostly with a view of everything, so that what she names is found. */
const rightsOfMe = fc
  .tuple(fc.array(anyRight, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 4 }))
  .map(([rights, dice]): Binding[] => (dice === 0 ? rights : [{ role: 'view', resource: '*' }, ...rights]))
const members = fc.uniqueArray(fc.record({ user: anyOf(users), role: anyOf(['admin', 'member']) }), {
  selector: ({ user }) => user,
})
const owner = fc.oneof(
  fc.record({ kind: fc.constant('user'), ref: anyOf(users) }),
  fc.record({ kind: fc.constant('team'), ref: anyOf(teams) }),
)
const organization = fc.option(fc.constant('acme'), { nil: undefined })
const rule = fc.record({
  server: anyOf(['one', 'two', '*', 'o*', 'label:is-one', 'label:is-two']),
  tool: anyOf([...tools, '*', 'd*']),
  level: anyOf(['deny', 'read', 'execute']),
})
const bodies = {
  team: fc.record({ members, policies: someOf(policies), organization }),
  user: fc.record({
    role: anyOf(['admin', 'viewer', 'member']),
    policies: someOf(policies),
    isDisabled: fc.boolean(),
    email: fc.option(fc.constant('m@example.com'), { nil: undefined }),
    organization,
  }),
  role_binding: fc.record({
    subjects: fc.array(owner, { minLength: 1, maxLength: 2 }),
    bindings: fc.array(anyRight, { minLength: 1, maxLength: 3 }),
  }),
  policy: fc.record({
    default: anyOf(['deny', 'deny', 'deny', 'read', 'execute']),
    rules: fc.array(rule, { maxLength: 3 }),
  }),
  toolset: fc.record({ tools: fc.array(fc.record({ server: anyOf(servers), tool: anyOf(tools) }), { maxLength: 3 }) }),
  project: fc.record({ servers: someOf(servers), toolsets: someOf(['finding']), organization }),
  token: fc.record({ owner, policies: someOf(policies), bindings: fc.array(anyRight, { maxLength: 2 }) }),
}
const names = {
  team: teams,
  user: users,
  role_binding: ['of-boss', 'of-strong', 'of-usr-mallory'],
  policy: policies,
  toolset: ['finding'],
  project: ['site'],
  token: ['of-boss', 'new'],
}
const changeable = ['team', 'user', 'role_binding', 'token', 'policy', 'toolset', 'project'] as const

const as = (one: ControlWorld) => one.as('user', me)
const attempts: fc.Arbitrary<Attempt> = anyOf(changeable).chain((kind) => {
  const body: fc.Arbitrary<object> = bodies[kind]
  return fc.oneof(
    body.map(
      (more): Attempt =>
        (one) =>
          make(one, kind, { name: 'new', ...more }),
    ),
    fc.record({ body, ref: anyOf(names[kind]) }).map(
      ({ body: more, ref }): Attempt =>
        (one) =>
          updateResource(one.deps, as(one), { kind, ref, version: null, body: { name: ref, ...more } }),
    ),
    anyOf(names[kind]).map(
      (ref): Attempt =>
        (one) =>
          deleteResource(one.deps, as(one), { kind, ref, version: null }),
    ),
    anyOf(users).map(
      (ref): Attempt =>
        (one) =>
          setPassword(one.deps, as(one), { ref, body: { password } }),
    ),
    anyOf(names.token).map(
      (ref): Attempt =>
        (one) =>
          rotateToken(one.deps, as(one), { ref, version: null, body: {} }),
    ),
    body.map(
      (more): Attempt =>
        (one) =>
          mintToken(one.deps, as(one), { name: 'new', rights: 'clone', ...more }),
    ),
  )
})

function make(one: ControlWorld, kind: (typeof changeable)[number], body: object): Promise<unknown> {
  return kind === 'token' ? mintToken(one.deps, as(one), body) : createResource(one.deps, as(one), { kind, body })
}

/** All that Mallory can do: by herself, by her tokens, and as whoever she can sign in as. */
async function power(one: ControlWorld, secrets: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>()
  for (const user of await one.store.list('user', { limit: 100 })) {
    const isMine = user.name === me || (await canEnter(one, user.name))
    if (!isMine || user.spec.isDisabled) continue
    addRights(found, bindingsOfUser(one.index, user))
    const owners = managedBy(one, user.id).map(({ id }) => ({ kind: 'team' as const, ref: id }))
    for (const owned of [{ kind: 'user' as const, ref: user.id }, ...owners])
      addCalls(found, one, composeOwner(one.index, owned))
  }
  for (const token of await one.store.list('token', { limit: 100 })) {
    if (!secrets.has(token.id) && !token.name.startsWith('handed')) continue
    addRights(found, one.as('token', token.name).actor.bindings)
    addCalls(found, one, composeToken(one.index, token))
  }
  return found
}

/** What each of the others may call, by whatever it is called. */
function callsOfOthers(one: ControlWorld): Map<string, Set<string>> {
  const owners = [
    ...users.map((name) => ({ kind: 'user' as const, name })),
    ...teams.map((name) => ({ kind: 'team' as const, name })),
  ]
  return new Map(
    owners.map(({ kind, name }) => {
      const found = new Set<string>()
      const ref = one.index.find(kind, name)?.id
      if (ref !== undefined) addCalls(found, one, composeOwner(one.index, { kind, ref }))
      return [`${kind} ${name}`, found]
    }),
  )
}

/** Nobody is given what she could not call either. */
function wonByOthers(before: Map<string, Set<string>>, after: Map<string, Set<string>>, hers: ReadonlySet<string>) {
  return [...after].flatMap(([who, calls]) =>
    [...calls].filter((call) => !before.get(who)?.has(call) && !hers.has(call)).map((call) => `${who}: ${call}`),
  )
}

function managedBy(one: ControlWorld, id: string) {
  const isManager = ({ user, role }: { user: string; role: string }) => user === id && role === 'admin'
  return one.index.teamsOf(id).filter(({ spec }) => spec.members.some(isManager))
}

async function canEnter(one: ControlWorld, name: string): Promise<boolean> {
  return signIn(one.deps, { name, password, address: '', requestId: '' }).then(
    () => true,
    () => false,
  )
}

function addRights(found: Set<string>, bindings: readonly Binding[]): void {
  for (const role of Role.options) {
    for (const kind of ManagedResource.options)
      if (can(bindings, role, { resource: kind })) found.add(`${role} ${kind}`)
  }
  for (const action of RunAction.options) if (canRun(bindings, action)) found.add(`run ${action}`)
}

function addCalls(found: Set<string>, one: ControlWorld, composition: ReturnType<typeof composeOwner>): void {
  const access = composeAccess({ ...composition, ...serverFacts(one.index) })
  for (const server of servers) {
    for (const tool of tools) {
      const { level } = access.tool(server, tool)
      if (level !== 'deny') found.add(`read ${server} ${tool}`)
      if (allowsExecute(level)) found.add(`call ${server} ${tool}`)
    }
  }
}

describe('somebody who may not manage everything', () => {
  it('never comes to more than it has', async () => {
    let done = 0
    await fc.assert(
      fc.asyncProperty(
        rightsOfMe,
        someOf(policies),
        fc.array(attempts, { minLength: 1, maxLength: 12 }),
        async (rights, ofMe, tries) => {
          const mayEverything = rights.filter((right) => 'resource' in right && right.resource === '*').length > 2
          // Who may act as others has been given that.
          const isGiven = rights.some((right) => 'action' in right && right.action === 'impersonate')
          fc.pre(!mayEverything && !isGiven)
          const one = await world(rights, ofMe)
          const secrets = new Set<string>()
          const before = await power(one, secrets)
          const others = callsOfOthers(one)
          for (const attempt of tries) {
            // She can also take herself away.
            if (one.index.find('user', me)?.spec.isDisabled !== false) break
            try {
              const made = await attempt(one)
              done++
              if (isMinted(made)) secrets.add(made.token.id)
            } catch (error) {
              // A defect is no refusal.
              if (!(error instanceof GatewayError) || error.code === 'internal') throw error
            }
            expect([...(await power(one, secrets)).difference(before)]).toEqual([])
            expect(wonByOthers(others, callsOfOthers(one), before)).toEqual([])
          }
        },
      ),
      { numRuns: 400 },
    )
    // Otherwise nothing was tried that could have been too much.
    expect(done).toBeGreaterThan(50)
  }, 60_000)
})

type PolicyBody = { default: string; rules: { server: string; tool: string; level: string }[] }

/** One step from what it is now: most steps in a chain of them are such as somebody could be let do. */
const step: fc.Arbitrary<(policy: PolicyBody) => PolicyBody> = fc.oneof(
  fc.nat(3).map((at) => (policy: PolicyBody) => ({ ...policy, rules: policy.rules.toSpliced(at, 1) })),
  rule.map((added) => (policy: PolicyBody) => ({ ...policy, rules: [...policy.rules, added] })),
  fc.record({ at: fc.nat(3), level: rule.map(({ level }) => level) }).map(({ at, level }) => (policy: PolicyBody) => ({
    ...policy,
    rules: policy.rules.map((one, index) => (index === at ? { ...one, level } : one)),
  })),
  anyOf(['deny', 'read', 'execute']).map((level) => (policy: PolicyBody) => ({ ...policy, default: level })),
)

describe('who may edit policies, and not everything,', () => {
  const rights = (['policies', 'toolsets', 'projects', '*'] as const).map((kind): Binding => ({
    role: kind === '*' ? 'view' : 'edit',
    resource: kind,
  }))
  const changes = fc.array(fc.record({ ref: anyOf(policies), step }), { minLength: 1, maxLength: 6 })

  it('gives nobody by them what it may not call, and takes no deny away', async () => {
    const counts = { done: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(
        someOf(policies),
        fc.array(bodies.policy, { minLength: 3, maxLength: 3 }),
        changes,
        async (ofMe, first, steps) => {
          const one = await world(rights, ofMe)
          for (const [index, name] of policies.entries())
            await rewrite(one, { by: 'admin', name }, () => first[index] ?? first[0])
          const [hers, others] = [await power(one, new Set()), callsOfOthers(one)]
          for (const { ref, step: change } of steps) {
            try {
              await rewrite(one, { by: me, name: ref }, change)
              counts.done++
            } catch (error) {
              if (!(error instanceof GatewayError) || error.code !== 'exceeds_creator') throw error
              counts.refused++
            }
            expect([...(await power(one, new Set())).difference(hers)]).toEqual([])
            expect(wonByOthers(others, callsOfOthers(one), hers)).toEqual([])
          }
        },
      ),
      { numRuns: 400 },
    )
    expect(Math.min(counts.done, counts.refused)).toBeGreaterThan(100)
  }, 60_000)
})

async function rewrite(
  one: ControlWorld,
  { by, name }: { by: string; name: string },
  change: (policy: PolicyBody) => PolicyBody | undefined,
) {
  const stored = await one.stored('policy', name)
  if (!stored) throw new Error('it was made')
  const body = { name, ...change(stored.spec) }
  await updateResource(one.deps, one.as('user', by), { kind: 'policy', ref: name, version: null, body })
}

function isMinted(made: unknown): made is { token: { id: string; kind: ResourceKind } } {
  return typeof made === 'object' && made !== null && 'secret' in made && 'token' in made
}
