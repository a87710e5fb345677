/** A token never calls more than its owner may at that moment, whatever was given to it when it was made. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeAccess } from '#core/access/access.ts'
import { levelRank } from '#core/access/decision.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { bound } from '#test/support/control-world.ts'
import { resource } from '#test/support/resources.ts'
import { composeOwner, composeToken, serverFacts } from './compose-token.ts'
import { Principals } from './principals.ts'

const policies = [
  resource('policy', 'all', { default: 'execute' }),
  resource('policy', 'read', { rules: [{ tool: 'read', level: 'execute' }] }),
  resource('policy', 'look', { default: 'read' }),
  resource('policy', 'never', { rules: [{ tool: 'drop', level: 'deny' }] }),
]
const tools = ['read', 'write', 'drop']
const everyRole = (['create', 'edit', 'delete', 'run'] as const).map((role) => ({ role, resource: '*' as const }))
const token = (spec: object = {}) =>
  resource('token', 't', { owner: { kind: 'user', ref: 'usr_ann' }, digest: 't', policies: ['pol_all'], ...spec })
const user = (spec: object = {}) => resource('user', 'ann', spec)
const team = (spec: object = {}) => resource('team', 'devs', { members: [{ user: 'usr_ann' }], ...spec })

function houseOf(...resources: Resource[]) {
  const snapshot = new ResourceSnapshot()
  const change = (...changed: Resource[]): void => snapshot.apply({ changed, deleted: [], isWhole: false })
  change(...policies, resource('server', 'files'), ...resources)
  const principals = new Principals(snapshot, { hash: (text) => text })
  const accessOf = () => principals.byDigest('t')?.access
  const may = () => tools.filter((tool) => accessOf()?.tool('files', tool).level === 'execute')
  return { snapshot, change, principals, accessOf, may }
}

describe('a token with policies of its own', () => {
  it('loses what its owner loses', () => {
    const { change, may, accessOf } = houseOf(token(), user({ policies: ['pol_all', 'pol_read'] }))
    expect(may()).toEqual(tools)
    change(user({ policies: ['pol_read'] }))
    expect(may()).toEqual(['read'])
    expect(accessOf()?.tool('files', 'write')).toEqual({
      level: 'deny',
      reason: { kind: 'ceiling', name: 'what its owner may call' },
    })
    change(user({ policies: ['pol_look'] }))
    expect(accessOf()?.tool('files', 'write').level).toBe('read')
    change(user())
    expect(accessOf()?.tool('files', 'read').level).toBe('deny')
  })

  it('has of them what the grant of its owner has, be it by other policies', () => {
    const { may } = houseOf(token({ policies: ['pol_read'] }), user(), team({ policies: ['pol_all', 'pol_never'] }))
    expect(may()).toEqual(['read'])
  })

  it('loses what the team loses that it is of, or that its owner leaves', () => {
    const { change, may } = houseOf(token(), user(), team({ policies: ['pol_all'] }))
    expect(may()).toEqual(tools)
    change(team({ members: [], policies: ['pol_all'] }))
    expect(may()).toEqual([])
    change(token({ owner: { kind: 'team', ref: 'team_devs' } }))
    expect(may()).toEqual(tools)
    change(team({ policies: ['pol_read'] }))
    expect(may()).toEqual(['read'])
  })

  it('has them all where its owner may manage everything, and so could give itself what it lacks', () => {
    const { change, may } = houseOf(token(), user({ role: 'admin' }))
    expect(may()).toEqual(tools)
    change(user({ role: 'admin', policies: ['pol_never'] }))
    expect(may()).toEqual(['read', 'write'])
    change(user({ role: 'viewer' }))
    expect(may()).toEqual([])
    change(bound('usr_ann', ...everyRole))
    expect(may()).toEqual(tools)
    change(bound('usr_ann', ...everyRole.slice(1)))
    expect(may()).toEqual([])
  })

  it('is held to that at the address of a project and from outside as well', () => {
    const { principals, snapshot, change } = houseOf(
      token(),
      user({ policies: ['pol_read'] }),
      resource('project', 'demo', { servers: ['srv_files'] }),
      resource('server', 'open', { visibility: 'public' }),
      resource('server', 'inner', { visibility: 'internal' }),
    )
    change(resource('project', 'demo', { servers: ['srv_files', 'srv_open'] }))
    const principal = principals.byDigest('t')
    const scope = principals.scope('project', 'demo')
    if (!principal || !scope) throw new Error('unknown')
    const narrowed = [principals.within(principal, scope), principals.outside(principal)]
    for (const { access } of narrowed) {
      expect(tools.map((tool) => access.tool('open', tool).level)).toEqual(['execute', 'deny', 'deny'])
    }
    expect(snapshot.find('token', 't')).toBeDefined()
  })

  it('has them all where the configuration declares it: nobody else gives or takes them', () => {
    const { snapshot, accessOf } = houseOf()
    const declared = { ...token({ owner: { kind: 'user', ref: 'cfg_user_configuration' } }), id: 'cfg_token_t' }
    snapshot.declare([
      { ...resource('user', 'configuration', { type: 'service' }), id: 'cfg_user_configuration' },
      declared,
    ])
    expect(accessOf()?.tool('files', 'write').level).toBe('execute')
  })

  it('shares what is compiled with others who are held by nothing, where its owner has all of its policies', () => {
    const { principals, change } = houseOf(token(), user({ policies: ['pol_read', 'pol_all'] }))
    change(resource('user', 'root', { role: 'admin', policies: ['pol_read', 'pol_all'] }))
    change(token(), { ...token({ digest: 'u', owner: { kind: 'user', ref: 'usr_root' } }), id: 'tok_u', name: 'u' })
    expect(principals.byDigest('t')?.access).toBe(principals.byDigest('u')?.access)
  })
})

const anyPolicies = fc.subarray(policies.map(({ id }) => id))
const organization = fc.option(fc.constant('org_acme'), { nil: undefined })
const anyChange: fc.Arbitrary<Resource> = fc.oneof(
  fc.record({ policies: anyPolicies, organization }).map(user),
  fc.record({ policies: anyPolicies, organization, members: fc.subarray([{ user: 'usr_ann' }]) }).map(team),
  fc.record({ policies: anyPolicies }).map((spec) => resource('organization', 'acme', spec)),
  fc
    .record({
      policies: anyPolicies,
      owner: fc.constantFrom({ kind: 'user', ref: 'usr_ann' }, { kind: 'team', ref: 'team_devs' }),
    })
    .map(token),
  fc
    .record({
      name: fc.constantFrom('read', 'look'),
      level: fc.constantFrom('deny', 'read', 'execute'),
      tool: fc.constantFrom(...tools, '*'),
    })
    .map(({ name, ...rule }) => resource('policy', name, { rules: [rule] })),
)

describe('whatever changes', () => {
  it('a token calls no more than its owner, and no more than its own policies allow', () => {
    let held = 0
    fc.assert(
      fc.property(fc.array(anyChange, { minLength: 1, maxLength: 12 }), (changes) => {
        const { snapshot, change, accessOf } = houseOf(token(), user(), team(), resource('organization', 'acme'))
        for (const one of changes) {
          change(one)
          const made = snapshot.find('token', 't')
          if (!made) throw new Error('unknown')
          const owner = composeAccess({ ...composeOwner(snapshot, made.spec.owner), ...serverFacts(snapshot) })
          const alone = composeAccess({ ...composeToken(snapshot, made), within: undefined, ...serverFacts(snapshot) })
          for (const tool of tools) {
            const rank = levelRank[accessOf()?.tool('files', tool).level ?? 'deny']
            const ranks = [owner, alone].map((access) => levelRank[access.tool('files', tool).level])
            expect(rank).toBe(Math.min(...ranks))
            if (rank < (ranks[1] ?? 0)) held++
          }
        }
      }),
      { numRuns: 300 },
    )
    // Otherwise no token was ever given more than its owner.
    expect(held).toBeGreaterThan(50)
  })
})
