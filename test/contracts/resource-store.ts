/** What every ResourceStore does, whatever it stores in. Deletes, and what readers learn, have files of their own. */
import { describe, expect, it } from 'vitest'
import { resourceKinds } from '#contract/resource.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import {
  annsToken,
  create,
  type CreateResourceStore,
  oneOfEachKind,
  remove,
  update,
} from '#test/support/resource-writes.ts'
import { resourceChangesContract } from './resource-changes.ts'
import { resourceDeletesContract } from './resource-deletes.ts'
import { tokenUsesContract } from './token-uses.ts'

/** `create` gives an empty store. */
export function resourceStoreContract(createStore: CreateResourceStore): void {
  describe('a ResourceStore', () => {
    keepingContract(createStore)
    uniquenessContract(createStore)
    listingContract(createStore)
    textContract(createStore)
    overlappingContract(createStore)
    resourceDeletesContract(createStore)
    resourceChangesContract(createStore)
    tokenUsesContract(createStore)
  })
}

function keepingContract(createStore: CreateResourceStore): void {
  it('is empty at first', async () => {
    const store = await createStore()
    expect(await store.get('team', 'team_a')).toBeNull()
    expect(await store.find('team', 'a')).toBeNull()
    expect(await store.list('team', { limit: 10 })).toEqual([])
    expect(await store.referrers('team', 'team_a', 10)).toEqual([])
    expect(await store.lastChange()).toBe(0)
    expect(await store.load()).toEqual({ changed: [], deleted: [], upTo: 0 })
  })

  it('keeps every field of every kind, and finds by id and by name', async () => {
    const store = await createStore()
    const resources = oneOfEachKind().map((one, index) => ({
      ...one,
      labels: { env: 'prod', team: `t${index}` },
      createdAt: 1_732_180_000_000 + index,
      updatedAt: 1_732_190_000_000 + index,
      createdBy: 'usr_maker',
      updatedBy: 'usr_changer',
    }))
    expect(new Set(resources.map(({ kind }) => kind))).toEqual(new Set(resourceKinds))
    await store.write(resources.map(create))
    for (const one of resources) {
      expect(await store.get(one.kind, one.id)).toEqual(one)
      expect(await store.find(one.kind, one.name)).toEqual(one)
    }
  })

  it('knows a resource as one of its kind only', async () => {
    const store = await createStore()
    await store.write([create(resource('team', 'blue'))])
    expect(await store.get('user', 'team_blue')).toBeNull()
    expect(await store.find('user', 'blue')).toBeNull()
    expect(await store.list('user', { limit: 10 })).toEqual([])
  })

  it('begins with version 1, whatever it is given', async () => {
    const store = await createStore()
    await store.write([create({ ...resource('team', 'blue'), version: 17 })])
    expect(await store.get('team', 'team_blue')).toMatchObject({ version: 1 })
  })

  it('updates the version that was seen, and keeps who made it and when', async () => {
    const store = await createStore()
    const first = { ...resource('team', 'blue'), createdAt: 5, createdBy: 'usr_maker' }
    await store.write([create(first)])
    const second = {
      ...first,
      name: 'red',
      spec: { ...first.spec, description: 'now red' },
      updatedAt: 9,
      updatedBy: 'b',
    }
    await store.write([update({ ...second, createdAt: 6, createdBy: 'usr_liar' })])
    expect(await store.get('team', 'team_blue')).toEqual({ ...second, version: 2 })
    expect(await store.find('team', 'blue')).toBeNull()
    expect(await store.find('team', 'red')).toMatchObject({ id: 'team_blue' })
  })

  it.each([
    ['an older version', 1, 2],
    ['a version to come', 3, 2],
  ])('refuses a change of %s, and says which one is stored', async (_what, version, stored) => {
    const store = await createStore()
    const team = resource('team', 'blue')
    await store.write([create(team)])
    await store.write([update(team)])
    for (const change of [update({ ...team, version, name: 'red' }), remove(team, version)]) {
      const failure = await failureOf(store.write([change]))
      expect(failure).toMatchObject({ code: 'version_conflict', details: { version: stored } })
    }
    expect(await store.get('team', 'team_blue')).toMatchObject({ name: 'blue', version: 2 })
  })

  it('refuses a change of what is not there, or is of another kind', async () => {
    const store = await createStore()
    await store.write([create(resource('team', 'blue'))])
    const stranger = { ...resource('user', 'x'), id: 'team_blue' }
    for (const change of [
      update(resource('team', 'x')),
      remove(resource('team', 'x')),
      update(stranger),
      remove(stranger),
    ]) {
      const failure = await failureOf(store.write([change]))
      expect(failure).toMatchObject({ code: 'version_conflict', details: { version: null } })
    }
  })

  it('writes all changes or none', async () => {
    const store = await createStore()
    await store.write([create(resource('team', 'blue')), create(resource('user', 'ann'))])
    const before = await store.load()
    const changes = [
      update({ ...resource('team', 'blue'), name: 'red' }),
      remove(resource('user', 'ann')),
      create(resource('user', 'bob')),
      create(resource('team', 'green', { members: [{ user: 'usr_nobody' }] })),
    ]
    await expect(store.write(changes)).rejects.toMatchObject({ code: 'dangling_reference' })
    expect(await store.load()).toEqual(before)
    expect(await store.find('team', 'blue')).not.toBeNull()
    expect(await store.find('user', 'bob')).toBeNull()
  })

  it('sees in each change what those before it did', async () => {
    const store = await createStore()
    const blue = resource('team', 'blue')
    await store.write([
      create(blue),
      update({ ...blue, name: 'red' }),
      create({ ...resource('team', 'blue'), id: 'team_2' }),
      remove(blue, 2),
      create({ ...resource('team', 'red'), id: 'team_3' }),
    ])
    expect((await store.list('team', { limit: 10 })).map(({ id, name }) => [id, name])).toEqual([
      ['team_2', 'blue'],
      ['team_3', 'red'],
    ])
  })

  it('does not change when what was given or got is changed', async () => {
    const store = await createStore()
    const team = resource('team', 'blue', { members: [] })
    await store.write([create(team)])
    team.spec.policies.push('pol_x')
    team.name = 'changed'
    const got = await store.get('team', 'team_blue')
    got?.spec.policies.push('pol_y')
    for (const one of (await store.load()).changed) one.name = 'changed'
    expect(await store.get('team', 'team_blue')).toEqual(resource('team', 'blue'))
  })
}

function uniquenessContract(createStore: CreateResourceStore): void {
  it('refuses a second resource of an id, and of a name in its kind', async () => {
    const store = await createStore()
    const blue = resource('team', 'blue')
    await store.write([create(blue), create(resource('team', 'red')), create(resource('project', 'blue'))])
    const sameId = { ...resource('team', 'green'), id: 'team_blue' }
    const sameName = { ...resource('team', 'blue'), id: 'team_2' }
    expect(await failureOf(store.write([create(sameId)]))).toMatchObject({
      code: 'already_exists',
      details: { kind: 'team', field: 'id' },
    })
    for (const change of [create(sameName), update({ ...resource('team', 'red'), name: 'blue' })])
      expect(await failureOf(store.write([change]))).toMatchObject({
        code: 'already_exists',
        details: { kind: 'team', field: 'name' },
      })
    expect((await store.list('team', { limit: 10 })).map(({ id }) => id)).toEqual(['team_blue', 'team_red'])
  })

  it('refuses the digest of another token, and does not say it', async () => {
    const store = await createStore()
    await store.write([create(resource('user', 'ann')), create(annsToken('one')), create(annsToken('two'))])
    const thief = annsToken('three', { digest: 'digest of one' })
    for (const change of [create(thief), update(annsToken('two', { digest: 'digest of one' }))]) {
      const failure = await failureOf(store.write([change]))
      expect(failure).toMatchObject({ code: 'already_exists', details: { kind: 'token', field: 'digest' } })
      expect(JSON.stringify(failure.details)).not.toContain('digest of one')
    }
  })

  it('frees name and digest with what had them', async () => {
    const store = await createStore()
    await store.write([create(resource('user', 'ann')), create(annsToken('one'))])
    await store.write([update(annsToken('one', { digest: 'another' }))])
    await store.write([create(annsToken('two', { digest: 'digest of one' }))])
    await store.write([remove(annsToken('two'))])
    const again = { ...annsToken('two', { digest: 'digest of one' }), id: 'tok_3' }
    await store.write([create(again)])
    expect(await store.find('token', 'two')).toEqual(again)
  })

  it('tells names apart that look alike', async () => {
    const store = await createStore()
    const names = ['admin', 'Admin', 'аdmin', 'admin ', 'ａdmin', 'ad\u00admin', 'é', 'e\u0301']
    await store.write(names.map((name, index) => create({ ...resource('team', 'x'), id: `team_${index}`, name })))
    for (const [index, name] of names.entries())
      expect(await store.find('team', name)).toMatchObject({ id: `team_${index}` })
    expect(await store.find('team', 'ADMIN')).toBeNull()
  })
}

function listingContract(createStore: CreateResourceStore): void {
  const namesOf = (resources: readonly Resource[]) => resources.map(({ name }) => name)

  it('lists in the order of names, a page after the other', async () => {
    const store = await createStore()
    const names = ['b', 'a-b', 'a.b', 'a_b', 'ab', 'a', 'a1', 'a@b', 'a+b']
    await store.write(names.map((name) => create(resource('team', name))))
    const ordered = names.toSorted()
    expect(namesOf(await store.list('team', { limit: 1_000 }))).toEqual(ordered)
    expect(namesOf(await store.list('team', { limit: 3 }))).toEqual(ordered.slice(0, 3))
    expect(namesOf(await store.list('team', { limit: 3, after: ordered[2] ?? '' }))).toEqual(ordered.slice(3, 6))
    expect(namesOf(await store.list('team', { limit: 3, after: 'a0' }))).toEqual(['a1', 'a@b', 'a_b'])
    expect(namesOf(await store.list('team', { limit: 3, after: 'b' }))).toEqual([])
  })

  it('lists no names but those that may be told', async () => {
    const store = await createStore()
    await store.write(['a', 'b', 'c', 'd'].map((name) => create(resource('team', name))))
    const names = new Set(['d', 'nobody', 'b', ...Array.from({ length: 2_500 }, (_, index) => `c${index}`), 'c'])
    expect(namesOf(await store.list('team', { limit: 10, names }))).toEqual(['b', 'c', 'd'])
    expect(namesOf(await store.list('team', { limit: 2, names }))).toEqual(['b', 'c'])
    expect(namesOf(await store.list('team', { limit: 2, names, after: 'b' }))).toEqual(['c', 'd'])
    expect(await store.list('team', { limit: 10, names: new Set() })).toEqual([])
  })

  it('lists what has all of the labels', async () => {
    const store = await createStore()
    const labelled = (name: string, labels: Record<string, string>) => ({ ...resource('team', name), labels })
    await store.write([
      create(labelled('a', { env: 'prod', tier: '1' })),
      create(labelled('b', { env: 'prod', tier: '' })),
      create(labelled('c', { env: 'test', tier: '1' })),
      create(labelled('d', {})),
    ])
    const list = async (labels: Record<string, string>, more = {}) =>
      namesOf(await store.list('team', { limit: 10, labels, ...more }))
    expect(await list({ env: 'prod' })).toEqual(['a', 'b'])
    expect(await list({ env: 'prod', tier: '1' })).toEqual(['a'])
    expect(await list({ tier: '' })).toEqual(['b'])
    expect(await list({ tier: '1' }, { names: new Set(['b', 'c', 'd']) })).toEqual(['c'])
    expect(await list({ env: 'prod' }, { after: 'a' })).toEqual(['b'])
    expect(await list({})).toEqual(['a', 'b', 'c', 'd'])
    await store.write([update(labelled('a', { tier: '1' }))])
    expect(await list({ env: 'prod' })).toEqual(['b'])
  })

  it.each([0, -1, 1.5, Number.NaN, 1_001])('refuses the limit %s', async (limit) => {
    const store = await createStore()
    await expect(store.list('team', { limit })).rejects.toMatchObject({ code: 'invalid_params' })
    await expect(store.referrers('team', 'team_a', limit)).rejects.toMatchObject({ code: 'invalid_params' })
  })

  it('says who names a resource, once each, as it is now', async () => {
    const store = await createStore()
    await store.write(oneOfEachKind().map(create))
    const referrers = async (kind: Resource['kind'], id: string, limit = 100) =>
      (await store.referrers(kind, id, limit)).map((one) => `${one.kind} ${one.id} ${one.name}`)
    expect(await referrers('policy', 'pol_readers')).toEqual([
      'organization org_acme acme',
      'team team_blue blue',
      'token tok_ci ci',
      'user usr_ann ann',
    ])
    expect(await referrers('policy', 'pol_readers', 2)).toEqual(['organization org_acme acme', 'team team_blue blue'])
    expect(await referrers('token', 'tok_ci')).toEqual(['role_binding rb_viewers viewers'])
    expect(await referrers('team', 'pol_readers')).toEqual([])
    await store.write([
      update(annsToken('ci', { servers: ['srv_github'], tools: [{ server: 'srv_github', tool: 'a' }] })),
    ])
    expect(await referrers('policy', 'pol_readers')).not.toContain('token tok_ci ci')
    expect((await referrers('server', 'srv_github')).filter((line) => line.startsWith('token'))).toHaveLength(1)
  })
}

const hostile = `'"; drop table resource; -- \${1+1} {{7*7}} %s $1 ? \\ \0 é😀 \u202e \ud800 ${'x'.repeat(10_000)}`

function textContract(createStore: CreateResourceStore): void {
  it('keeps text as it is, quotes, templates, NUL, half characters and emoji included', async () => {
    const store = await createStore()
    const team = { ...resource('team', 'blue', { description: hostile.slice(0, 2_000) }), labels: { a: `'"\\%_` } }
    await store.write([create(team)])
    expect(await store.get('team', 'team_blue')).toEqual(team)
    expect((await store.load()).changed).toEqual([team])
    expect(await store.list('team', { limit: 1, labels: { a: `'"\\%_` } })).toEqual([team])
    expect(await store.list('team', { limit: 1, labels: { a: '%' } })).toEqual([])
  })

  it('finds nothing by texts that nothing has, and runs none of them', async () => {
    const store = await createStore()
    const team = resource('team', 'blue')
    await store.write([create(team)])
    for (const text of [hostile, '\0', 'blue\0', `' or '1'='1`, '%', '_lue', '']) {
      expect(await store.get('team', text)).toBeNull()
      expect(await store.find('team', text)).toBeNull()
      expect(await store.list('team', { limit: 9, names: new Set([text]) })).toEqual([])
      expect(await store.list('team', { limit: 9, labels: { [text]: text } })).toEqual([])
      expect(await store.referrers('team', text, 9)).toEqual([])
    }
    expect(await store.list('team', { limit: 9, after: `b' or '1'='1` })).toEqual([team])
    expect((await store.load()).changed).toEqual([team])
  })
}

function overlappingContract(createStore: CreateResourceStore): void {
  it('takes writes that overlap, and gives each change a number of its own', async () => {
    const store = await createStore()
    const teams = Array.from({ length: 30 }, (_, index) => resource('team', `t${index}`))
    const numbers = await Promise.all(teams.map((team) => store.write([create(team)])))
    expect(numbers.toSorted((one, other) => one - other)).toEqual(teams.map((_, index) => index + 1))
    expect(await store.list('team', { limit: 100 })).toHaveLength(30)
    expect(await store.lastChange()).toBe(30)
  })

  it('lets one of those win who change the same version', async () => {
    const store = await createStore()
    const team = resource('team', 'blue')
    await store.write([create(team)])
    const attempts = Array.from({ length: 10 }, (_, index) =>
      store.write([update({ ...team, updatedBy: `usr_${index}` })]),
    )
    const outcomes = await Promise.allSettled(attempts)
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    expect(refused).toHaveLength(9)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'version_conflict' })
    expect(await store.get('team', 'team_blue')).toMatchObject({ version: 2 })
  })

  it('leaves no reference to what is deleted at the same time', async () => {
    const store = await createStore()
    for (let round = 0; round < 10; round++) {
      const policy = resource('policy', `p${round}`)
      const team = resource('team', `t${round}`, { policies: [policy.id] })
      await store.write([create(policy)])
      const outcomes = await Promise.allSettled([store.write([create(team)]), store.write([remove(policy)])])
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect((await store.get('team', team.id)) === null).toBe((await store.get('policy', policy.id)) === null)
    }
  })
}
