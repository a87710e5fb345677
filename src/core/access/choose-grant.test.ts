import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Policy } from '#contract/policy.ts'
import { composeAccess } from './access.ts'
import { chooseGrant, type Scopes } from './choose-grant.ts'
import type { AttachedPolicy } from './composition.ts'

const policy = (name: string, rules: Policy['rules'] = []): Policy => ({ name, default: 'deny', rules })
const [own, hers, blue, red, acme, sub, bot] = ['own', 'hers', 'blue', 'red', 'acme', 'sub', 'bot'].map((name) =>
  policy(name),
)
const whole = {
  token: { policies: [own] },
  agent: { name: 'bot', policies: [bot], attachments: { name: 'agent bot', servers: ['fs'] } },
  user: { policies: [hers] },
  teams: [
    { name: 'blue', policies: [blue] },
    { name: 'red', policies: [red] },
  ],
  organization: { name: 'acme', policies: [acme] },
  teamOrganizations: [{ name: 'sub', policies: [sub] }],
} satisfies Scopes
const none = { policies: [] }
const namesOf = (attached: readonly AttachedPolicy[]): string[] => attached.map(({ policy }) => policy.name)

describe('chooseGrant', () => {
  it.each<[string, Scopes, string[], string[]]>([
    ['the token', whole, ['own'], ['bot', 'hers', 'blue', 'red', 'acme', 'sub']],
    ['the agent', { ...whole, token: none }, ['bot'], ['hers', 'blue', 'red', 'acme', 'sub']],
    ['the user', { ...whole, token: none, agent: undefined }, ['hers'], ['blue', 'red', 'acme', 'sub']],
    ['all teams', { ...whole, token: none, agent: undefined, user: none }, ['blue', 'red'], ['acme', 'sub']],
    [
      'the organization',
      { organization: whole.organization, teamOrganizations: whole.teamOrganizations, teams: [] },
      ['acme'],
      ['sub'],
    ],
    ['the teams’ organizations', { token: none, teamOrganizations: whole.teamOrganizations }, ['sub'], []],
    ['nobody', { token: none, user: none }, [], []],
  ])('takes the grant of %s, and the denies of the rest', (...[, scopes, grant, bounds]) => {
    const chosen = chooseGrant(scopes)
    expect([namesOf(chosen.grant), namesOf(chosen.bounds)]).toEqual([grant, bounds])
  })

  it('says where each policy comes from', () => {
    const { grant, bounds } = chooseGrant(whole)
    expect([...grant, ...bounds].map(({ attachedTo }) => attachedTo)).toEqual([
      { kind: 'token' },
      { kind: 'agent', name: 'bot' },
      { kind: 'user' },
      { kind: 'team', name: 'blue' },
      { kind: 'team', name: 'red' },
      { kind: 'organization', name: 'acme' },
      { kind: 'organization', name: 'sub' },
    ])
  })

  it('lets an agent without policies call what is attached to it, and nothing else', () => {
    const composition = chooseGrant({ agent: { ...whole.agent, policies: [] } })
    const access = composeAccess({ ...composition, labelsOf: () => [] })
    expect(access.tool('fs', 'ls').level).toBe('execute')
    expect(access.tool('db', 'query').reason).toEqual({ kind: 'ceiling', name: 'agent bot' })
  })

  it('does not let a wider grant take the place of one that allows nothing', () => {
    const { grant } = chooseGrant({ token: none, user: { policies: [policy('empty')] }, teams: whole.teams })
    expect(namesOf(grant)).toEqual(['empty'])
  })

  it.each(['token', 'user', 'organization'] as const)('denies everything where a policy of the %s is gone', (scope) => {
    const all: Policy = { name: 'all', default: 'admin', rules: [] }
    const scopes = { token: { policies: [all] }, [scope]: { name: 'x', policies: [all, undefined] } }
    const access = composeAccess({ ...chooseGrant(scopes), labelsOf: () => [] })
    expect(access.tool('fs', 'ls')).toEqual({
      level: 'deny',
      reason: { kind: 'rule', policy: 'a policy that is gone', index: 0 },
    })
  })

  it('keeps every deny of everybody', () => {
    const scopes = fc.constantFrom('token', 'user', 'organization')
    fc.assert(
      fc.property(fc.uniqueArray(scopes), scopes, (granting, denying) => {
        const all: Policy = { name: 'all', default: 'admin', rules: [] }
        const denial = policy('denial', [{ server: 'fs', tool: 'rm', level: 'deny' }])
        const given = Object.fromEntries(granting.map((scope) => [scope, { name: scope, policies: [all] }]))
        const before = given[denying]?.policies ?? []
        const composition = chooseGrant({ ...given, [denying]: { name: denying, policies: [...before, denial] } })
        expect(composeAccess({ ...composition, labelsOf: () => [] }).tool('fs', 'rm').level).toBe('deny')
      }),
    )
  })
})
