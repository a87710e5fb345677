import { describe, expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import { type ManagedKind, managedKinds } from '#contract/resource.ts'
import { bound, controlWorld, having } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { getResource } from './get-resource.ts'
import { type ListQuery, listResources } from './list-resources.ts'
import { setPassword } from './passwords.ts'

const reader = resource('policy', 'reader')
const acme = resource('organization', 'acme')
const admin = resource('user', 'admin', { role: 'admin' })
const viewer = resource('user', 'vera', { role: 'viewer' })
const mia = resource('user', 'mia', { organization: acme.id })
const noah = resource('user', 'noah')
const platform = resource('team', 'platform', { members: [{ user: mia.id }], policies: [reader.id] })
const web = resource('team', 'web', { members: [{ user: mia.id, role: 'admin' }] })
const other = resource('team', 'other', { members: [{ user: noah.id }] })
const github = resource('server', 'github', {
  transport: {
    kind: 'streamable_http',
    url: 'https://example.com/mcp?key=CANARY',
    credential: { kind: 'bearer', token: 'CANARY' },
  },
})
const token = (name: string, kind: 'user' | 'team', ref: string) =>
  resource('token', name, { owner: { kind, ref }, digest: `CANARY ${name}` })
const tokens = [
  token('mine', 'user', mia.id),
  token('of-web', 'team', web.id),
  token('of-platform', 'team', platform.id),
  token('of-noah', 'user', noah.id),
]
const rest = [
  resource('toolset', 'search'),
  resource('project', 'site', { servers: [github.id] }),
  resource('agent', 'bot'),
  resource('secret', 'key'),
  bound(noah.id, { role: 'view', resource: 'agents' }),
]
const all = [reader, acme, admin, viewer, mia, noah, platform, web, other, github, ...tokens, ...rest]

const named = (kind: ManagedKind) => all.filter((one) => one.kind === kind).map(({ name }) => name)

describe('getResource', () => {
  it.each(['admin', 'vera'])('shows everything to %s, and no secret', async (name) => {
    const world = await controlWorld(all)
    for (const { kind, id, name: itsName } of all) {
      const [byId, byName] = await Promise.all(
        [id, itsName].map((ref) => getResource(world.deps, world.as('user', name), { kind, ref })),
      )
      expect(byId).toEqual(byName)
      expect(byId).toMatchObject({ kind, id, name: itsName })
      expect(JSON.stringify(byId)).not.toContain('CANARY')
    }
  })

  it('shows a member itself, its organization, its teams, the policies it holds and its tokens, and else nothing', async () => {
    const world = await controlWorld(all)
    const seen: string[] = []
    const refused = new Set<unknown>()
    for (const { kind, id, name } of all) {
      await getResource(world.deps, world.as('user', 'mia'), { kind, ref: id }).then(
        () => seen.push(name),
        (error: unknown) => refused.add((error as GatewayError).code),
      )
    }
    expect([...refused]).toEqual(['no_such_resource'])
    expect(seen).toEqual(['reader', 'acme', 'mia', 'platform', 'web', 'mine', 'of-web'])
  })

  it('answers for what there is not as for what may not be seen', async () => {
    const world = await controlWorld(all)
    const get = (ref: string) => failureOf(getResource(world.deps, world.as('user', 'mia'), { kind: 'team', ref }))
    const [hidden, missing] = [await get('other'), await get('nothing')]
    expect([hidden.code, hidden.message, hidden.details]).toEqual([missing.code, missing.message, missing.details])
  })

  it.each(['', '*', '%', "' or 1=1 --", '{{7*7}}', '../admin', 'ａdmin', 'x'.repeat(10_000), '\0', '__proto__'])(
    'finds nothing by the name %j',
    async (ref) => {
      const world = await controlWorld(all)
      for (const kind of managedKinds) {
        const failure = await failureOf(getResource(world.deps, world.as('user', 'admin'), { kind, ref }))
        expect(failure.code).toBe('no_such_resource')
      }
    },
  )

  it('does not let a token see what only its owner, as a person, may', async () => {
    const world = await controlWorld(all)
    for (const { kind, id } of all) {
      const failure = await failureOf(getResource(world.deps, world.as('token', 'mine'), { kind, ref: id }))
      expect(failure.code).toBe('no_such_resource')
    }
  })

  it('tells of a token whether it is good, and when it was used last', async () => {
    const world = await controlWorld([
      ...all,
      having(token('old', 'user', mia.id), { expiresAt: 5, digest: 'd1' }),
      having(token('gone', 'user', mia.id), { revokedAt: 7, digest: 'd2' }),
    ])
    await world.store.touchTokens(new Map([['tok_mine', 1_234]]))
    const get = (ref: string) => getResource(world.deps, world.as('user', 'mia'), { kind: 'token', ref })
    expect(await get('mine')).toMatchObject({
      status: 'active',
      lastUsedAt: 1_234,
      owner: { kind: 'user', ref: 'mia' },
    })
    expect(await get('old')).toMatchObject({ status: 'expired', lastUsedAt: null })
    expect(await get('gone')).toMatchObject({ status: 'revoked', revokedAt: 7 })
  })

  it('tells of a user only that it has a password', async () => {
    const world = await controlWorld([...all, resource('user', 'pat')])
    const { deps } = world
    await setPassword(deps, world.as('user', 'admin'), { ref: 'pat', body: { password: 'CANARY CANARY' } })
    const view = await getResource(deps, world.as('user', 'admin'), { kind: 'user', ref: 'pat' })
    expect(view['hasPassword']).toBe(true)
    expect(JSON.stringify([view, world.events])).not.toContain('CANARY')
    expect(Object.keys(view)).not.toContain('passwordSetAt')
  })

  it('shows what the configuration declares as read-only, instead of what is stored under its name', async () => {
    const declared = { ...resource('server', 'github'), id: 'cfg_server_github' }
    const world = await controlWorld(all, [declared])
    const get = (ref: string) => getResource(world.deps, world.as('user', 'admin'), { kind: 'server', ref })
    expect(await get('github')).toMatchObject({ id: 'cfg_server_github', isReadOnly: true })
    expect(await get(github.id)).toMatchObject({ id: github.id, isReadOnly: false })
  })
})

describe('listResources', () => {
  const list = async (name: string, query: Partial<ListQuery> & { kind: ManagedKind }) => {
    const world = await controlWorld(all)
    const page = await listResources(world.deps, world.as('user', name), { limit: 100, ...query })
    return page.items.map((item) => item.name)
  }

  it.each(managedKinds)('tells exactly what can be got, of kind %s', async (kind) => {
    const world = await controlWorld(all)
    for (const name of ['admin', 'vera', 'mia', 'noah']) {
      const caller = world.as('user', name)
      const gettable: string[] = []
      for (const ref of named(kind)) {
        const view = await getResource(world.deps, caller, { kind, ref }).catch(() => null)
        if (view) gettable.push(view.name)
      }
      const { items, next } = await listResources(world.deps, caller, { kind, limit: 100 })
      expect(items.map((item) => item.name)).toEqual(gettable.toSorted())
      expect(next).toBeNull()
    }
  })

  it('tells what a binding names', async () => {
    const world = await controlWorld([...all, bound(mia.id, { role: 'edit', resource: 'teams', name: other.id })])
    const { items } = await listResources(world.deps, world.as('user', 'mia'), { kind: 'team', limit: 100 })
    expect(items.map(({ name }) => name)).toEqual(['other', 'platform', 'web'])
  })

  it('gives pages that follow each other, declared and stored in one order', async () => {
    const declared = ['b', 'd', 'user3'].map((name) => ({ ...resource('user', name), id: `cfg_user_${name}` }))
    const many = Array.from({ length: 9 }, (_, index) => resource('user', `user${index}`))
    const world = await controlWorld([admin, ...many], declared)
    const names: string[] = []
    const sizes: number[] = []
    for (let after: string | null = ''; after !== null;) {
      const page = await listResources(world.deps, world.as('user', 'admin'), { kind: 'user', limit: 4, after })
      names.push(...page.items.map(({ name }) => name))
      sizes.push(page.items.length)
      after = page.next
    }
    expect(names).toEqual(['admin', 'b', 'd', ...many.map(({ name }) => name)])
    expect(sizes.at(-1)).toBeGreaterThan(0)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4)
  })

  it('filters by labels', async () => {
    const labelled = { ...resource('project', 'shop'), labels: { stage: 'prod', of: 'shop' } }
    const world = await controlWorld([...all, labelled])
    const list = async (labels: Record<string, string>) => {
      const page = await listResources(world.deps, world.as('user', 'admin'), { kind: 'project', limit: 9, labels })
      return page.items.map(({ name }) => name)
    }
    expect(await list({ stage: 'prod' })).toEqual(['shop'])
    expect(await list({ stage: 'test' })).toEqual([])
    expect(await list({})).toEqual(['shop', 'site'])
  })

  it('filters by what is named, as far as that may be seen', async () => {
    expect(await list('admin', { kind: 'token', of: { kind: 'team', ref: 'web' } })).toEqual(['of-web'])
    expect(await list('admin', { kind: 'team', of: { kind: 'user', ref: mia.id } })).toEqual(['platform', 'web'])
    expect(await list('admin', { kind: 'token', of: { kind: 'team', ref: 'nothing' } })).toEqual([])
    expect(await list('mia', { kind: 'token', of: { kind: 'user', ref: 'mia' } })).toEqual(['mine'])
    expect(await list('mia', { kind: 'token', of: { kind: 'user', ref: 'noah' } })).toEqual([])
    expect(await list('mia', { kind: 'team', of: { kind: 'team', ref: 'other' } })).toEqual([])
  })

  it('tells all tokens of somebody who has more than the store tells referrers', async () => {
    const many = Array.from({ length: 1_100 }, (_, index) =>
      resource('token', `t${String(index).padStart(4, '0')}`, {
        owner: { kind: 'user', ref: mia.id },
        digest: `${index}`,
      }),
    )
    const world = await controlWorld([...all, ...many])
    const caller = world.as('user', 'mia')
    const page = await listResources(world.deps, caller, { kind: 'token', limit: 500, after: 't0599' })
    expect(page).toMatchObject({ next: null })
    expect(page.items).toHaveLength(500)
  }, 20_000)
})
