/** What a ResourceStore does about references, when they are written and when what they name is deleted. */
import { describe, expect, it } from 'vitest'
import { referenceRules } from '#core/resources/references.ts'
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

export function resourceDeletesContract(createStore: CreateResourceStore): void {
  describe('references', () => {
    const filled = async (resources: readonly Resource[] = oneOfEachKind()) => {
      const store = await createStore()
      await store.write(resources.map(create))
      return store
    }
    const tokenWithout = (...gone: readonly string[]) =>
      Object.fromEntries(
        Object.entries({ servers: ['srv_github'], policies: ['pol_readers'] }).filter(([key]) => !gone.includes(key)),
      )

    it.each([
      ['nothing', 'pol_nobody'],
      ['a resource of another kind', 'srv_github'],
    ])('refuses one to %s, and says where', async (_what, id) => {
      const store = await filled()
      const details = { kind: 'policy', id, path: 'policies' }
      for (const change of [
        create(resource('team', 'red', { policies: ['pol_readers', id] })),
        update(resource('team', 'blue', { policies: [id] })),
      ])
        expect(await failureOf(store.write([change]))).toMatchObject({ code: 'dangling_reference', details })
      expect(await store.find('team', 'red')).toBeNull()
    })

    it('accepts one to what the configuration declares, which is not stored', async () => {
      const store = await filled()
      const team = resource('team', 'red', { policies: ['cfg_policy_admin'], members: [{ user: 'cfg_user_root' }] })
      await store.write([create(team)])
      expect(await store.referrers('policy', 'cfg_policy_admin', 9)).toEqual([
        { kind: 'team', id: 'team_red', name: 'red' },
      ])
    })

    it.each(referenceRules.filter(({ onDelete }) => onDelete === 'refuse'))(
      'refuses to delete a $to that a $from names at $path',
      async ({ from, path, to }) => {
        const all = oneOfEachKind().map((one) =>
          // These two reach their ends through another one first: the shorter way is to name them here.
          one.kind === 'token' ? annsToken('ci', { toolsets: ['tls_issues'], policies: ['pol_readers'] }) : one,
        )
        const agent = resource('agent', 'other', { organization: 'org_acme', policies: ['pol_readers'] })
        const store = await filled([...all, agent])
        const before = await store.load()
        const target = all.find(({ kind }) => kind === to)
        if (!target) throw new Error(`no ${to}`)
        const { code, details } = await failureOf(store.write([remove(target)]))
        expect(code).toBe('still_referenced')
        expect(details['referrers']).toContainEqual(expect.objectContaining({ kind: from, path }))
        expect(details['count']).toBe((details['referrers'] as unknown[]).length)
        expect(await store.load()).toEqual(before)
      },
    )

    it('says how many refuse, and tells ten of them', async () => {
      const teams = Array.from({ length: 14 }, (_, index) => resource('team', `t${index}`, { policies: ['pol_p'] }))
      const store = await filled([resource('policy', 'p'), ...teams])
      const { details } = await failureOf(store.write([remove(resource('policy', 'p'))]))
      expect(details).toMatchObject({ count: 14 })
      expect(details['referrers']).toHaveLength(10)
    })

    it('takes a deleted server out of every list, in a change for each, and what was given for it goes with it', async () => {
      const store = await filled()
      await store.write([update(annsToken('ci', { ...tokenWithout(), tools: [{ server: 'srv_github', tool: 'a' }] }))])
      const last = await store.lastChange()
      const upTo = await store.write([remove(resource('server', 'github'))])
      expect(upTo).toBe(last + 6)
      const edited = { version: 2, updatedAt: 77, updatedBy: 'usr_deleter', createdBy: 'system' }
      expect(await store.get('toolset', 'tls_issues')).toMatchObject({ ...edited, spec: { tools: [] } })
      expect(await store.get('project', 'prj_site')).toMatchObject({
        ...edited,
        spec: { servers: [], toolsets: ['tls_issues'] },
      })
      expect(await store.get('agent', 'agt_fixer')).toMatchObject({ ...edited, spec: { servers: [] } })
      // No list at all would mean every server.
      expect(await store.get('token', 'tok_ci')).toMatchObject({ version: 3, spec: { servers: [], tools: [] } })
      expect(await store.referrers('server', 'srv_github', 9)).toEqual([])
      const changes = await store.changesSince(last)
      expect(changes.deleted.map(({ id }) => id).toSorted()).toEqual(['crd_srv_github.user.usr_ann', 'srv_github'])
      expect(changes.changed.map(({ id }) => id).toSorted()).toEqual(['agt_fixer', 'prj_site', 'tls_issues', 'tok_ci'])
    })

    it('deletes with a user its tokens and credentials, and takes both out of teams and role bindings', async () => {
      const store = await filled([...oneOfEachKind(), annsToken('two'), annsToken('three')])
      const last = await store.lastChange()
      await store.write([remove(resource('user', 'ann'))])
      expect(await store.list('token', { limit: 9 })).toEqual([])
      expect(await store.get('team', 'team_blue')).toMatchObject({ version: 2, spec: { members: [] } })
      expect(await store.get('role_binding', 'rb_viewers')).toMatchObject({
        version: 2,
        spec: { subjects: [{ kind: 'team', ref: 'team_blue' }] },
      })
      const { changed, deleted, upTo } = await store.changesSince(last)
      expect(upTo - last).toBe(7)
      expect(changed.map(({ id }) => id).toSorted()).toEqual(['rb_viewers', 'team_blue'])
      expect(deleted.map(({ id }) => id).toSorted()).toEqual([
        'crd_srv_github.user.usr_ann',
        'tok_ci',
        'tok_three',
        'tok_two',
        'usr_ann',
      ])
    })

    it('deletes with a team and with a project the tokens and credentials that are theirs', async () => {
      const owner = { kind: 'team', ref: 'team_blue' }
      const store = await filled([
        ...oneOfEachKind(),
        resource('credential', 'of-the-team', { server: 'srv_github', owner }),
        annsToken('of-the-team', { owner: { kind: 'team', ref: 'team_blue' } }),
        annsToken('free'),
      ])
      await store.write([remove(resource('project', 'site')), remove(resource('team', 'blue'))])
      expect((await store.list('token', { limit: 9 })).map(({ name }) => name)).toEqual(['free'])
      expect(await store.find('credential', 'of-the-team')).toBeNull()
      expect(await store.get('role_binding', 'rb_viewers')).toMatchObject({
        version: 3,
        spec: { subjects: [{ kind: 'user', ref: 'usr_ann' }] },
      })
    })

    it('refuses nothing for the sake of what goes with it', async () => {
      const store = await filled([
        resource('user', 'ann'),
        resource('policy', 'p'),
        annsToken('a', { policies: ['pol_p'] }),
      ])
      await store.write([remove(resource('user', 'ann')), remove(resource('policy', 'p'))])
      expect((await store.load()).changed).toEqual([])
    })

    it('deletes a thousand with one', async () => {
      const tokens = Array.from({ length: 1_200 }, (_, index) => annsToken(`t${index}`))
      const store = await filled([resource('user', 'ann'), resource('user', 'bob'), ...tokens])
      const last = await store.lastChange()
      expect(await store.write([remove(resource('user', 'ann'))])).toBe(last + 1_201)
      expect((await store.load()).changed.map(({ id }) => id)).toEqual(['usr_bob'])
    })

    it('keeps track of long lists as they change', async () => {
      const users = Array.from({ length: 700 }, (_, index) => resource('user', `u${index}`))
      const team = (members: readonly Resource[]) =>
        resource('team', 'big', { members: members.map(({ id }) => ({ user: id })) })
      const store = await filled([...users, team(users.slice(0, 600))])
      await store.write([update(team(users.slice(300)))])
      const isNamed = async (index: number) => (await store.referrers('user', `usr_u${index}`, 1)).length === 1
      expect(await Promise.all([0, 299, 300, 599, 600, 699].map(isNamed))).toEqual([
        false,
        false,
        true,
        true,
        true,
        true,
      ])
    })
  })
}
