import { describe, expect, it } from 'vitest'
import { connectionWorld, keyServer } from '#test/support/connection-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'

const everything = resource('policy', 'all', { default: 'execute' })
const ann = resource('user', 'ann', { policies: ['pol_all'] })
const robotless = [everything, ann]
const variables = [
  { name: 'REGION' },
  { name: 'PROJECT', isRequired: false },
  { name: 'SHARED', scope: 'global', value: 'x' },
]

async function worldOf(transport: object) {
  const world = await connectionWorld([...robotless, keyServer('files', transport)])
  const by = world.as('user', 'ann')
  const words = { server: 'files' }
  return {
    world,
    key: (body: unknown) => world.connections.setKey(by, { words, body }),
    values: (values: unknown) => world.connections.setVariables(by, { words, body: { values } }),
    stored: async () => (await world.store.find('credential', 'srv_files.user.usr_ann'))?.spec,
    get: () => world.connections.get(by, words),
  }
}

const problemsOf = async (run: Promise<unknown>) => {
  const { code, details } = await failureOf(run)
  expect(code).toBe('invalid_body')
  return details['problems']
}

describe('a key of one’s own', () => {
  it.each([
    ['bearer', { token: 'SECRET' }, ['token']],
    ['token', { token: 'SECRET' }, ['token']],
    ['api_key', { key: 'SECRET' }, ['key']],
    ['authorization', { value: 'Custom SECRET' }, ['value']],
    ['basic', { username: 'ann', password: 'SECRET' }, ['username', 'password']],
  ])('has the parts of %s', async (kind, parts, names) => {
    const { key, stored, get } = await worldOf({
      credential: { kind, owner: 'user', helpUrl: 'https://example.com/keys' },
    })
    expect(get()).toMatchObject({ kind: 'key', keyParts: names, helpUrl: 'https://example.com/keys', state: 'missing' })
    expect(await key(parts)).toMatchObject({ state: 'connected' })
    expect(await stored()).toMatchObject({ secret: { kind: 'key', parts } })
    expect(JSON.stringify(get())).not.toContain('SECRET')
  })

  it('must be whole, and nothing else', async () => {
    const { key, stored, world } = await worldOf({ credential: { kind: 'basic', owner: 'user' } })
    expect(await problemsOf(key({ username: 'ann', token: 'SECRET' }))).toEqual([
      { path: 'password', problem: 'is required' },
      { path: 'token', problem: 'is no part of this key' },
    ])
    expect(await problemsOf(key({ username: 'a:b', password: 'x\r\ny' }))).toHaveLength(2)
    expect(await problemsOf(key({ username: 'a', password: 'x'.repeat(101) }))).toEqual([
      { path: 'password', problem: 'must have at most 100 bytes' },
    ])
    expect(await problemsOf(key({ username: 'a', password: 'ü'.repeat(51) }))).toHaveLength(1)
    expect(await stored()).toBeUndefined()
    expect(JSON.stringify(world.events)).not.toContain('SECRET')
  })

  it.each(['a\r\nx: y', 'a\n', '\0', 'č', ''])('is no text that a header cannot carry: %j', async (token) => {
    const { key } = await worldOf({ credential: { kind: 'bearer', owner: 'user' } })
    expect(JSON.stringify(await problemsOf(key({ token })))).not.toContain('x: y')
  })

  it('is nobody’s to give where the gateway has one, or an account is what it takes', async () => {
    const { key } = await worldOf({ credential: { kind: 'oauth2_authorization_code' } })
    expect(await failureOf(key({ token: 'T' }))).toMatchObject({ code: 'wrong_status', details: { reason: 'no_key' } })
    const own = await worldOf({ credential: { kind: 'bearer', token: 'T' } })
    expect((await failureOf(own.key({ token: 'T' }))).code).toBe('no_such_resource')
  })

  it('is for the address that the server had, however the two changes came after each other', async () => {
    const { world, key, values, get, stored } = await worldOf({
      credential: { kind: 'bearer', owner: 'user' },
      variables,
    })
    await values({ REGION: 'eu' })
    await key({ token: 'T' })
    const server = await world.stored('server', 'files')
    if (!server) throw new Error('no server')
    const { spec } = keyServer('files', {
      credential: { kind: 'bearer', owner: 'user' },
      variables,
      url: 'https://evil.example/',
    })
    await world.store.write([{ do: 'update', resource: { ...server, spec } }])
    await world.refresh()
    expect(get()).toMatchObject({ state: 'missing', variables: [{ isSet: false }, { isSet: false }] })
    await key({ token: 'other' })
    expect(await stored()).toMatchObject({ secret: { parts: { token: 'other' } }, variables: {} })
  })

  it('is missing again where the definition asks for another kind', async () => {
    const { world, key, get } = await worldOf({ credential: { kind: 'bearer', owner: 'user' } })
    await key({ token: 'T' })
    const stored = await world.stored('server', 'files')
    if (!stored) throw new Error('no server')
    const { spec } = keyServer('files', { credential: { kind: 'api_key', owner: 'user' } })
    await world.store.write([{ do: 'update', resource: { ...stored, spec } }])
    await world.refresh()
    expect(get()).toMatchObject({ state: 'missing', keyParts: ['key'] })
  })
})

describe('variables', () => {
  it('are what the server names as its users’ own', async () => {
    const { values, get, stored } = await worldOf({ variables, url: 'https://mcp.example.com/${REGION}' })
    expect(get()).toMatchObject({
      kind: 'variables',
      state: 'missing',
      variables: [
        { name: 'REGION', isRequired: true, isSet: false },
        { name: 'PROJECT', isRequired: false, isSet: false },
      ],
    })
    expect(await values({ PROJECT: 'P' })).toMatchObject({ state: 'missing', reason: 'variables_missing' })
    expect(await values({ REGION: 'eu' })).toMatchObject({ state: 'connected' })
    expect((await stored())?.variables).toEqual({ PROJECT: 'P', REGION: 'eu' })
    expect(await values({ PROJECT: '' })).toMatchObject({ state: 'connected' })
    expect((await stored())?.variables).toEqual({ REGION: 'eu' })
  })

  it('are no others, and no text that a header cannot carry', async () => {
    const { values, stored } = await worldOf({ variables })
    expect(await problemsOf(values({ SHARED: 'mine', OTHER: 'x' }))).toEqual([
      { path: 'values.SHARED', problem: 'is no variable of this server' },
      { path: 'values.OTHER', problem: 'is no variable of this server' },
    ])
    expect(await problemsOf(values({ REGION: 'a\nb' }))).toHaveLength(1)
    expect(await problemsOf(values({ REGION: 'x'.repeat(101) }))).toHaveLength(1)
    expect(await problemsOf(values({ __proto__x: 'a', 'not a name': 'x' }))).not.toHaveLength(0)
    expect(await stored()).toBeUndefined()
  })

  it('lead nowhere but where the server is', async () => {
    const { values, stored } = await worldOf({ variables, url: 'https://mcp.example.com/${REGION}/mcp' })
    for (const REGION of ['..', '../x'])
      expect(await problemsOf(values({ REGION }))).toEqual([
        { path: 'values.REGION', problem: 'with it the path would lead elsewhere' },
      ])
    expect(await stored()).toBeUndefined()
    expect(await values({ REGION: 'a/x' })).toMatchObject({ state: 'connected' })
  })

  it('stand beside a key, and are asked for with it', async () => {
    const { values, key, get } = await worldOf({ variables, credential: { kind: 'bearer', owner: 'user' } })
    expect(await values({ REGION: 'eu' })).toMatchObject({ kind: 'key', state: 'connecting' })
    expect(await key({ token: 'T' })).toMatchObject({ state: 'connected' })
    expect(get()).toMatchObject({ state: 'connected', variables: [{ isSet: true }, { isSet: false }] })
  })
})
