/** What the random attempts of escalation.test.ts do not show: what stays allowed, and what is told. */
import { describe, expect, it } from 'vitest'
import { bound, controlWorld, type ControlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { updateResource } from './update-resource.ts'

const conditions = [{ path: '$.amount', lte: 10 }]
const git = { server: 'git', tool: 'get_*', level: 'execute' }
const bank = { server: 'bank', tool: 'pay', level: 'execute', conditions }
const noDelete = { tool: 'delete_*', level: 'deny' }
const mine = resource('policy', 'mine', { rules: [git, bank, { server: 'label:wiki', level: 'read' }, noDelete] })
const theirs = resource('policy', 'theirs', { rules: [{ server: 'mail', level: 'execute' }, noDelete] })
const draft = resource('policy', 'draft')
const servers = [
  ...['git', 'bank', 'mail'].map((name) => resource('server', name)),
  resource('server', 'notes', { labels: ['wiki'] }),
]
const ed = resource('user', 'ed', { policies: [mine.id] })
const ann = resource('user', 'ann', { policies: [theirs.id] })
const edits = (['policies', 'toolsets', 'projects'] as const).map((kind) => ({ role: 'edit' as const, resource: kind }))
const rights = bound(ed.id, ...edits, { role: 'view', resource: '*' })
const start = () =>
  controlWorld([mine, theirs, draft, ...servers, ed, ann, resource('user', 'admin', { role: 'admin' }), rights])

type Body = { rules?: object[]; default?: string; description?: string }
const put = (world: ControlWorld, { by = 'ed', name = 'theirs', ...body }: Body & { by?: string; name?: string }) =>
  updateResource(world.deps, world.as('user', by), {
    kind: 'policy',
    ref: name,
    version: null,
    body: { name, ...body },
  })
const before = theirs.spec.rules

describe('who may edit policies, and not everything,', () => {
  it.each<[string, Body]>([
    [
      'a rule that is part of one of its own',
      { rules: [...before, { server: 'git', tool: 'get_issue', level: 'read' }] },
    ],
    ['a rule that asks for what its own asks for', { rules: [...before, bank] }],
    ['a rule for a server that has the label of its own', { rules: [...before, { server: 'notes', level: 'read' }] }],
    ['a lower level', { rules: [{ server: 'mail', level: 'read' }, noDelete] }],
    ['nothing but a denial', { rules: [noDelete] }],
    [
      'a wider denial',
      {
        rules: [
          { server: 'mail', level: 'execute' },
          { tool: 'd*', level: 'deny' },
        ],
      },
    ],
    ['one more denial', { rules: [...before, { server: 'mail', tool: 'send', level: 'deny' }] }],
    ['a description', { rules: before, description: 'Of Ann.' }],
  ])('gives others %s', async (_, body) => {
    const world = await start()
    expect((await put(world, body)).version).toBe(2)
  })

  it.each<[string, Body]>([
    ['a tool that it may not call', { rules: [...before, { server: 'git', tool: 'push', level: 'execute' }] }],
    ['a wildcard that it does not have', { rules: [...before, { server: '*', tool: 'get_*', level: 'read' }] }],
    ['a higher level', { rules: [...before, { ...git, level: 'admin' }] }],
    [
      'its own rule without what that asks for',
      { rules: [...before, { server: 'bank', tool: 'pay', level: 'execute' }] },
    ],
    ['a default', { rules: before, default: 'read' }],
    ['freedom from a denial', { rules: [{ server: 'mail', level: 'execute' }] }],
    [
      'a narrower denial',
      {
        rules: [
          { server: 'mail', level: 'execute' },
          { ...noDelete, server: 'mail' },
        ],
      },
    ],
  ])('gives nobody %s', async (_, body) => {
    const world = await start()
    expect(await failureOf(put(world, body))).toMatchObject({ code: 'exceeds_creator', details: { paths: ['rules'] } })
    expect((await put(world, { ...body, by: 'admin' })).version).toBe(2)
  })

  it('gives no wider rule by taking a narrower one away', async () => {
    const world = await start()
    const rules = [...before, { server: 'mail', tool: 'send', level: 'read' }]
    await put(world, { by: 'admin', rules })
    expect((await failureOf(put(world, { rules: before }))).code).toBe('exceeds_creator')
  })

  it('gives nothing where it is denied what the others are not', async () => {
    const world = await start()
    const open = resource('policy', 'open', { rules: [{ server: 'mail', level: 'read' }] })
    await world.store.write([
      { do: 'create', resource: open },
      { do: 'update', resource: having(ann, { policies: [open.id] }) },
    ])
    await world.refresh()
    const asked = { server: 'git', tool: 'get_*', level: 'execute' }
    const allowed = { name: 'open', rules: [...open.spec.rules, asked] }
    expect((await put(world, allowed)).version).toBe(2)
    const meeting = { ...allowed, rules: [...open.spec.rules, { server: 'notes', level: 'read' }] }
    expect((await failureOf(put(world, meeting))).code).toBe('exceeds_creator')
    expect((await put(world, { ...meeting, rules: [...meeting.rules, noDelete] })).version).toBe(3)
  })

  it('writes what it likes into a policy that nobody has', async () => {
    const world = await start()
    expect((await put(world, { name: 'draft', default: 'admin' })).version).toBe(2)
  })
})

describe('who may edit toolsets and projects, and not everything,', () => {
  const tool = (server: string, name: string) => ({ server, tool: name })
  const set = resource('toolset', 'set', { tools: [tool('srv_mail', 'send')] })
  const site = resource('project', 'site', { toolsets: [set.id] })
  const free = resource('toolset', 'free', { tools: [tool('srv_mail', 'send')] })
  const token = resource('token', 'ci', { owner: { kind: 'user', ref: 'usr_admin' }, project: site.id })
  const whole = resource('policy', 'whole', { rules: [{ server: 'git', level: 'execute' }] })
  const opened = async (policies = [mine.id]) => {
    const admin = resource('user', 'admin', { role: 'admin' })
    return controlWorld([mine, whole, ...servers, set, free, site, admin, having(ed, { policies }), rights, token])
  }
  const change = (world: ControlWorld, kind: 'toolset' | 'project', body: { name: string } & Record<string, unknown>) =>
    updateResource(world.deps, world.as('user', 'ed'), { kind, ref: body.name, version: null, body })

  it('adds to a toolset that somebody is bound to what it may call itself', async () => {
    const world = await opened()
    const add = (one: object, name = 'set') => change(world, 'toolset', { name, tools: [tool('mail', 'send'), one] })
    expect((await add(tool('git', 'get_issue'))).version).toBe(2)
    for (const pair of [tool('git', 'push'), tool('notes', 'x'), tool('bank', 'pay')]) {
      expect(await failureOf(add(pair))).toMatchObject({ code: 'exceeds_creator', details: { paths: ['tools'] } })
    }
    expect((await change(world, 'toolset', { name: 'set', tools: [] })).version).toBe(3)
    expect((await add(tool('git', 'push'), 'free')).version).toBe(2)
  })

  it('adds to a project servers that it may call whole, and toolsets of which it may call each tool', async () => {
    const world = await opened([whole.id])
    const put = (body: object) => change(world, 'project', { name: 'site', toolsets: ['set'], ...body })
    expect((await put({ servers: ['git'] })).version).toBe(2)
    expect(await failureOf(put({ servers: ['mail'] }))).toMatchObject({ details: { paths: ['servers'] } })
    expect(await failureOf(put({ toolsets: ['set', 'free'] }))).toMatchObject({ details: { paths: ['toolsets'] } })
  })
})

describe('a policy of very many rules', () => {
  const many = (prefix: string) =>
    Array.from({ length: 9_000 }, (_, index) => ({ server: 'mail', tool: `${prefix}${index}`, level: 'read' }))

  it('is changed in parts by who may not everything: in one step it is refused', async () => {
    const world = await start()
    await put(world, { by: 'admin', rules: many('a') })
    expect((await failureOf(put(world, { rules: many('b') }))).code).toBe('exceeds_creator')
    expect((await put(world, { rules: many('a').slice(1) })).version).toBe(3)
  })
})
