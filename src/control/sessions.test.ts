import { beforeEach, describe, expect, it } from 'vitest'
import { resource } from '#test/support/resources.ts'
import { admin, caller, SessionWorld } from '#test/support/session-world.ts'
import { noteUse, sweepSessions } from './tend-sessions.ts'

const hour = 3_600_000

let world: SessionWorld

beforeEach(() => {
  world = new SessionWorld()
})

describe('the life of a session', () => {
  const kinds = async (id: string): Promise<string[]> => (await world.control.events(admin, id)).map(({ kind }) => kind)

  it('goes from creating to ready, once', async () => {
    const { session } = await world.start()
    await world.clock.advance(1_000)
    const ready = await world.control.report(admin, session.id, { status: 'ready' })
    expect(ready).toMatchObject({ status: 'ready', readyAt: world.clock.now() })
    await world.clock.advance(1_000)
    expect(await world.control.report(admin, session.id, { status: 'ready' })).toEqual(ready)
    expect(await kinds(session.id)).toEqual(['created', 'ready'])
  })

  it('is ready when it is used', async () => {
    const { session } = await world.start()
    await Promise.all([noteUse(world.deps, session.id), noteUse(world.deps, session.id)])
    await noteUse(world.deps, session.id)
    await noteUse(world.deps, 'ses_gone')
    expect(world.known.get(session.id)?.status).toBe('ready')
    expect(await kinds(session.id)).toEqual(['created', 'ready'])
    // The gateway's own doing is recorded as well, once.
    expect(world.changes.slice(1)).toMatchObject([
      { actor: { kind: 'system' }, action: 'update', resource: { kind: 'session', id: session.id, name: 'helper' } },
    ])
  })

  it('fails for a reason', async () => {
    const { session } = await world.start()
    const failed = await world.control.report(admin, session.id, { status: 'failed', reason: 'no room' })
    expect(failed).toMatchObject({ status: 'failed', failureReason: 'no room', endedAt: world.clock.now() })
    await expect(world.control.report(admin, session.id, { status: 'ready' })).rejects.toMatchObject({
      code: 'wrong_status',
    })
  })

  it('ends, and stays ended', async () => {
    const { session } = await world.start()
    const dead = await world.control.end(admin, session.id)
    expect(dead).toMatchObject({ status: 'dead', endedAt: world.clock.now() })
    await world.clock.advance(1_000)
    expect(await world.control.end(admin, session.id)).toEqual(dead)
    for (const said of [{ status: 'ready' }, { status: 'failed', reason: 'x' }])
      await expect(world.control.report(admin, session.id, said)).rejects.toMatchObject({ code: 'wrong_status' })
    await expect(world.control.recover(admin, session.id, {})).rejects.toMatchObject({ code: 'wrong_status' })
    expect(await kinds(session.id)).toEqual(['created', 'ended'])
  })

  it('begins anew with a restart: another run, another token, a whole life', async () => {
    const { session } = await world.start({ lifetimeMs: hour })
    await world.control.report(admin, session.id, { status: 'failed', reason: 'x' })
    await world.clock.advance(2 * hour)
    await sweepSessions(world.deps)
    const again = await world.control.restart(admin, session.id, { lifetimeMs: hour })
    expect(again.session).toMatchObject({
      id: session.id,
      status: 'creating',
      run: 2,
      failureReason: null,
      readyAt: null,
      endedAt: null,
      expiresAt: world.clock.now() + hour,
    })
    expect(world.claimsOf(again.harness.mcp_servers[0]?.auth_token).run).toBe(2)
    expect(await kinds(session.id)).toEqual(['created', 'failed', 'restarted'])
  })

  it('goes on with a recovery, within the life that is left', async () => {
    const { session } = await world.start({ lifetimeMs: hour })
    await world.clock.advance(hour / 2)
    const again = await world.control.recover(admin, session.id, {})
    expect(again.session).toMatchObject({ run: 2, expiresAt: session.expiresAt })
    const { exp, iat } = world.claimsOf(again.harness.mcp_servers[0]?.auth_token)
    expect(exp - iat).toBe(1_800)
    await world.clock.advance(hour / 2)
    await expect(world.control.recover(admin, session.id, {})).rejects.toMatchObject({ code: 'wrong_status' })
  })

  it('is not started anew without its agent', async () => {
    const { session } = await world.start()
    world.drop('agent', 'agt_helper')
    await expect(world.control.restart(admin, session.id, {})).rejects.toMatchObject({ code: 'no_such_resource' })
    world.put({ ...resource('agent', 'other'), name: 'agt_helper' })
    await expect(world.control.restart(admin, session.id, {})).rejects.toMatchObject({ code: 'no_such_resource' })
  })

  it('is told apart by version when two change it at once', async () => {
    const { session } = await world.start()
    const ends = await Promise.all([
      world.control.end(admin, session.id),
      world.control.report(admin, session.id, { status: 'ready' }).catch(() => null),
      world.control.end(admin, session.id),
    ])
    expect(ends[0]?.status).toBe('dead')
    expect(world.known.get(session.id)?.status).toBe('dead')
  })

  it('is over when it was not in use in time, or its time has passed', async () => {
    const [late, old] = [await world.start(), await world.start({ lifetimeMs: hour })]
    await noteUse(world.deps, old.session.id)
    await world.clock.advance(600_000)
    await sweepSessions(world.deps)
    expect(world.known.get(late.session.id)).toMatchObject({
      status: 'failed',
      failureReason: 'It was not in use in time.',
    })
    expect(world.known.get(old.session.id)?.status).toBe('ready')
    await world.clock.advance(hour)
    await sweepSessions(world.deps)
    expect(world.known.get(old.session.id)?.status).toBe('dead')
    expect(await kinds(old.session.id)).toEqual(['created', 'ready', 'expired'])
    expect(world.changes.slice(2).map(({ action, actor, resource }) => [action, actor.kind, resource.id])).toEqual([
      ['update', 'system', old.session.id],
      ['update', 'system', late.session.id],
      ['end', 'system', old.session.id],
    ])
  })

  it('is forgotten a week after its end', async () => {
    const { session } = await world.start()
    await world.control.end(admin, session.id)
    await world.clock.advance(25 * hour)
    await sweepSessions(world.deps)
    expect(world.known.get(session.id)).toBeUndefined()
    expect(await world.control.get(admin, session.id)).toMatchObject({ status: 'dead' })
    await world.clock.advance(6 * 24 * hour)
    await sweepSessions(world.deps)
    await expect(world.control.get(admin, session.id)).rejects.toMatchObject({ code: 'no_such_resource' })
  })

  it('has room beside so many others only', async () => {
    const first = await world.start()
    await world.start()
    await world.start()
    await expect(world.start()).rejects.toMatchObject({ code: 'too_many_sessions' })
    await world.control.end(admin, first.session.id)
    await world.start()
    await expect(world.control.restart(admin, first.session.id, {})).rejects.toMatchObject({
      code: 'too_many_sessions',
    })
  })
})

describe('who may', () => {
  const runner = caller([{ role: 'run', resource: 'agents', name: 'agt_helper' }])
  const viewer = caller([
    { role: 'view', resource: 'sessions' },
    { role: 'view', resource: 'agents' },
  ])
  const nobody = caller([])

  it('run an agent, has its sessions in its hand, and no others', async () => {
    world.put(resource('agent', 'other', { servers: [{ server: 'srv_git' }] }))
    const { session } = await world.control.create(runner, { agent: 'helper' })
    await world.control.restart(runner, session.id, {})
    await world.control.recover(runner, session.id, {})
    await world.control.report(runner, session.id, { status: 'ready' })
    const foreign = await world.control.create(admin, { agent: 'other' })
    expect((await world.control.list(runner, {})).map(({ id }) => id)).toEqual([session.id])
    await expect(world.control.create(runner, { agent: 'other' })).rejects.toMatchObject({ code: 'no_such_resource' })
    for (const act of ['get', 'events', 'end'] as const)
      await expect(world.control[act](runner, foreign.session.id)).rejects.toMatchObject({ code: 'no_such_resource' })
    expect(await world.control.end(runner, session.id)).toMatchObject({ status: 'dead' })
  })

  it('view sessions, sees them, and changes none', async () => {
    const { session } = await world.start()
    expect(await world.control.get(viewer, session.id)).toEqual(session)
    expect(await world.control.list(viewer, {})).toHaveLength(1)
    const refused = [
      world.control.create(viewer, { agent: 'helper' }),
      world.control.restart(viewer, session.id, {}),
      world.control.recover(viewer, session.id, {}),
      world.control.report(viewer, session.id, { status: 'ready' }),
      world.control.end(viewer, session.id),
    ]
    for (const attempt of refused) await expect(attempt).rejects.toMatchObject({ code: 'forbidden' })
    expect(await world.control.get(admin, session.id)).toEqual(session)
  })

  it('do nothing, learns nothing: not even that there is such a session, or such an agent', async () => {
    const { session } = await world.start()
    const attempts = [
      world.control.create(nobody, { agent: 'helper' }),
      world.control.create(nobody, { agent: 'no-such-agent' }),
      world.control.get(nobody, session.id),
      world.control.get(nobody, 'ses_00000000000000000009'),
      world.control.get(nobody, `x' or '1'='1`),
      world.control.end(nobody, session.id),
      world.control.restart(nobody, session.id, { odd: true }),
    ]
    for (const attempt of attempts)
      await expect(attempt).rejects.toMatchObject({ code: 'no_such_resource', details: {} })
    expect(await world.control.list(nobody, {})).toEqual([])
  })

  it('or tried to, is recorded', async () => {
    const { session } = await world.start()
    await world.control.end(runner, session.id)
    await world.control.end(nobody, session.id).catch(() => undefined)
    const told = world.changes.map(({ action, outcome, resource: { kind, id, name } }) => [
      action,
      outcome,
      kind,
      id,
      name,
    ])
    expect(told).toEqual([
      ['create', 'ok', 'session', session.id, 'helper'],
      ['end', 'ok', 'session', session.id, 'helper'],
      ['end', 'no_such_resource', 'session', '', ''],
    ])
  })
})

describe('what is asked for wrongly', () => {
  it.each([
    {},
    { agent: 'helper', odd: 1 },
    { agent: 'helper', lifetimeMs: 59_999 },
    { agent: 'helper', lifetimeMs: 31 * 24 * hour },
    { agent: 'helper', ttl: 1 },
    { agent: 'helper', details: { a: 1 } },
    { agent: 'helper', details: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, ''])) },
    { agent: 'helper', title: '' },
    [],
    null,
  ])('is refused before anything is written: %j', async (body) => {
    await expect(world.control.create(admin, body)).rejects.toMatchObject({ code: 'invalid_body' })
    expect(await world.sessions.list({ limit: 10 })).toEqual([])
  })

  it.each([{ limit: 0 }, { limit: 1_001 }, { status: 'gone' }, { after: 'x' }, { odd: '1' }])(
    'lists nothing: %j',
    async (query) => {
      await expect(world.control.list(admin, query)).rejects.toMatchObject({ code: 'invalid_body' })
    },
  )
})

describe('a refresh token', () => {
  it('gives a short token for the same servers', async () => {
    const { refreshToken, session } = await world.start()
    const answer = world.control.refresh({ refresh_token: refreshToken })
    expect(answer).toMatchObject({ expires_in: 900, token_type: 'Bearer' })
    expect(world.claimsOf(answer.access_token)).toMatchObject({
      session_id: session.id,
      servers: ['srv_git', 'srv_files'],
      purpose: 'tool-callback',
    })
  })

  it.each(['x', 'tgs_00000000_e30.AAAA'])('is refused when it is %s', (text) => {
    expect(() => world.control.refresh({ refresh_token: text })).toThrow(
      expect.objectContaining({ code: 'unauthorized' }),
    )
  })

  it('is none that an access token could be', async () => {
    const { harness } = await world.start()
    const body = { refresh_token: harness.mcp_servers[0]?.auth_token }
    expect(() => world.control.refresh(body)).toThrow(expect.objectContaining({ code: 'unauthorized' }))
    expect(() => world.control.refresh({})).toThrow(expect.objectContaining({ code: 'invalid_params' }))
  })
})
