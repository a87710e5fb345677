/** Whoever may not manage everything never comes to more than it has, by whatever it tries, in whatever order. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import { type Binding, ManagedResource, Role, RunAction } from '#contract/role-binding.ts'
import { composeAccess } from '#core/access/access.ts'
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
    ...servers.map((name) => resource('server', name)),
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
      resource: anyOf(['teams', 'users', 'tokens', 'role-bindings'] as const),
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
  token: fc.record({ owner, policies: someOf(policies), bindings: fc.array(anyRight, { maxLength: 2 }) }),
}
const names = {
  team: teams,
  user: users,
  role_binding: ['of-boss', 'of-strong', 'of-usr-mallory'],
  token: ['of-boss', 'new'],
}
const changeable = ['team', 'user', 'role_binding', 'token'] as const

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
    if (!secrets.has(token.id)) continue
    addRights(found, one.as('token', token.name).actor.bindings)
    addCalls(found, one, composeToken(one.index, token))
  }
  return found
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
    for (const tool of tools) if (access.tool(server, tool).level !== 'deny') found.add(`call ${server} ${tool}`)
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
          // Who may rewrite policies, or act as others, has been given that.
          const isGiven = rights.some(
            (right) =>
              ('action' in right && right.action === 'impersonate') ||
              ('resource' in right &&
                ['*', 'policies'].includes(right.resource) &&
                ['edit', 'create'].includes(right.role)),
          )
          fc.pre(!mayEverything && !isGiven)
          const one = await world(rights, ofMe)
          const secrets = new Set<string>()
          const before = await power(one, secrets)
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
          }
        },
      ),
      { numRuns: 400 },
    )
    // Otherwise nothing was tried that could have been too much.
    expect(done).toBeGreaterThan(50)
  }, 60_000)
})

function isMinted(made: unknown): made is { token: { id: string; kind: ResourceKind } } {
  return typeof made === 'object' && made !== null && 'secret' in made && 'token' in made
}
