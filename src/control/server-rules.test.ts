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
