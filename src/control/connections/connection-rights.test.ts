import { describe, expect, it } from 'vitest'
import { accountServer, connectionWorld, keyServer, type ConnectionWorld } from '#test/support/connection-world.ts'
import { bound } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'

const everything = resource('policy', 'all', { default: 'execute' })
const root = resource('user', 'root', { role: 'admin' })
const ann = resource('user', 'ann', { policies: ['pol_all'] })
const bob = resource('user', 'bob', { policies: ['pol_all'] })
const dot = resource('user', 'dot')
const robot = resource('user', 'robot', { type: 'service', policies: ['pol_all'] })
const blue = resource('team', 'blue', {
  policies: ['pol_all'],
  members: [
    { user: 'usr_ann', role: 'admin' },
    { user: 'usr_bob', role: 'member' },
  ],
})
const annsToken = resource('token', 'anns', { owner: { kind: 'user', ref: 'usr_ann' }, policies: ['pol_all'] })
const files = keyServer('files', { credential: { kind: 'bearer', owner: 'user' } })
const wiki = keyServer('wiki', { credential: { kind: 'api_key', owner: 'team' } })
const mail = accountServer('mail', { owner: 'gateway' })
const all = [everything, root, ann, bob, dot, robot, blue, annsToken, files, wiki, mail]

const giveKey = (world: ConnectionWorld, by: string, words: { server: string; owner?: string }) =>
  world.connections.setKey(world.as('user', by), {
    words,
    body: words.server === 'wiki' ? { key: 'K' } : { token: 'T' },
  })
const codeOf = async (run: Promise<unknown>) => {
  const { code, details } = await failureOf(run)
  const { reason } = details
  return typeof reason === 'string' ? `${code} ${reason}` : code
}

describe('who may give what', () => {
  it('lets everybody give a key of their own, and nobody give one in another person’s name', async () => {
    const world = await connectionWorld(all)
    expect(await giveKey(world, 'ann', { server: 'files' })).toMatchObject({
      state: 'connected',
      owner: { name: 'ann' },
    })
    expect(await codeOf(giveKey(world, 'bob', { server: 'files', owner: 'user:ann' }))).toBe('no_such_resource')
    expect(await codeOf(giveKey(world, 'root', { server: 'files', owner: 'user:ann' }))).toBe(
      'forbidden only_the_owner',
    )
  })

  it('lets whoever may edit a service give its key', async () => {
    const world = await connectionWorld([
      ...all,
      bound('usr_bob', { role: 'edit', resource: 'users', name: 'usr_robot' }),
    ])
    for (const by of ['root', 'bob'])
      expect(await giveKey(world, by, { server: 'files', owner: 'user:robot' })).toMatchObject({
        owner: { name: 'robot' },
      })
    expect(await codeOf(giveKey(world, 'ann', { server: 'files', owner: 'user:robot' }))).toBe('no_such_resource')
  })

  it('lets a team’s admin give the team’s key, and its members see that it is there', async () => {
    const world = await connectionWorld(all)
    expect(await giveKey(world, 'ann', { server: 'wiki' })).toMatchObject({ owner: { kind: 'team', name: 'blue' } })
    expect(await codeOf(giveKey(world, 'bob', { server: 'wiki' }))).toBe('forbidden not_yours')
    expect(world.connections.get(world.as('user', 'bob'), { server: 'wiki' })).toMatchObject({
      state: 'connected',
      may: { give: false, end: false },
    })
    expect(await codeOf(giveKey(world, 'dot', { server: 'wiki', owner: 'team:blue' }))).toBe('no_such_resource')
  })

  it('lets whoever may edit a server connect it for the gateway', async () => {
    const world = await connectionWorld(all)
    expect(await world.connect('root', { server: 'mail' })).toMatchObject({
      owner: { kind: 'gateway' },
      state: 'connected',
    })
    expect(await codeOf(world.begin('ann', { server: 'mail' }))).toBe('no_such_resource')
    expect(await world.connections.list(world.as('user', 'root'), {})).toMatchObject([
      { server: { name: 'mail' }, owner: { kind: 'gateway', name: '' }, state: 'connected' },
    ])
  })

  it('tells who may not reach a server that there is none', async () => {
    const world = await connectionWorld(all)
    expect(await codeOf(giveKey(world, 'dot', { server: 'files' }))).toBe('no_such_resource')
    expect(await codeOf(giveKey(world, 'ann', { server: 'nothing' }))).toBe('no_such_resource')
    expect(await codeOf(giveKey(world, 'ann', { server: 'files', owner: 'user:nobody' }))).toBe('no_such_resource')
    expect(await world.connections.list(world.as('user', 'dot'), {})).toEqual([])
  })

  it('shows a server to who may reach it with a token of their own alone, while that is good', async () => {
    const ofDot = (more: object) =>
      resource('token', 'dots', { owner: { kind: 'user', ref: 'usr_dot' }, policies: ['pol_all'], ...more })
    const free = resource('user', 'dot', { role: 'admin' })
    const seen = async (token: ReturnType<typeof ofDot>) => {
      const world = await connectionWorld([everything, free, files, wiki, token])
      return (await world.connections.list(world.as('user', 'dot'), {})).map(({ server }) => server.name)
    }
    expect(await seen(ofDot({}))).toEqual(['files'])
    expect(await seen(ofDot({ revokedAt: 1 }))).toEqual([])
    expect(await seen(ofDot({ expiresAt: 1 }))).toEqual([])
    expect(await seen(ofDot({ servers: ['srv_wiki'] }))).toEqual([])
  })

  it('lets a token look at what is its owner’s, and connect nothing', async () => {
    const world = await connectionWorld(all)
    await giveKey(world, 'ann', { server: 'files' })
    const token = world.as('token', 'anns')
    expect(await world.connections.list(token, {})).toMatchObject([{ server: { name: 'files' }, state: 'connected' }])
    expect(await codeOf(world.connections.setKey(token, { words: { server: 'files' }, body: { token: 'T' } }))).toBe(
      'forbidden only_the_owner',
    )
    expect(await codeOf(world.connections.revoke(token, { server: 'files' }))).toBe('forbidden not_yours')
    expect(await codeOf(world.connections.start(token, { words: { server: 'mail' }, browser: 'b' }))).toBe(
      'person_required',
    )
  })
})

describe('lists', () => {
  it('has everything that is somebody’s own to give, for themselves and for their teams', async () => {
    const world = await connectionWorld(all)
    const list = await world.connections.list(world.as('user', 'bob'), {})
    expect(list.map(({ server, owner, state }) => [server.name, owner.name, state])).toEqual([
      ['files', 'bob', 'missing'],
      ['wiki', 'blue', 'missing'],
    ])
  })

  it('has another’s for who may edit them, and those of all owners of a server as far as one may see them', async () => {
    const world = await connectionWorld(all)
    await giveKey(world, 'ann', { server: 'files' })
    const admin = world.as('user', 'root')
    expect(await world.connections.list(admin, { owner: 'user:ann' })).toMatchObject([
      { server: { name: 'files' }, may: { give: false, end: true } },
    ])
    expect(await codeOf(world.connections.list(world.as('user', 'bob'), { owner: 'user:ann' }))).toBe(
      'no_such_resource',
    )
    const ofFiles = async (by: string) =>
      (await world.connections.list(world.as('user', by), { server: 'files' })).map(({ owner }) => owner.name)
    expect(await ofFiles('root')).toEqual(['ann'])
    expect(await ofFiles('bob')).toEqual(['bob'])
    expect(await codeOf(world.connections.list(world.as('user', 'dot'), { server: 'files' }))).toBe('no_such_resource')
  })
})
