import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Binding } from '#contract/role-binding.ts'
import { anyBindings } from '#test/support/bindings.ts'
import { resource, resourceIndex } from '#test/support/resources.ts'
import { can, everything, satisfies, viewOfEverything } from './evaluate.ts'
import { bindingsOfTeam, bindingsOfToken, bindingsOfUser } from './rights.ts'

const now = 1_000_000
const viewServers: Binding = { role: 'view', resource: 'servers' }
const editTeams: Binding = { role: 'edit', resource: 'teams' }
const allAgents: Binding = { role: 'edit', resource: 'agents' }

const ann = resource('user', 'ann')
const team = resource('team', 'platform', { members: [{ user: ann.id }] })
const ofAnn = (spec: object = {}) => resource('token', 'ci', { owner: { kind: 'user', ref: ann.id }, ...spec })
const binding = (kind: string, ref: string, bindings: Binding[]) =>
  resource('role_binding', `${kind}-${ref}`, { subjects: [{ kind, ref }], bindings })

describe('bindingsOfUser', () => {
  it('gives an admin everything, a viewer the view of it, and a member what is bound', () => {
    const index = resourceIndex([binding('user', ann.id, [editTeams])])
    const as = (role: string) => bindingsOfUser(index, resource('user', 'ann', { role }))
    expect(as('admin')).toEqual(everything)
    expect(as('viewer')).toEqual([...viewOfEverything, editTeams])
    expect(as('member')).toEqual([editTeams])
  })

  it('adds what the teams of the user have', () => {
    const index = resourceIndex([ann, team, binding('team', team.id, [viewServers])])
    expect(bindingsOfUser(index, ann)).toEqual([viewServers])
    expect(bindingsOfUser(index, resource('user', 'bob'))).toEqual([])
    expect(bindingsOfTeam(index, team)).toEqual([viewServers])
  })

  it('gives a disabled user nothing, whatever its role', () => {
    const index = resourceIndex([binding('user', ann.id, [editTeams])])
    expect(bindingsOfUser(index, resource('user', 'ann', { role: 'admin', isDisabled: true }))).toEqual([])
  })
})

describe('bindingsOfToken', () => {
  it('gives of the token’s bindings what its owner has at this moment', () => {
    const token = ofAnn({ bindings: [viewServers, editTeams] })
    const index = resourceIndex([ann, token, binding('user', ann.id, [viewServers, allAgents])])
    expect(bindingsOfToken(index, token, now)).toEqual([viewServers])
    expect(bindingsOfToken(resourceIndex([ann, token]), token, now)).toEqual([])
  })

  it('counts role bindings that name the token, within what its owner has', () => {
    const token = ofAnn()
    const forToken = binding('token', token.id, [viewServers, editTeams])
    const index = resourceIndex([ann, token, forToken, binding('user', ann.id, [editTeams])])
    expect(bindingsOfToken(index, token, now)).toEqual([editTeams])
  })

  it('gives a token of a team what the team has, not what its members have', () => {
    const token = resource('token', 'ci', {
      owner: { kind: 'team', ref: team.id },
      bindings: [viewServers, editTeams],
    })
    const index = resourceIndex([
      ann,
      team,
      token,
      binding('user', ann.id, [editTeams]),
      binding('team', team.id, [viewServers]),
    ])
    expect(bindingsOfToken(index, token, now)).toEqual([viewServers])
  })

  it.each([
    ['revoked', { revokedAt: 1 }],
    ['expired', { expiresAt: now }],
  ])('gives a token that is %s nothing', (_, state) => {
    const admin = resource('user', 'ann', { role: 'admin' })
    const token = ofAnn({ bindings: [viewServers], ...state })
    expect(bindingsOfToken(resourceIndex([admin, token]), token, now)).toEqual([])
    expect(bindingsOfToken(resourceIndex([admin, token]), ofAnn({ bindings: [viewServers] }), now)).toHaveLength(1)
  })

  it('gives nothing where the owner is gone or disabled', () => {
    const token = ofAnn({ bindings: [viewServers] })
    const disabled = resource('user', 'ann', { role: 'admin', isDisabled: true })
    expect(bindingsOfToken(resourceIndex([token]), token, now)).toEqual([])
    expect(bindingsOfToken(resourceIndex([token, disabled]), token, now)).toEqual([])
  })

  it('never goes beyond the owner, whatever the token asks for', () => {
    fc.assert(
      fc.property(anyBindings, anyBindings, (asked, owned) => {
        fc.pre(owned.length > 0)
        const token = ofAnn({ bindings: asked })
        const index = resourceIndex([ann, token, binding('user', ann.id, owned)])
        const rights = bindingsOfToken(index, token, now)
        expect(rights.every((right) => satisfies(owned, right) && satisfies(asked, right))).toBe(true)
        expect(can(rights, 'edit', { resource: '*' })).toBe(
          can(asked, 'edit', { resource: '*' }) && can(owned, 'edit', { resource: '*' }),
        )
      }),
    )
  })
})
