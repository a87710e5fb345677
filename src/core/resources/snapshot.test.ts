import { beforeEach, describe, expect, it } from 'vitest'
import type { Resource } from './resource-store.ts'
import { ResourceSnapshot } from './snapshot.ts'

let snapshot: ResourceSnapshot

const meta = (id: string, name: string) => ({
  id,
  name,
  labels: {},
  version: 1,
  createdAt: 0,
  updatedAt: 0,
  createdBy: 'test',
  updatedBy: 'test',
})
const policy = (id: string, name: string): Resource<'policy'> => ({
  ...meta(id, name),
  kind: 'policy',
  spec: { default: 'deny', rules: [] },
})
const team = (id: string, members: readonly string[]): Resource<'team'> => ({
  ...meta(id, id),
  kind: 'team',
  spec: { members: members.map((user) => ({ user, role: 'member' })), policies: [] },
})
const token = (id: string, digest: string): Resource<'token'> => ({
  ...meta(id, id),
  kind: 'token',
  spec: {
    owner: { kind: 'user', ref: 'usr_1' },
    policies: [],
    bindings: [],
    limits: {},
    expiresAt: null,
    digest,
    prefix: 'tg_abc',
    revokedAt: null,
    replacedBy: null,
  },
})
const binding = (id: string, user: string): Resource<'role_binding'> => ({
  ...meta(id, id),
  kind: 'role_binding',
  spec: { subjects: [{ kind: 'user', ref: user }], bindings: [{ role: 'view', resource: 'servers' }] },
})
const apply = (changed: readonly Resource[], more: { deleted?: readonly Resource[]; isWhole?: boolean } = {}): void =>
  snapshot.apply({ changed, deleted: more.deleted ?? [], isWhole: more.isWhole ?? false })

beforeEach(() => {
  snapshot = new ResourceSnapshot()
})

describe('a snapshot', () => {
  it('knows a resource by id and by name, of its kind only', () => {
    apply([policy('pol_1', 'readers')])
    expect(snapshot.get('policy', 'pol_1')?.name).toBe('readers')
    expect(snapshot.find('policy', 'readers')?.id).toBe('pol_1')
    expect(snapshot.get('team', 'pol_1')).toBeUndefined()
    expect(snapshot.find('team', 'readers')).toBeUndefined()
  })

  it('follows a change of name, and a delete', () => {
    apply([policy('pol_1', 'readers')])
    apply([policy('pol_1', 'writers')])
    expect(snapshot.find('policy', 'readers')).toBeUndefined()
    expect(snapshot.find('policy', 'writers')?.id).toBe('pol_1')
    apply([], { deleted: [policy('pol_1', 'writers')] })
    expect(snapshot.all('policy')).toEqual([])
  })

  it('gives a freed name to whoever has it now, in whatever order both changes come', () => {
    apply([policy('pol_1', 'a'), policy('pol_2', 'b')])
    apply([policy('pol_2', 'a'), policy('pol_1', 'b')])
    expect([snapshot.find('policy', 'a')?.id, snapshot.find('policy', 'b')?.id]).toEqual(['pol_2', 'pol_1'])
  })

  it('knows a token by its digest until it is gone or has another', () => {
    apply([token('tok_1', 'aa')])
    expect(snapshot.tokenByDigest('aa')?.id).toBe('tok_1')
    apply([token('tok_1', 'bb')])
    expect(snapshot.tokenByDigest('aa')).toBeUndefined()
    expect(snapshot.tokenByDigest('bb')?.id).toBe('tok_1')
    apply([], { deleted: [token('tok_1', 'bb')] })
    expect(snapshot.tokenByDigest('bb')).toBeUndefined()
  })

  it('knows which tokens one took the place of, and which an owner has', () => {
    const replaced = (id: string, replacedBy: string | null) => {
      const one = token(id, `of ${id}`)
      return { ...one, spec: { ...one.spec, replacedBy } }
    }
    const known = () => [
      snapshot.tokensReplacedBy('tok_3').map(({ id }) => id),
      snapshot.tokenCountOf({ kind: 'user', ref: 'usr_1' }),
    ]
    apply([replaced('tok_1', 'tok_3'), replaced('tok_2', 'tok_3'), replaced('tok_3', null)])
    expect(known()).toEqual([['tok_1', 'tok_2'], 3])
    const ofOwner = () => [...snapshot.tokensOf({ kind: 'user', ref: 'usr_1' })].map(({ id }) => id).toSorted()
    expect(ofOwner()).toEqual(['tok_1', 'tok_2', 'tok_3'])
    apply([replaced('tok_1', 'tok_2')])
    expect(known()).toEqual([['tok_2'], 3])
    apply([], { deleted: [token('tok_2', '')] })
    expect(known()).toEqual([[], 2])
    expect(ofOwner()).toEqual(['tok_1', 'tok_3'])
    apply([], { isWhole: true })
    expect([known(), snapshot.tokenCountOf({ kind: 'team', ref: 'usr_1' })]).toEqual([[[], 0], 0])
  })

  it('knows whose teams and role bindings there are', () => {
    apply([team('team_1', ['usr_1', 'usr_2']), team('team_2', ['usr_1']), binding('rb_1', 'usr_1')])
    expect(snapshot.teamsOf('usr_1').map(({ id }) => id)).toEqual(['team_1', 'team_2'])
    apply([team('team_1', ['usr_2'])])
    expect(snapshot.teamsOf('usr_1').map(({ id }) => id)).toEqual(['team_2'])
    expect(snapshot.roleBindingsOf('user', 'usr_1').map(({ id }) => id)).toEqual(['rb_1'])
    expect(snapshot.roleBindingsOf('team', 'usr_1')).toEqual([])
    apply([], { deleted: [binding('rb_1', 'usr_1')] })
    expect(snapshot.roleBindingsOf('user', 'usr_1')).toEqual([])
  })

  it('has another version after each change, and the same after none', () => {
    const versions = [snapshot.version]
    const note = (change: () => void): void => {
      change()
      versions.push(snapshot.version)
    }
    note(() => apply([policy('pol_1', 'a')]))
    note(() => apply([]))
    note(() => apply([], { deleted: [policy('pol_1', 'a')] }))
    note(() => snapshot.declare([]))
    note(() => apply([], { isWhole: true }))
    expect(versions).toEqual([0, 1, 1, 2, 3, 4])
  })

  it('forgets what a whole load does not name, but not what is declared', () => {
    apply([policy('pol_1', 'a'), token('tok_1', 'aa')])
    snapshot.declare([policy('cfg_policy_c', 'c')])
    apply([policy('pol_2', 'b')], { isWhole: true })
    expect(snapshot.get('policy', 'pol_1')).toBeUndefined()
    expect(snapshot.tokenByDigest('aa')).toBeUndefined()
    expect(snapshot.all('policy').map(({ name }) => name)).toEqual(['c', 'b'])
  })

  it('finds the declared one of two of one name, and the stored one once that is declared no more', () => {
    apply([policy('pol_1', 'a')])
    snapshot.declare([policy('cfg_policy_a', 'a')])
    expect(snapshot.find('policy', 'a')?.id).toBe('cfg_policy_a')
    expect(snapshot.all('policy').map(({ id }) => id)).toEqual(['cfg_policy_a'])
    // Grants hold ids: who was given the stored one still has it.
    expect(snapshot.get('policy', 'pol_1')?.id).toBe('pol_1')
    snapshot.declare([])
    expect(snapshot.find('policy', 'a')?.id).toBe('pol_1')
    expect(snapshot.declared('policy')).toEqual([])
  })
})

describe('the version of a kind', () => {
  it('rises with a change of that kind alone, be it stored or declared', () => {
    const versions = () => [snapshot.versionOf('policy'), snapshot.versionOf('team'), snapshot.version]
    const changes = [
      () => apply([policy('pol_1', 'p')]),
      () => apply([policy('pol_1', 'q')]),
      () => apply([], { deleted: [policy('pol_1', 'q')] }),
      () => snapshot.declare([policy('cfg_policy_p', 'p')]),
      () => snapshot.declare([]),
      () => apply([policy('pol_2', 'p')]),
      () => apply([], { isWhole: true }),
    ]
    for (const change of changes) {
      const [ofPolicies = 0, ofTeams = 0, ofAll = 0] = versions()
      change()
      expect(snapshot.versionOf('policy')).toBeGreaterThan(ofPolicies)
      expect(snapshot.versionOf('team')).toBe(ofTeams)
      expect(snapshot.version).toBeGreaterThan(ofAll)
    }
  })
})
