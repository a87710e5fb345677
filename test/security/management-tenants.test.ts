/** Somebody with a few rights, and what it would take from its neighbours with them: their grants, their calls, their names. */
import { describe, expect, it } from 'vitest'
import { canI } from '#control/can-i.ts'
import { explainAccess } from '#control/explain-access.ts'
import { mintToken } from '#control/mint-token.ts'
import { rotateToken } from '#control/rotate-token.ts'
import { updateResource } from '#control/update-resource.ts'
import { createResource } from '#control/create-resource.ts'
import type { Binding } from '#contract/role-binding.ts'
import { bound, controlWorld, type ControlWorld } from '../support/control-world.ts'
import { failureOf } from '../support/failure.ts'
import { resource } from '../support/resources.ts'

const editTeam: Binding = { role: 'edit', resource: 'teams', name: 'team_strong' }

const world = (...rights: Binding[]) =>
  controlWorld([
    resource('policy', 'reader', { rules: [{ server: 'open', level: 'execute' }] }),
    resource('policy', 'writer', { default: 'execute' }),
    resource('policy', 'nothing', { rules: [{ level: 'deny' }] }),
    resource('policy', 'no-secrets', { rules: [{ server: 'label:secret', level: 'deny' }] }),
    resource('server', 'open'),
    resource('server', 'hidden'),
    resource('organization', 'acme', { policies: ['pol_no-secrets'] }),
    resource('organization', 'rival'),
    resource('user', 'admin', { role: 'admin' }),
    resource('user', 'eve', { organization: 'org_acme', policies: ['pol_reader'] }),
    resource('user', 'ann', { organization: 'org_acme', policies: ['pol_reader'] }),
    resource('user', 'bob', { organization: 'org_rival', policies: ['pol_reader'] }),
    resource('team', 'strong', { organization: 'org_acme', policies: ['pol_writer'] }),
    resource('team', 'mine', {
      organization: 'org_acme',
      policies: ['pol_nothing'],
      members: [{ user: 'usr_eve', role: 'admin' }],
    }),
    resource('token', 'of-eve', { owner: { kind: 'user', ref: 'usr_eve' }, digest: 'd1' }),
    ...(rights.length > 0 ? [bound('usr_eve', ...rights)] : []),
  ])

type Member = { user: string; role?: 'admin' | 'member' }

function setMembers(one: ControlWorld, name: 'strong' | 'mine', members: Member[]) {
  const policies = [name === 'strong' ? 'writer' : 'nothing']
  const body = { name, organization: 'acme', policies, members }
  return updateResource(one.deps, one.as('user', 'eve'), { kind: 'team', ref: name, version: null, body })
}

describe('who may edit a team that may call more', () => {
  it.each(['eve', 'ann'])('makes nobody its admin, who could make its tokens: %s', async (user) => {
    const one = await world(editTeam, { role: 'view', resource: 'users' }, { role: 'view', resource: 'policies' })
    const failure = await failureOf(setMembers(one, 'strong', [{ user, role: 'admin' }]))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['members'] } })
    const minting = mintToken(one.deps, one.as('user', 'eve'), { name: 'loot', owner: { kind: 'team', ref: 'strong' } })
    expect((await failureOf(minting)).code).toBe('forbidden')
    expect(await one.stored('token', 'loot')).toBeNull()
  })
})

describe('who manages a team of one organization', () => {
  const admin: Member = { user: 'eve', role: 'admin' }

  it.each(['bob', 'admin'])('puts nobody of another, or of none, under its denies: %s', async (user) => {
    const one = await world()
    const join = (name: string) => failureOf(setMembers(one, 'mine', [admin, { user: name }]))
    // And does not hear that there is such a user.
    expect((await join(user)).code).toBe('dangling_reference')
    expect((await join('nobody')).code).toBe('dangling_reference')
    expect((await one.stored('team', 'mine'))?.spec.members).toEqual([{ user: 'usr_eve', role: 'admin' }])
  })

  it('makes no other team for that, though it sees who there is', async () => {
    const one = await world({ role: 'create', resource: 'teams' }, { role: 'view', resource: '*' })
    const body = { name: 'trap', policies: ['nothing'], members: [{ user: 'bob' }] }
    const failure = await failureOf(createResource(one.deps, one.as('user', 'eve'), { kind: 'team', body }))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['members'] } })
  })

  it('puts those of its own into it', async () => {
    const one = await world()
    await setMembers(one, 'mine', [admin, { user: 'ann' }])
    expect((await one.stored('team', 'mine'))?.spec.members).toHaveLength(2)
  })
})

describe('who was given a token that may more than itself, for a while', () => {
  const hourMs = 3_600_000
  const lent = async () => {
    const one = await world()
    const body = { name: 'lent', owner: { kind: 'user', ref: 'eve' }, policies: ['writer'], expires: '1h' }
    await mintToken(one.deps, one.as('user', 'admin'), body)
    return one
  }
  const rotate = (one: ControlWorld, body: object) =>
    rotateToken(one.deps, one.as('user', 'eve'), { ref: 'lent', version: null, body })

  it('rotates it, and it still ends when it was to end', async () => {
    const one = await lent()
    const endsAt = one.clock.now() + hourMs
    await one.clock.advance(hourMs / 2)
    await rotate(one, {})
    expect((await one.stored('token', 'lent'))?.spec.expiresAt).toBe(endsAt)
  })

  it.each(['never', '2h'])('does not make it last longer: %s', async (expires) => {
    const one = await lent()
    expect(await failureOf(rotate(one, { expires }))).toMatchObject({
      code: 'exceeds_creator',
      details: { paths: ['expires'] },
    })
  })
})

describe('who asks whether it may call a server that it may not know of', () => {
  it('hears the same as of one that is not there, also where a rule asks for labels', async () => {
    const one = await world()
    const ask = (server: string) => canI(one.deps, one.as('user', 'ann').actor, { server, tool: 'find' })
    expect(await ask('hidden')).toEqual(await ask('missing'))
    expect(await ask('srv_hidden')).toEqual(await ask('srv_missing'))
    expect(await ask('open')).toMatchObject({ allowed: true })
  })
})

describe('who asks why its own token may call a server that it may not know of', () => {
  const explain = (one: ControlWorld, server: string) =>
    explainAccess(one.deps, one.as('user', 'eve').actor, { token: 'of-eve', server })

  it('hears the same as of one that is not there', async () => {
    const one = await world()
    const hidden = await explain(one, 'hidden')
    const missing = await explain(one, 'missing')
    expect(JSON.parse(JSON.stringify(hidden).replaceAll('hidden', 'missing'))).toEqual(missing)
  })

  it('does not hear its name for its id', async () => {
    const one = await world()
    expect((await explain(one, 'srv_hidden')).server).toBe('srv_hidden')
  })

  it('hears of it with the right to explain', async () => {
    const one = await world({ role: 'run', action: 'explain' })
    const { steps } = await explain(one, 'srv_hidden')
    expect(steps).toContainEqual({ step: 'server', isPassed: true, about: 'hidden' })
  })
})

describe('a token that has its grant within bounds only', () => {
  const rights: Binding[] = [
    { role: 'create', resource: 'agents' },
    { role: 'view', resource: '*' },
  ]
  const worldOf = async (bounds: object) => {
    const one = await world()
    const owner = { kind: 'user', ref: 'usr_admin' }
    const token = resource('token', 'bounded', {
      owner,
      digest: 'd2',
      policies: ['pol_reader'],
      bindings: rights,
      ...bounds,
    })
    await one.store.write([{ do: 'create', resource: token }])
    await one.refresh()
    return one
  }
  const makeAgent = (one: ControlWorld) => {
    const body = { name: 'helper', servers: [{ server: 'hidden' }], policies: ['reader'] }
    return createResource(one.deps, one.as('token', 'bounded'), { kind: 'agent', body })
  }

  it.each([{ servers: ['srv_open'] }, { tools: [] }, { toolsets: [] }, { accessGroups: ['team'] }])(
    'gives it to no agent, which would have it without them: %j',
    async (bounds) => {
      const one = await worldOf(bounds)
      expect(await failureOf(makeAgent(one))).toMatchObject({
        code: 'exceeds_creator',
        details: { paths: ['policies'] },
      })
    },
  )

  it('gives it where there are none', async () => {
    const one = await worldOf({})
    await makeAgent(one)
    expect((await one.stored('agent', 'helper'))?.spec.policies).toEqual(['pol_reader'])
  })
})

describe('who may edit a server', () => {
  const edit = async (from: object, to: object) => {
    const one = await world({ role: 'edit', resource: 'servers', name: 'srv_guarded' })
    await one.store.write([{ do: 'create', resource: resource('server', 'guarded', from) }])
    await one.refresh()
    const transport = { kind: 'streamable_http', url: 'https://example.com/mcp' }
    const body = { name: 'guarded', transport, ...to }
    return updateResource(one.deps, one.as('user', 'eve'), { kind: 'server', ref: 'guarded', version: null, body })
  }

  it('does not slip it out from under a deny by taking its label away', async () => {
    const failure = await failureOf(edit({ labels: ['secret', 'team'] }, { labels: ['team'] }))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['labels'] } })
  })

  it('does not show an internal one to everybody', async () => {
    const failure = await failureOf(edit({ visibility: 'internal' }, { visibility: 'public' }))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: ['visibility'] } })
  })

  it('takes it from everybody outside, and writes labels in another order', async () => {
    const view = await edit({ labels: ['a', 'b'] }, { labels: ['b', 'a'], visibility: 'internal' })
    expect(view).toMatchObject({ visibility: 'internal', version: 2 })
  })
})
