import { beforeEach, describe, expect, it } from 'vitest'
import { ann, blueBot, bob, CredentialLab, nobody, refusal } from '#test/support/credential-lab.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'

let lab: CredentialLab

beforeEach(() => {
  lab = new CredentialLab()
})

const later = async <Value>(make: () => Value | Promise<Value>): Promise<Value> => make()

describe('a credential of the gateway that is a text', () => {
  it.each([
    [{ kind: 'none' as const }, ['x-team', 'Platform']],
    [{ kind: 'bearer' as const, token: 't' }, ['x-team', 'Platform', 'authorization', 'Bearer t']],
    [{ kind: 'token' as const, token: 't' }, ['x-team', 'Platform', 'authorization', 'token t']],
    [{ kind: 'api_key' as const, key: 'k' }, ['x-team', 'Platform', 'x-api-key', 'k']],
  ])('is one lease for everybody, whoever that is: %j', (credential, headers) => {
    const served = lab.serve({ credential, headers: { 'X-Team': 'Platform' } })
    const lease = served.lease(ann)
    expect(lease).toEqual({ owner: '', headers })
    expect([served.lease(nobody), served.lease(blueBot)].every((one) => one === lease)).toBe(true)
    expect(served.ownerOf(ann)).toBe('')
  })

  it('has nothing new to try', async () => {
    const served = lab.serve({ credential: { kind: 'bearer', token: 's3cret' } })
    const lease = await served.lease(ann)
    expect(await failureOf(served.rejected(lease, refusal(lease)))).toMatchObject({
      code: 'upstream_auth_failed',
      details: { status: 401 },
    })
  })

  it('that no header can carry is refused before any call', async () => {
    const serve = () => lab.serve({ headers: { 'x-a': 'b' }, credential: { kind: 'api_key', key: 'k', header: 'x-b' } })
    expect(serve().ownerOf(ann)).toBe('')
    expect(await failureOf(later(() => lab.serve({ headers: { 'X-A': '1', 'x-a': '2' } })))).toMatchObject({
      code: 'config_invalid',
    })
  })

  it('holds the values of variables that are everybody’s, in headers and address', () => {
    const served = lab.serve({
      url: 'https://files.example/${TENANT}/mcp?key=${TENANT}',
      headers: { 'X-Tenant': 'is ${TENANT}' },
      variables: [{ name: 'TENANT', scope: 'global', value: 'a/b' }],
    })
    expect(served.lease(nobody)).toEqual({
      owner: '',
      headers: ['x-tenant', 'is a/b'],
      path: '/a%2Fb/mcp?key=a%2Fb',
    })
  })
})

describe('keys that owners give', () => {
  const bearer = (owner: 'user' | 'team') => lab.serve({ credential: { kind: 'bearer', owner } })
  const key = (token: string) => ({ secret: { kind: 'key' as const, parts: { token } } })
  const ofTeam = (name: string, token: string) =>
    lab.give({ ...key(token), owner: { kind: 'team', ref: `team_${name}` } })

  it('go out for their own user, and for nobody else', async () => {
    lab.give(key('anns'))
    const served = bearer('user')
    expect(served.lease(ann)).toMatchObject({ owner: 'usr_ann', headers: ['authorization', 'Bearer anns'] })
    expect(await failureOf(later(() => served.lease(bob)))).toMatchObject({
      code: 'credential_required',
      details: { server: 'files', state: 'missing', connectUrl: 'https://gateway.example/connect/files?for=user' },
    })
    for (const holder of [blueBot, nobody])
      expect(await failureOf(later(() => served.lease(holder)))).toMatchObject({
        code: 'credential_owner_required',
        details: { server: 'files' },
      })
    expect([ann, bob, nobody].map((one) => served.ownerOf(one))).toEqual(['usr_ann', 'usr_bob', ''])
  })

  it.each([
    [{ kind: 'api_key' as const, header: 'X-Key', owner: 'user' as const }, { key: 'k' }, ['x-key', 'k']],
    [
      { kind: 'basic' as const, owner: 'user' as const },
      { username: 'u', password: 'p' },
      ['authorization', 'Basic dTpw'],
    ],
    [{ kind: 'authorization' as const, owner: 'user' as const }, { value: 'X y' }, ['authorization', 'X y']],
    [{ kind: 'token' as const, owner: 'user' as const }, { token: 't' }, ['authorization', 'token t']],
  ])('have the parts that their kind has: %j', async (credential, parts, headers) => {
    const served = lab.serve({ credential })
    for (const given of [
      { secret: { kind: 'key' as const, parts: { other: 'x' } } },
      { state: 'connecting' as const },
    ]) {
      lab.give(given)
      expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({ details: { state: 'missing' } })
    }
    lab.give({ secret: { kind: 'key', parts } })
    expect(served.lease(ann)).toMatchObject({ headers })
  })

  it('are the same lease while they are the same, and another one when they are not', async () => {
    lab.give(key('one'))
    const served = bearer('user')
    const lease = await served.lease(ann)
    const { headers } = lease
    lab.give({ ...key('bobs'), owner: { kind: 'user', ref: 'usr_bob' } })
    expect(served.lease(ann)).toBe(lease)
    expect(lease.headers).toBe(headers)
    lab.give(key('two'))
    const other = await served.lease(ann)
    expect(other).not.toBe(lease)
    expect(served.lease(ann)).toBe(other)
    expect([lease.headers, other.headers]).toEqual([headers, ['authorization', 'Bearer two']])
  })

  it('of a team do not go out for who is in it and may not do anything any more', async () => {
    ofTeam('blue', 'blues')
    const served = bearer('team')
    expect(await served.lease(ann)).toMatchObject({ owner: 'team_blue' })
    lab.change(resource('user', 'ann', { isDisabled: true }))
    expect(served.ownerOf(ann)).toBe('')
    expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({ code: 'credential_owner_required' })
    expect(await served.lease(blueBot)).toMatchObject({ owner: 'team_blue' })
  })

  it('go to the address alone that they were given for', async () => {
    const variables = [{ name: 'REGION', isRequired: false }]
    const headers = { 'x-region': '${REGION}' }
    const served = () => lab.serve({ credential: { kind: 'bearer', owner: 'user' }, variables, headers })
    lab.give({ ...key('one'), variables: { REGION: 'eu' }, origin: 'https://files.example' })
    expect(await served().lease(ann)).toMatchObject({ headers: ['x-region', 'eu', 'authorization', 'Bearer one'] })
    lab.give({ ...key('one'), variables: { REGION: 'eu' }, origin: 'https://before.example' })
    expect(await failureOf(later(() => served().lease(ann)))).toMatchObject({ details: { state: 'missing' } })
    const own = lab.serve({ credential: { kind: 'bearer', token: 'ours' }, variables, headers })
    expect(await own.lease(ann)).toMatchObject({ headers: ['x-region', '', 'authorization', 'Bearer ours'] })
  })

  it('are not used any more once they are revoked, or their user is disabled', async () => {
    lab.give(key('one'))
    const served = bearer('user')
    await served.lease(ann)
    lab.give({ state: 'revoked', reason: 'revoked' })
    expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({ details: { state: 'revoked' } })
    lab.give(key('one'))
    lab.change(resource('user', 'ann', { isDisabled: true }))
    expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({ code: 'credential_owner_required' })
  })

  it('of teams are the token’s team’s, else of the first of the user’s teams that has one', async () => {
    const served = bearer('team')
    expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({
      details: { state: 'missing', connectUrl: 'https://gateway.example/connect/files?for=team' },
    })
    expect(served.ownerOf(ann)).toBe('team_azure')
    ofTeam('blue', 'blues')
    expect(served.lease(ann)).toMatchObject({ owner: 'team_blue', headers: ['authorization', 'Bearer blues'] })
    expect(served.lease(blueBot)).toBe(served.lease(ann))
    ofTeam('azure', 'azures')
    expect(served.lease(ann)).toMatchObject({ owner: 'team_azure', headers: ['authorization', 'Bearer azures'] })
    expect(served.lease(blueBot)).toMatchObject({ owner: 'team_blue' })
    lab.change(resource('team', 'azure', { members: [] }))
    expect(served.lease(ann)).toMatchObject({ owner: 'team_blue' })
    expect(await failureOf(later(() => served.lease(bob)))).toMatchObject({ code: 'credential_owner_required' })
  })

  it('need attention where the server refuses them, and are not used again', async () => {
    lab.give(key('one'))
    const served = bearer('user')
    const lease = await served.lease(ann)
    const refused = await failureOf(served.rejected(lease, refusal(lease)))
    expect(refused).toMatchObject({
      code: 'credential_required',
      details: { state: 'needs_attention', reason: 'refused_by_server' },
    })
    expect(lab.stored()).toMatchObject({ state: 'needs_attention', reason: 'refused_by_server' })
    expect(await failureOf(later(() => served.lease(ann)))).toMatchObject({ code: 'credential_required' })
    expect(lab.events).toMatchObject([{ actor: { kind: 'system' }, resource: { name: 'srv_files.user.usr_ann' } }])
  })

  it('stay as they are where the server forbids something', async () => {
    lab.give(key('one'))
    const served = bearer('user')
    const lease = await served.lease(ann)
    const challenge = 'Bearer error="invalid_token"'
    expect(await failureOf(served.rejected(lease, refusal(lease, { status: 403, challenge })))).toMatchObject({
      code: 'upstream_auth_failed',
    })
    expect(lab.stored()?.state).toBe('connected')
    expect(served.lease(ann)).toBe(lease)
  })

  it('are tried again where they are others by now', async () => {
    lab.give(key('one'))
    const served = bearer('user')
    const lease = await served.lease(ann)
    const before = refusal(lease)
    lab.give(key('two'))
    const other = await served.rejected(lease, before)
    expect(other.headers).toEqual(['authorization', 'Bearer two'])
    expect(served.lease(ann)).toBe(other)
    expect(await failureOf(served.rejected(lease, { ...before, isLast: true }))).toMatchObject({
      code: 'upstream_auth_failed',
    })
    expect(lab.stored()?.state).toBe('connected')
  })
})

describe('variables of users', () => {
  const served = (more: object = {}) =>
    lab.serve({
      url: 'https://files.example/${TENANT}/mcp',
      headers: { 'X-Token': '${TOKEN}', 'X-Region': '${REGION}' },
      variables: [
        { name: 'TENANT' },
        { name: 'TOKEN' },
        { name: 'REGION', isRequired: false },
        { name: 'FIXED', scope: 'global', value: 'f' },
      ],
      ...more,
    })
  const variables = { TENANT: 'a', TOKEN: 's3cret' }

  it('go out for the user who gave them, with the gateway’s own credential', () => {
    lab.give({ variables })
    expect(served({ credential: { kind: 'bearer', token: 't' } }).lease(ann)).toMatchObject({
      owner: 'usr_ann',
      headers: ['x-token', 's3cret', 'x-region', '', 'authorization', 'Bearer t'],
      path: '/a/mcp',
    })
  })

  it('that are missing are named', async () => {
    lab.give({ variables: { TENANT: 'a', FIXED: 'mine' } })
    expect(await failureOf(later(() => served().lease(ann)))).toMatchObject({
      code: 'credential_variables_required',
      details: { server: 'files', missing: ['TOKEN'], connectUrl: 'https://gateway.example/connect/files?for=user' },
    })
    expect(await failureOf(later(() => served().lease(nobody)))).toMatchObject({ code: 'credential_owner_required' })
  })

  it('go with a team’s credential, for each of its users apart', async () => {
    lab.give({ owner: { kind: 'team', ref: 'team_blue' }, secret: { kind: 'key', parts: { token: 'blues' } } })
    lab.give({ variables })
    const one = served({ credential: { kind: 'bearer', owner: 'team' } })
    expect(one.lease(ann)).toMatchObject({
      owner: 'team_blue usr_ann',
      headers: expect.arrayContaining(['Bearer blues']),
    })
    expect(one.lease({ userId: 'usr_ann', teamId: 'team_blue' })).toBe(one.lease(ann))
    expect(await failureOf(later(() => one.lease(blueBot)))).toMatchObject({ code: 'credential_owner_required' })
  })

  it('that nobody needs to have are empty for who has none, and for who is no user', async () => {
    const optional = served({
      url: 'https://files.example/mcp',
      variables: [{ name: 'TOKEN', isRequired: false }],
      headers: { 'X-Token': '${TOKEN}' },
    })
    expect(optional.lease(nobody)).toMatchObject({ owner: '', headers: ['x-token', ''] })
    expect(optional.lease(ann)).toMatchObject({ owner: 'usr_ann', headers: ['x-token', ''] })
    lab.give({ variables })
    expect(optional.lease(ann)).toMatchObject({ owner: 'usr_ann', headers: ['x-token', 's3cret'] })
    expect(optional.lease(nobody)).toMatchObject({ headers: ['x-token', ''] })
  })

  it('that change are another lease', async () => {
    lab.give({ variables })
    const one = served()
    const lease = await one.lease(ann)
    const { headers } = lease
    lab.give({ variables: { ...variables, TENANT: 'b' } })
    expect(one.lease(ann)).toMatchObject({ path: '/b/mcp', headers })
    expect(one.lease(ann)).toBe(one.lease(ann))
    expect(lease.path).toBe('/a/mcp')
  })
})
