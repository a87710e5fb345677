import { describe, expect, it } from 'vitest'
import { resource } from '#test/support/resources.ts'
import { onDeleteAt, referencesOf, withoutReference } from './references.ts'

describe('referencesOf', () => {
  it('finds ids in members, in lists, in items of lists, and in pairs of kind and id', () => {
    const token = resource('token', 'ci', {
      owner: { kind: 'team', ref: 'team_a' },
      project: 'prj_a',
      policies: ['pol_a', 'pol_b', 'pol_a'],
      tools: [{ server: 'srv_a', tool: 'echo' }],
    })
    expect(referencesOf(token)).toEqual([
      { kind: 'team', id: 'team_a', path: 'owner' },
      { kind: 'project', id: 'prj_a', path: 'project' },
      { kind: 'policy', id: 'pol_a', path: 'policies' },
      { kind: 'policy', id: 'pol_b', path: 'policies' },
      { kind: 'server', id: 'srv_a', path: 'tools.server' },
    ])
  })
})

describe('onDeleteAt', () => {
  it('gives the rule, by the kind of the named one as well', () => {
    expect(onDeleteAt({ from: 'token', path: 'owner', to: 'team' })).toBe('cascade')
    expect(onDeleteAt({ from: 'token', path: 'policies', to: 'policy' })).toBe('refuse')
    expect(onDeleteAt({ from: 'team', path: 'members.user', to: 'user' })).toBe('remove')
  })

  it('refuses where no rule speaks', () => {
    expect(onDeleteAt({ from: 'token', path: 'owner', to: 'server' })).toBe('refuse')
  })
})

describe('withoutReference', () => {
  it('takes items out of lists and leaves the rest as it is', () => {
    const team = resource('team', 'a', {
      description: 'x',
      members: [{ user: 'usr_a', role: 'admin' }, { user: 'usr_b' }, { user: 'usr_a' }],
    })
    const without = withoutReference(team, { kind: 'user', id: 'usr_a', path: 'members.user' })
    expect(without.spec).toEqual({ description: 'x', members: [{ user: 'usr_b', role: 'member' }], policies: [] })
    expect(team.spec.members).toHaveLength(3)
  })

  it('tells ids of several kinds apart', () => {
    const binding = resource('role_binding', 'a', {
      subjects: [
        { kind: 'user', ref: 'same' },
        { kind: 'team', ref: 'same' },
      ],
      bindings: [{ role: 'view', resource: '*' }],
    })
    const without = withoutReference(binding, { kind: 'team', id: 'same', path: 'subjects' })
    expect(without).toMatchObject({ spec: { subjects: [{ kind: 'user', ref: 'same' }] } })
  })

  it('leaves an emptied list empty: no list at all would mean everything', () => {
    const token = resource('token', 'a', { owner: { kind: 'user', ref: 'usr_a' }, servers: ['srv_a'] })
    expect(withoutReference(token, { kind: 'server', id: 'srv_a', path: 'servers' }).spec).toHaveProperty('servers', [])
  })
})
