import { beforeEach, describe, expect, it } from 'vitest'
import type { Policy } from '#contract/policy.ts'
import { compileAccess } from '#core/access/access.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import { Registry } from '#gateway/endpoint.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { channelUpstream, limits, policy, server, user } from '#test/support/upstreams.ts'
import { Catalog } from './catalog.ts'
import { toShownItem, Views, type ListView, type ViewCaller } from './views.ts'

let clock: FakeClock
let catalog: Catalog
let views: Views
let wires: Map<string, FakeChannelWire>

const admin = policy('all', { default: 'admin' })
const caller = (policies: readonly Policy[] = [admin], capabilities = {}): ViewCaller => ({
  access: compileAccess(policies),
  user: user('ann', capabilities),
})
const everybody = caller()
const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })

/** A server with these tools; null: it never answers. */
function add(name: string, tools: string[] | null): Upstream {
  const answers = {
    'tools/list': () => (tools ? { tools: tools.map(tool) } : undefined),
    'resources/list': () => ({ resources: [{ uri: 'file:///a', name: 'a' }] }),
    'prompts/list': () => ({ prompts: [{ name: 'p' }] }),
  }
  const wire = new FakeChannelWire(legacyScript({ tools: {}, resources: {}, prompts: {} }, answers))
  wires.set(name, wire)
  return channelUpstream(server(name), { clock, wire })
}

const aggregate = (...upstreams: Upstream[]): Endpoint => new Registry(upstreams).all()
const single = (upstream: Upstream): Endpoint => new Registry([upstream]).named(upstream.name)
const get = async (endpoint: Endpoint, by = everybody): Promise<ListView> => views.get(endpoint, 'tools', by)
const names = (view: ListView): string[] => [...view.entries.keys()]
const listed = (name: string): number =>
  wires.get(name)?.channels.reduce((sum, one) => sum + one.count('tools/list'), 0) ?? 0

function start(separator = '__'): void {
  catalog = new Catalog({ clock, limits: limits(), clientInfo: { name: 'toolgate' } })
  const hash = (text: string) => Buffer.from(text).toString('hex').padEnd(64, '0')
  views = new Views({ clock, catalog, separator, listingTimeoutMs: 1_000, hash })
}

beforeEach(() => {
  clock = new FakeClock()
  wires = new Map()
  start()
})

describe('the names', () => {
  it('carry their server’s prefix on an aggregate, and are the server’s own where it stands alone', async () => {
    const files = add('files', ['read'])
    expect(names(await get(aggregate(files, add('git', ['read']))))).toEqual(['files__read', 'git__read'])
    expect(names(await get(single(files)))).toEqual(['read'])
  })

  it('of resources are URIs that say their server, on an aggregate only', async () => {
    const files = add('files', [])
    const all = await views.get(aggregate(files), 'resources', everybody)
    expect([...all.entries.values()].map(({ item }) => item.key)).toEqual(['file:///a'])
    expect(names(all)[0]).toContain('files')
    expect(names(await views.get(single(files), 'resources', everybody))).toEqual(['file:///a'])
  })

  it('that two servers would share are offered by neither: nobody is called in another’s name', async () => {
    start('-')
    const endpoint = aggregate(add('git', ['hub-a', 'own']), add('git-hub', ['a', 'b']))
    const view = await get(endpoint)
    expect(names(view)).toEqual(['git-own', 'git-hub-b'])
    expect(view.reports).toEqual([
      { name: 'git', status: 'ok', hidden: ['git-hub-a'] },
      { name: 'git-hub', status: 'ok', hidden: ['git-hub-a'] },
    ])
  })

  it('that three servers would share come back for none of them', async () => {
    start('-')
    const view = await get(aggregate(add('a', ['b-c-d']), add('a-b', ['c-d']), add('a-b-c', ['d'])))
    expect(names(view)).toEqual([])
  })
})

describe('what the caller may read', () => {
  const readers = (rules: Policy['rules']) => caller([policy('p', { rules })])

  it('is all that is listed, with the decision that will be asked again at the call', async () => {
    const view = await get(
      aggregate(add('files', ['read', 'write']), add('git', ['log'])),
      readers([
        { server: 'files', tool: 'read', level: 'execute' },
        { server: 'files', tool: 'write', level: 'deny' },
      ]),
    )
    expect(names(view)).toEqual(['files__read'])
    expect(view.entries.get('files__read')?.decision.level).toBe('execute')
  })

  it('decides also which servers are named, and which are asked', async () => {
    const endpoint = aggregate(add('files', ['read']), add('secret', null))
    const view = await get(endpoint, readers([{ server: 'files', tool: '*', level: 'read' }]))
    expect(view.reports).toEqual([{ name: 'files', status: 'ok' }])
    expect(wires.get('secret')?.channels).toEqual([])
  })

  it('takes no name away that only others can see twice', async () => {
    start('-')
    const endpoint = aggregate(add('git', ['hub-a']), add('git-hub', ['a']))
    const view = await get(endpoint, readers([{ server: 'git', tool: '*', level: 'read' }]))
    expect(names(view)).toEqual(['git-hub-a'])
    expect(view.entries.get('git-hub-a')?.upstream.name).toBe('git')
  })
})

describe('a failing server', () => {
  it('costs its own tools only, and is named with its reason', async () => {
    const broken = add('broken', [])
    const wire = wires.get('broken')
    if (wire) wire.script = () => wire.channel.end()
    const view = await get(aggregate(add('files', ['read']), broken))
    expect(names(view)).toEqual(['files__read'])
    expect(view.reports).toEqual([
      { name: 'files', status: 'ok' },
      { name: 'broken', status: 'failing', reason: 'upstream_closed' },
    ])
  })

  it('is waited for until the deadline, and the others are not delayed longer', async () => {
    const view = get(aggregate(add('slow', null), add('files', ['read'])))
    await clock.advance(1_000)
    expect((await view).reports).toMatchObject([{ name: 'slow', reason: 'upstream_timeout' }, { name: 'files' }])
    expect(names(await view)).toEqual(['files__read'])
  })

  it('is the failure of the list where it stands alone', async () => {
    const failure = failureOf(get(single(add('slow', null))))
    await clock.advance(1_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it('is seen again soon after it is well', async () => {
    const slow = add('slow', null)
    const endpoint = aggregate(slow, add('files', ['read']))
    const partial = get(endpoint)
    await clock.advance(1_000)
    await partial
    const wire = wires.get('slow')
    const request = wire?.channel.last('tools/list')
    wire?.channel.answer(request, { tools: [tool('late')] })
    await clock.advance(2_000)
    expect(names(await get(endpoint))).toEqual(['slow__late', 'files__read'])
  })
})

describe('a view', () => {
  it('is built once for all who ask, and given at once while it is fresh', async () => {
    const endpoint = aggregate(add('files', ['read']))
    const [first, second] = [views.get(endpoint, 'tools', everybody), views.get(endpoint, 'tools', everybody)]
    expect(await first).toBe(await second)
    expect(views.get(endpoint, 'tools', everybody)).toBe(await first)
    expect(listed('files')).toBe(1)
  })

  it('is another one for another access, or other capabilities', async () => {
    const endpoint = aggregate(add('files', ['read']))
    const one = await get(endpoint)
    expect(await get(endpoint, caller())).not.toBe(one)
    expect(await get(endpoint, { ...everybody, user: user('bob', { elicitation: {} }) })).not.toBe(one)
    expect(await get(endpoint, { ...everybody, user: user('bob') })).toBe(one)
    expect(listed('files')).toBe(1)
  })

  it('is made anew when a list has changed', async () => {
    const files = add('files', ['read'])
    const endpoint = aggregate(files)
    const before = await get(endpoint)
    catalog.invalidate(files, 'tools')
    expect(await get(endpoint)).not.toBe(before)
    expect(listed('files')).toBe(2)
  })

  it('is not given to who asks after a change when it was begun before', async () => {
    const files = add('files', null)
    const endpoint = aggregate(files)
    const before = get(endpoint)
    await settled()
    const wire = wires.get('files')
    const old = wire?.channel.last('tools/list')
    catalog.invalidate(files, 'tools')
    const after = get(endpoint)
    await settled()
    wire?.channel.answer(old, { tools: [tool('old')] })
    wire?.channel.answer(wire.channel.last('tools/list'), { tools: [tool('new')] })
    expect(names(await before)).toEqual(['files__old'])
    expect(names(await after)).toEqual(['files__new'])
    expect(names(await get(endpoint))).toEqual(['files__new'])
  })

  it('is not built twice because the lists of it arrive one after the other', async () => {
    const endpoint = aggregate(add('a', null), add('b', null))
    const first = get(endpoint)
    await settled()
    const [a, b] = [wires.get('a')?.channel, wires.get('b')?.channel]
    a?.answer(a.last('tools/list'), { tools: [tool('x')] })
    await settled()
    const second = get(endpoint)
    b?.answer(b.last('tools/list'), { tools: [tool('y')] })
    expect(await first).toBe(await second)
    expect(await get(endpoint)).toBe(await first)
  })

  it('ends with the first of its lists', async () => {
    const endpoint = aggregate(add('files', ['read']))
    const before = await get(endpoint)
    await clock.advance(300_000)
    expect(await get(endpoint)).not.toBe(before)
  })

  it('of no servers is empty', async () => {
    expect(names(await get(aggregate()))).toEqual([])
  })
})

describe('toShownItem', () => {
  it('shows a tool as the client’s era knows tools, under the endpoint’s name', async () => {
    const tasks = { requests: { tools: { call: {} } } }
    const wire = new FakeChannelWire(
      legacyScript(
        { tools: {}, tasks },
        { 'tools/list': () => ({ tools: [{ ...tool('a'), execution: {}, extra: 1 }] }) },
      ),
    )
    const files = channelUpstream(server('files'), { clock, wire })
    const entry = (await get(aggregate(files))).entries.get('files__a')
    if (!entry) throw new Error('not listed')
    const shown = { name: 'files__a', inputSchema: { type: 'object' }, extra: 1 }
    expect(toShownItem('tools', entry, 'legacy')).toEqual({ ...shown, execution: {} })
    expect(toShownItem('tools', entry, 'modern')).toEqual(shown)
  })

  it('does not show at an aggregate what a tool says of tasks where its server takes none', async () => {
    const offered = { ...tool('a'), execution: { taskSupport: 'optional' } }
    const wire = new FakeChannelWire(legacyScript({ tools: {} }, { 'tools/list': () => ({ tools: [offered] }) }))
    const files = channelUpstream(server('files'), { clock, wire })
    const [shared, alone] = [await get(aggregate(files)), await get(single(files))]
    const shownIn = (view: ListView) => [...view.entries.values()].map((entry) => toShownItem('tools', entry, 'legacy'))
    expect(shownIn(shared)).toEqual([tool('files__a')])
    expect(shownIn(alone)).toEqual([offered])
  })
})
