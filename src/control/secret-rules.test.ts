import { describe, expect, it } from 'vitest'
import { bound, controlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { createResource } from './create-resource.ts'
import { deleteResource } from './delete-resource.ts'
import { getResource } from './get-resource.ts'
import { updateResource } from './update-resource.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const mia = resource('user', 'mia')
const own = resource('secret', 'own', { value: 'CANARY-own' })
const other = resource('secret', 'other', { value: 'CANARY-other' })
const url = 'https://a.example/mcp'
const credential = (name: string, more: object = {}) => ({ kind: 'bearer', token: { secretRef: name }, ...more })
const transport = (more: object = {}) => ({ kind: 'streamable_http', url, ...more })
const git = resource('server', 'git', {
  transport: transport({
    credential: credential(other.id),
    headers: { 'x-key': { secretRef: other.id } },
    variables: [{ name: 'A', scope: 'global', value: { secretRef: other.id } }],
  }),
})
/** As somebody who may see it sends it back. */
const asShown = {
  credential: credential('other'),
  headers: { 'x-key': { secretRef: 'other' } },
  variables: [{ name: 'A', scope: 'global', value: { secretRef: 'other' } }],
}

const house = async () => {
  const world = await controlWorld([
    admin,
    mia,
    own,
    other,
    git,
    bound(
      mia.id,
      { role: 'edit', resource: 'servers' },
      { role: 'create', resource: 'servers' },
      { role: 'edit', resource: 'secrets', name: own.id },
      { role: 'view', resource: 'secrets', name: other.id },
    ),
  ])
  const as = (name: string) => ({
    create: (kind: 'server' | 'secret', body: object) =>
      createResource(world.deps, world.as('user', name), { kind, body }),
    update: (kind: 'server' | 'secret', ref: string, body: object) =>
      updateResource(world.deps, world.as('user', name), { kind, ref, version: null, body: { name: ref, ...body } }),
    get: (kind: 'server' | 'secret', ref: string) => getResource(world.deps, world.as('user', name), { kind, ref }),
    remove: (ref: string) => deleteResource(world.deps, world.as('user', name), { kind: 'secret', ref, version: null }),
  })
  return { world, as }
}

describe('who manages servers', () => {
  it('names secrets that it may change, which are kept by their ids and shown by their names', async () => {
    const { world, as } = await house()
    const body = { name: 'new', transport: transport({ credential: credential('own') }) }
    expect(await as('mia').create('server', body)).toMatchObject({ transport: { credential: credential('own') } })
    const stored = await world.stored('server', 'new')
    expect(stored?.spec.transport).toMatchObject({ credential: credential(own.id) })
  })

  it.each([
    ['credential.token', { credential: credential('other') }],
    ['headers.x-a', { headers: { 'x-a': { secretRef: 'other' } } }],
    ['tls.key', { tls: { certificate: pem(), key: { secretRef: 'other' } } }],
    ['variables[0].value', { variables: [{ name: 'A', scope: 'global', value: { secretRef: 'other' } }] }],
  ])('names none at %s that it may only see', async (path, parts) => {
    const { as } = await house()
    const failure = await failureOf(as('mia').create('server', { name: 'new', transport: transport(parts) }))
    expect(failure).toMatchObject({ code: 'exceeds_creator', details: { paths: [`transport.${path}`] } })
  })

  it.each(['nothing', 'gone'])('names none that there is not: %s', async (name) => {
    const { as } = await house()
    const body = { name: 'new', transport: transport({ headers: { 'x-a': { secretRef: name } } }) }
    expect(await failureOf(as('mia').create('server', body))).toMatchObject({
      code: 'dangling_reference',
      details: { paths: ['transport.headers.x-a'] },
    })
  })

  it('changes a server around a secret of somebody else’s', async () => {
    const { as } = await house()
    const parts = { ...asShown, headers: { ...asShown.headers, 'x-more': 'a' }, url: 'https://a.example/mcp/other' }
    expect(await as('mia').update('server', 'git', { transport: transport(parts) })).toMatchObject({ version: 2 })
  })

  it.each([
    ['another address', { ...asShown, url: 'https://evil.example/mcp' }, 3],
    ['another path', { ...asShown, url: 'https://a.example/another-tenant' }, 3],
    ['another scheme', { ...asShown, url: 'http://a.example/mcp' }, 3],
    ['another header', { ...asShown, headers: { 'x-echo': { secretRef: 'other' } } }, 1],
    ['another kind of credential', { ...asShown, credential: { kind: 'api_key', key: { secretRef: 'other' } } }, 1],
  ])('does not send it to %s', async (_what, parts, count) => {
    const { as } = await house()
    const failure = await failureOf(as('mia').update('server', 'git', { transport: transport(parts) }))
    expect(failure.code).toBe('exceeds_creator')
    expect(failure.details['paths']).toHaveLength(count)
  })

  it('sends it anywhere as an admin', async () => {
    const { as } = await house()
    const parts = { ...asShown, url: 'https://new.example/mcp' }
    expect(await as('admin').update('server', 'git', { transport: transport(parts) })).toMatchObject({ version: 2 })
  })
})

describe('a secret', () => {
  it('is written and never shown, not even how long it is', async () => {
    const { as } = await house()
    const shown = await as('admin').get('secret', 'own')
    expect(shown).toMatchObject({ kind: 'secret', name: 'own', value: '[secret]' })
    expect(JSON.stringify(shown)).not.toContain('CANARY')
  })

  it('stays as it is where the mark comes back, and changes where another text does', async () => {
    const { world, as } = await house()
    await as('mia').update('secret', 'own', { value: '[secret]', description: 'of a service' })
    expect((await world.stored('secret', 'own'))?.spec).toEqual({ value: 'CANARY-own', description: 'of a service' })
    await as('mia').update('secret', 'own', { value: 'CANARY-new' })
    expect((await world.stored('secret', 'own'))?.spec).toEqual({ value: 'CANARY-new' })
    expect(world.events.map(({ changed }) => changed)).toEqual([['description'], ['description', 'value']])
    expect(JSON.stringify(world.events)).not.toContain('CANARY')
  })

  it('cannot begin as the mark', async () => {
    const { as } = await house()
    expect(await failureOf(as('admin').create('secret', { name: 'new', value: '[secret]' }))).toMatchObject({
      code: 'invalid_body',
      details: { problems: [{ path: 'value' }] },
    })
  })

  it('is not deleted while a server names it', async () => {
    const { world, as } = await house()
    expect(await failureOf(as('admin').remove('other'))).toMatchObject({
      code: 'still_referenced',
      details: { by: [{ kind: 'server', name: 'git' }] },
    })
    await as('admin').remove('own')
    expect(await world.stored('secret', 'own')).toBeNull()
  })
})

describe('what owners have given for a server', () => {
  const given = (id: string) =>
    resource('credential', `${git.id}.user.${id}`, { server: git.id, owner: { kind: 'user', ref: id } })
  const elsewhere = resource('credential', 'srv_x.user.usr_mia', {
    server: 'cfg_server_x',
    owner: { kind: 'user', ref: mia.id },
  })
  const kept = async (parts: object): Promise<number> => {
    const { world, as } = await house()
    await world.store.write([given(mia.id), given(admin.id), elsewhere].map((one) => ({ do: 'create', resource: one })))
    await as('admin').update('server', 'git', { transport: transport(parts) })
    return (await world.store.list('credential', { limit: 10 })).length
  }

  it('stays where the server stays', async () => {
    expect(await kept({ ...asShown, url: `${url}/other`, headers: {} })).toBe(3)
  })

  it.each([
    ['address', { ...asShown, url: 'https://other.example/mcp' }],
    ['credential', { ...asShown, credential: { kind: 'api_key', owner: 'user' } }],
  ])('goes where its %s is another one', async (_what, parts) => {
    expect(await kept(parts)).toBe(1)
  })
})

function pem(): string {
  return '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
}
