import { beforeEach, describe, expect, it } from 'vitest'
import type { ServedServer } from '#contract/server.ts'
import { FakeChannelWire, legacyScript, modernScript } from '#test/support/fake-channel.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { channelUpstream, limits, server, user } from '#test/support/upstreams.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { Catalog } from './catalog.ts'

let clock: FakeClock
let wire: FakeChannelWire
let catalog: Catalog
/** The next answers to `tools/list`. */
let pages: object[]

const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more })
const files = (more: Partial<ServedServer> = {}): Upstream =>
  channelUpstream(server('files', { listTtlMs: 300_000, ...more }), { clock, wire })
const listed = () => wire.channel.count('tools/list')
const answerTools = () => ({ ...(pages.length > 1 ? pages.shift() : pages[0]) })

beforeEach(() => {
  clock = new FakeClock()
  pages = [{ tools: [tool('a')] }]
  wire = new FakeChannelWire(legacyScript({ tools: {} }, { 'tools/list': answerTools }))
  catalog = new Catalog({ clock, limits: limits({ listItemsMax: 5 }), clientInfo: { name: 'toolgate' } })
})

describe('a list', () => {
  it('is fetched once for all who ask while it is fetched, and not again while it is fresh', async () => {
    const one = files()
    const [first, second] = [catalog.get(one, 'tools', user('ann')), catalog.get(one, 'tools', user('bob'))]
    expect((await first).items.map(({ key }) => key)).toEqual(['a'])
    expect(await second).toBe(await first)
    expect(catalog.peek(one, 'tools', user('eve'))).toBe(await first)
    await catalog.get(one, 'tools', user('eve'))
    expect(listed()).toBe(1)
  })

  it('is fetched anew for clients of other capabilities, where sessions are not shared', async () => {
    const one = files({ isolation: 'principal' })
    await catalog.get(one, 'tools', user('ann'))
    await catalog.get(one, 'tools', user('ann', { elicitation: {} }))
    expect(wire.channels.map((channel) => channel.count('tools/list'))).toEqual([1, 1])
  })

  it('has all pages, each tool once, and keeps members that are nobody’s', async () => {
    pages = [
      { tools: [tool('a', { x: 1 }), { noName: true }, 'nonsense'], nextCursor: '2', vendor: 1 },
      { tools: [tool('b'), tool('a', { x: 2 })], nextCursor: '' },
    ]
    const list = await catalog.get(files(), 'tools', user())
    expect(list.items.map(({ item }) => item)).toEqual([tool('a', { x: 2 }), tool('b')])
    expect(list.extra).toEqual({ vendor: 1 })
    expect(wire.channel.last('tools/list')?.['params']).toEqual({ cursor: '2' })
  })

  it('ends where a server gives the same cursor again', async () => {
    pages = [{ tools: [tool('a')], nextCursor: 'same' }]
    await catalog.get(files(), 'tools', user())
    expect(listed()).toBe(2)
  })

  it.each<[string, object, string]>([
    [
      'more than anybody can use',
      { tools: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => tool(name)) },
      'upstream_too_large',
    ],
    ['no list', { tools: 'none' }, 'upstream_protocol'],
  ])('of %s is refused', async (_what, page, code) => {
    pages = [page]
    expect(await failureOf(catalog.get(files(), 'tools', user()))).toMatchObject({ code })
  })

  it('is empty where the server does not declare it, without a question', async () => {
    const list = await catalog.get(files(), 'prompts', user())
    expect(list.items).toEqual([])
    expect(wire.channel.count('prompts/list')).toBe(0)
  })

  it('is empty where the server declares it and does not know the method', async () => {
    wire.script = legacyScript({ resources: {} })
    expect((await catalog.get(files(), 'resourceTemplates', user())).items).toEqual([])
  })

  it('is refused where the server refuses it otherwise', async () => {
    wire.script = (message, channel) => {
      if (message['method'] !== 'tools/list') return legacyScript({ tools: {} })(message, channel)
      channel.say({ jsonrpc: '2.0', id: message['id'], error: { code: -32603, message: 'secret words' } })
    }
    const failure = await failureOf(catalog.get(files(), 'tools', user()))
    expect(failure.code).toBe('upstream_protocol')
    expect(JSON.stringify(failure.details)).not.toContain('secret')
  })

  it('knows which arguments a tool mirrors in headers', async () => {
    const inputSchema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
    pages = [{ tools: [tool('a', { inputSchema })] }]
    const list = await catalog.get(files(), 'tools', user())
    expect(list.byKey.get('a')?.paramHeaders).toEqual([{ header: 'Region', path: ['region'] }])
  })

  it('lacks a modern tool whose annotations are not valid, and has a legacy one', async () => {
    const inputSchema = { type: 'object', properties: { a: { type: 'object', 'x-mcp-header': 'A' } } }
    pages = [{ tools: [tool('bad', { inputSchema }), tool('good')] }]
    expect((await catalog.get(files(), 'tools', user())).items.map(({ key }) => key)).toEqual(['bad', 'good'])
    wire.script = modernScript({ tools: {} }, { 'tools/list': answerTools })
    const modern = await catalog.get(files({ protocol: 'modern' }), 'tools', user())
    expect(modern.items.map(({ key }) => key)).toEqual(['good'])
  })
})

describe('the time that a list is believed', () => {
  async function believed(page: object, capabilities: object = {}): Promise<number> {
    pages = [{ tools: [], ...page }]
    wire.script = legacyScript({ tools: capabilities }, { 'tools/list': answerTools })
    const list = await catalog.get(files({ listTtlMs: 300_000 }), 'tools', user())
    return list.freshUntil - clock.now()
  }

  it.each([
    ['the server’s limit where the upstream says nothing', {}, 300_000],
    ['what the upstream says', { ttlMs: 60_000 }, 60_000],
    ['no longer than the limit', { ttlMs: 900_000 }, 300_000],
    ['long enough that a call does not cost a list', { ttlMs: 10 }, 5_000],
    ['also where it says nothing holds', { ttlMs: 0 }, 5_000],
    ['as if nothing was said, for what is no time', { ttlMs: -5 }, 300_000],
  ])('is %s', async (_what, page, expected) => {
    expect(await believed(page)).toBe(expected)
  })

  it('is the limit where nothing holds but changes are announced', async () => {
    expect(await believed({ ttlMs: 0 }, { listChanged: true })).toBe(300_000)
  })

  it('is the shortest of all pages', async () => {
    pages = [
      { tools: [], ttlMs: 60_000, nextCursor: '2' },
      { tools: [], ttlMs: 30_000 },
    ]
    const list = await catalog.get(files(), 'tools', user())
    expect(list.freshUntil - clock.now()).toBe(30_000)
  })

  it('ends when the server says that the list has changed', async () => {
    const one = files()
    await catalog.get(one, 'tools', user())
    const { version } = catalog
    catalog.invalidate(one, 'prompts')
    expect(catalog.peek(one, 'tools', user())).toBeDefined()
    catalog.invalidate(one, 'tools')
    expect(catalog.peek(one, 'tools', user())).toBeUndefined()
    expect(catalog.version).toBeGreaterThan(version)
    await catalog.get(one, 'tools', user())
    expect(listed()).toBe(2)
  })

  it('ends for templates with the resources', async () => {
    wire.script = legacyScript({ resources: {} }, { 'resources/templates/list': () => ({ resourceTemplates: [] }) })
    const one = files()
    await catalog.get(one, 'resourceTemplates', user())
    catalog.invalidate(one, 'resources')
    expect(catalog.peek(one, 'resourceTemplates', user())).toBeUndefined()
  })

  it('is not begun by a list that changed while it was fetched', async () => {
    const one = files()
    const answer = Promise.withResolvers<object>()
    wire.script = (message, channel) => {
      if (message['method'] !== 'tools/list') return legacyScript({ tools: {} })(message, channel)
      void answer.promise.then((page) => channel.answer(message, { ...page }))
    }
    const stale = catalog.get(one, 'tools', user())
    await settled()
    catalog.invalidate(one, 'tools')
    answer.resolve({ tools: [tool('old')] })
    await stale
    expect(catalog.peek(one, 'tools', user())).toBeUndefined()
  })

  it('is over for a server that is gone', async () => {
    const one = files()
    await catalog.get(one, 'tools', user())
    catalog.forget(one)
    expect(catalog.peek(one, 'tools', user())).toBeUndefined()
  })
})

describe('a list that cannot be had', () => {
  it('is not tried again for a moment, and then it is', async () => {
    pages = [{ tools: 'none' }]
    const one = files()
    const first = await failureOf(catalog.get(one, 'tools', user()))
    expect(await failureOf(catalog.get(one, 'tools', user()))).toBe(first)
    expect(listed()).toBe(1)
    pages = [{ tools: [] }]
    await clock.advance(2_000)
    expect((await catalog.get(one, 'tools', user())).items).toEqual([])
  })

  it('is tried again at once when the server says that it has changed', async () => {
    pages = [{ tools: 'none' }]
    const one = files()
    await failureOf(catalog.get(one, 'tools', user()))
    pages = [{ tools: [] }]
    catalog.invalidate(one, 'tools')
    expect((await catalog.get(one, 'tools', user())).items).toEqual([])
  })

  it('is given up after three times the listing deadline', async () => {
    wire.script = legacyScript({ tools: {} }, { 'tools/list': () => undefined })
    const failure = failureOf(catalog.get(files(), 'tools', user()))
    await clock.advance(30_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(wire.channel.count('notifications/cancelled')).toBe(1)
  })
})

describe('a tool that the server has changed without a word', () => {
  const annotated = (header: string) => ({
    tools: [
      { name: 'a', inputSchema: { type: 'object', properties: { x: { type: 'string', 'x-mcp-header': header } } } },
    ],
  })

  it('is fetched again once for all who find out, and views that were made of the old list are stale', async () => {
    pages = [annotated('Old'), annotated('New')]
    const one = files()
    const known = (await catalog.get(one, 'tools', user())).byKey.get('a')
    const doubted = { name: 'a', paramHeaders: known?.paramHeaders ?? [] }
    const before = catalog.version
    const renewed = await Promise.all([1, 2].map(() => catalog.renewTool(one, user(), doubted)))
    expect(renewed.map((tool) => tool?.paramHeaders)).toEqual([
      [{ header: 'New', path: ['x'] }],
      renewed[0]?.paramHeaders,
    ])
    expect(await catalog.renewTool(one, user(), doubted)).toBe(renewed[0])
    expect(listed()).toBe(2)
    expect(catalog.version).toBeGreaterThan(before)
  })

  it('is not fetched again and again for a server that is never content', async () => {
    pages = Array.from({ length: 40 }, (_, at) => annotated(`At-${at}`))
    const one = files()
    await catalog.get(one, 'tools', user())
    const doubt = async () => {
      const known = (await catalog.get(one, 'tools', user())).byKey.get('a')
      return catalog.renewTool(one, user(), { name: 'a', paramHeaders: known?.paramHeaders ?? [] })
    }
    for (let at = 0; at < 30; at++) await doubt()
    const { version } = catalog
    expect((await doubt())?.paramHeaders).toEqual([{ header: 'At-20', path: ['x'] }])
    expect([listed(), catalog.version]).toEqual([21, version])
    await clock.advance(1_000)
    expect((await doubt())?.paramHeaders).toEqual([{ header: 'At-21', path: ['x'] }])
  })

  it('is gone where the list does not hold it any more', async () => {
    pages = [annotated('Old'), { tools: [tool('b')] }]
    const one = files()
    const known = (await catalog.get(one, 'tools', user())).byKey.get('a')
    expect(await catalog.renewTool(one, user(), { name: 'a', paramHeaders: known?.paramHeaders ?? [] })).toBeUndefined()
  })
})
