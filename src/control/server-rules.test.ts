import { describe, expect, it } from 'vitest'
import type { Resource } from '#core/resources/resource-store.ts'
import { bound, controlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { createResource } from './create-resource.ts'
import { updateResource } from './update-resource.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const git = resource('server', 'git', { aliases: ['vcs'] })
const transport = { kind: 'streamable_http', url: 'https://example.com/mcp' }
const taken = (...paths: string[]) => ({ code: 'already_exists', details: { paths } })

describe('the words that a server is called by', () => {
  const declared = { ...resource('server', 'files', { aliases: ['disk'] }), id: 'cfg_files' }
  const house = async (...more: Resource[]) => {
    const world = await controlWorld([admin, git, ...more], [declared])
    return { deps: world.deps, admin: world.as('user', 'admin') }
  }
  const create = async (body: object) => {
    const { deps, admin: by } = await house()
    return createResource(deps, by, { kind: 'server', body: { transport, ...body } })
  }

  it.each([
    [{ name: 'new', aliases: ['mine', 'git'] }, ['aliases[1]']],
    [{ name: 'new', aliases: ['vcs'] }, ['aliases[0]']],
    [{ name: 'new', aliases: ['files', 'disk'] }, ['aliases[0]', 'aliases[1]']],
    [{ name: 'vcs' }, ['name']],
    [{ name: 'disk', aliases: ['vcs'] }, ['name', 'aliases[0]']],
  ])('are of no other server: not %j', async (body, paths) => {
    expect(await failureOf(create(body))).toMatchObject(taken(...paths))
  })

  it('may be its own, and any that is free', async () => {
    expect(await create({ name: 'new', aliases: ['new', 'mine'] })).toMatchObject({ aliases: ['new', 'mine'] })
  })

  it('are looked at when they change, and only those that do', async () => {
    const { deps, admin: by } = await house(resource('server', 'old', { aliases: ['vcs'] }))
    const update = (body: object) =>
      updateResource(deps, by, { kind: 'server', ref: 'old', version: null, body: { name: 'old', transport, ...body } })
    expect(await update({ aliases: ['vcs', 'free'] })).toMatchObject({ aliases: ['vcs', 'free'] })
    expect(await failureOf(update({ aliases: ['vcs', 'git'] }))).toMatchObject(taken('aliases[1]'))
    expect(await failureOf(update({ name: 'vcs', aliases: [] }))).toMatchObject(taken('name'))
    expect(await update({ aliases: [] })).toMatchObject({ aliases: [] })
  })
})

describe('a server whose requests are signed as who the gateway is at AWS', () => {
  const signed = (more: object = {}) => ({
    kind: 'streamable_http',
    url: 'https://aws.example/mcp',
    credential: { kind: 'aws_sigv4', region: 'eu-central-1', ...more },
  })
  const change = async (body: object) => {
    const mia = resource('user', 'mia')
    const editor = bound(mia.id, { role: 'edit', resource: 'servers' }, { role: 'view', resource: '*' })
    const world = await controlWorld([admin, mia, editor, resource('server', 'aws', { transport: signed() })])
    const by = world.as('user', 'mia')
    return updateResource(world.deps, by, { kind: 'server', ref: 'aws', version: null, body: { name: 'aws', ...body } })
  }

  it('goes elsewhere, or signs for something else, at the word of an admin alone', async () => {
    for (const transport of [{ ...signed(), url: 'https://ec2.example/?Action=x' }, signed({ service: 'ec2' })])
      expect(await failureOf(change({ transport }))).toMatchObject({
        code: 'forbidden',
        details: { reason: 'aws_identity_needs_admin' },
      })
  })

  it('may be described, and given keys of its own, by whoever may edit it', async () => {
    expect(await change({ transport: signed(), description: 'of ours' })).toMatchObject({ description: 'of ours' })
    const keys = { accessKeyId: 'AKIDOWN', secretAccessKey: 'own' }
    expect(await change({ transport: signed(keys) })).toMatchObject({ name: 'aws' })
  })
})

describe('what of callers’ requests goes to a server', () => {
  const mia = resource('user', 'mia')
  const url = 'https://gw.example.com/mcp'
  const shared = { transport: { ...transport, url, cookies: { names: ['sid'] }, forwardHeaders: ['x-tenant'] } }
  const house = async () => {
    const world = await controlWorld([
      admin,
      mia,
      resource('server', 'shared', shared),
      resource('server', 'plain', { transport: { ...transport, url } }),
      bound(mia.id, { role: 'edit', resource: 'servers' }),
    ])
    return (name: string, ref: string, parts: object) =>
      updateResource({ ...world.deps, publicUrl: 'https://gw.example.com' }, world.as('user', name), {
        kind: 'server',
        ref,
        version: null,
        body: { name: ref, transport: { ...transport, url, ...parts } },
      })
  }

  it.each([
    ['plain', { cookies: { names: ['sid'] } }],
    ['plain', { forwardHeaders: ['x-tenant'] }],
    ['shared', { ...shared.transport, cookies: { names: ['sid', 'other'] } }],
    ['shared', { ...shared.transport, url: 'https://evil.example.com/mcp' }],
  ])('of %s is not for an editor of servers to say: %j', async (ref, parts) => {
    const put = await house()
    expect(await failureOf(put('mia', ref, parts))).toMatchObject({
      code: 'forbidden',
      details: { reason: 'callers_parts_need_admin' },
    })
    expect(await put('admin', ref, parts)).toMatchObject({ version: 2 })
  })

  it('stays where an editor changes something else, and can be taken away', async () => {
    const put = await house()
    expect(await put('mia', 'shared', { ...shared.transport, headers: { 'x-a': 'b' } })).toMatchObject({ version: 2 })
    expect(await put('mia', 'shared', {})).toMatchObject({ version: 3 })
  })

  it('is every cookie only on the gateway’s own host', async () => {
    const put = await house()
    const every = { cookies: { names: ['*'] } }
    expect(await put('admin', 'plain', every)).toMatchObject({ version: 2 })
    expect(await failureOf(put('admin', 'plain', { ...every, url: 'https://mcp.example.com' }))).toMatchObject({
      code: 'invalid_body',
      details: { problems: [{ path: 'transport.cookies.names' }] },
    })
  })
})
