/** What readers of a ResourceStore learn of its changes. */
import { describe, expect, it } from 'vitest'
import type { ResourceChanges, ResourceStore } from '#core/resources/resource-store.ts'
import { resource } from '#test/support/resources.ts'
import { create, type CreateResourceStore, oneOfEachKind, remove, update } from '#test/support/resource-writes.ts'

const idsOf = ({ changed, deleted }: ResourceChanges) => ({
  changed: changed.map(({ id }) => id).toSorted(),
  deleted: deleted.map(({ id }) => id).toSorted(),
})

export function resourceChangesContract(createStore: CreateResourceStore): void {
  describe('changes', () => {
    const teams = ['a', 'b', 'c'].map((name) => resource('team', name))
    const [a, b, c] = teams as [Team, Team, Team]

    it('have numbers that rise, the last of a write being its result', async () => {
      const store = await createStore()
      expect(await store.write([create(a), create(b)])).toBe(2)
      expect(await store.write([])).toBe(2)
      expect(await store.write([update(a), remove(b)])).toBe(4)
      expect(await store.lastChange()).toBe(4)
    })

    it('are all told at once by a load', async () => {
      const store = await createStore()
      await store.write(oneOfEachKind().map(create))
      const { changed, deleted, upTo } = await store.load()
      expect(changed.toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual(
        oneOfEachKind().toSorted((one, other) => (one.id < other.id ? -1 : 1)),
      )
      expect({ deleted, upTo }).toEqual({ deleted: [], upTo: 12 })
    })

    it('are told since a number: what is there as it is now, what is gone as gone, each once', async () => {
      const store = await createStore()
      await store.write([create(a), create(b)])
      await store.write([create(c), update(a), remove(b)])
      await store.write([update({ ...a, version: 2, name: 'z' })])
      const changes = await store.changesSince(2)
      expect(changes).toMatchObject({ isWhole: false, upTo: 6, deleted: [{ kind: 'team', id: 'team_b' }] })
      expect(idsOf(changes).changed).toEqual(['team_a', 'team_c'])
      expect(changes.changed.find(({ id }) => id === 'team_a')).toEqual({ ...a, version: 3, name: 'z' })
      expect(idsOf(await store.changesSince(5))).toEqual({ changed: ['team_a'], deleted: [] })
      expect(await store.changesSince(6)).toEqual({ changed: [], deleted: [], upTo: 6, isWhole: false })
    })

    it('tell of what came and went as gone, and of what came back as there', async () => {
      const store = await createStore()
      await store.write([create(a), remove(a), create(b), remove(b), create(b)])
      expect(idsOf(await store.changesSince(0))).toEqual({ changed: ['team_b'], deleted: ['team_a'] })
    })

    it('that failed have no number', async () => {
      const store = await createStore()
      await store.write([create(a)])
      await expect(store.write([create(b), create(a)])).rejects.toMatchObject({ code: 'already_exists' })
      expect(await store.write([create(c)])).toBe(2)
      expect(idsOf(await store.changesSince(1))).toEqual({ changed: ['team_c'], deleted: [] })
    })

    it('are forgotten after a while: who asks for older ones gets everything', async () => {
      const store = await createStore({ historyMax: 20 })
      await store.write([create(a)])
      for (let version = 1; version <= 60; version++) await store.write([update({ ...a, version })])
      await store.write([create(b), remove(b), create(c)])
      const whole = await store.changesSince(1)
      expect(whole).toMatchObject({ isWhole: true, deleted: [], upTo: 64 })
      expect(idsOf(whole).changed).toEqual(['team_a', 'team_c'])
      // The youngest `historyMax` are known for certain.
      expect(await store.changesSince(44)).toMatchObject({ isWhole: false, upTo: 64 })
      expect(await store.changesSince(64)).toEqual({ changed: [], deleted: [], upTo: 64, isWhole: false })
    })

    it('of a store that was put back are told as a whole: the number is one that it has not reached', async () => {
      const store = await createStore()
      await store.write([create(a)])
      const whole = await store.changesSince(1_000)
      expect(whole).toMatchObject({ isWhole: true, upTo: 1 })
      expect(idsOf(whole).changed).toEqual(['team_a'])
    })

    it('are all seen by a reader who follows while others write', async () => {
      const store = await createStore()
      await expectFollowerSeesAll({ reader: store, writers: [store, store, store] })
    })
  })
}

type Team = ReturnType<typeof resource<'team'>>

/** A reader follows by numbers while writers create and delete; then it must know exactly what there is. */
export async function expectFollowerSeesAll(stores: {
  reader: ResourceStore
  writers: readonly ResourceStore[]
  writesOfEach?: number
}): Promise<void> {
  const { reader, writers, writesOfEach = 40 } = stores
  const known = new Map<string, number>()
  let upTo = 0
  async function follow(): Promise<void> {
    const changes = await reader.changesSince(upTo)
    expect(changes.isWhole).toBe(false)
    for (const { id, version } of changes.changed) known.set(id, version)
    for (const { id } of changes.deleted) known.delete(id)
    upTo = changes.upTo
  }
  const progress = { isOver: false }
  const writing = Promise.all(
    writers.map(async (writer, index) => {
      for (let count = 0; count < writesOfEach; count++) {
        const team = resource('team', `t-${index}-${count}`)
        await writer.write([create(team)])
        if (count % 3 === 1) await writer.write([update(team)])
        if (count % 3 === 2) await writer.write([remove(team)])
      }
    }),
  ).finally(() => (progress.isOver = true))
  while (!progress.isOver) {
    await follow()
    await new Promise(setImmediate)
  }
  await writing
  await follow()
  const { changed, upTo: last } = await reader.load()
  expect(upTo).toBe(last)
  expect(Object.fromEntries(known)).toEqual(Object.fromEntries(changed.map(({ id, version }) => [id, version])))
  expect(known.size).toBeGreaterThan(writers.length * writesOfEach * 0.5)
}
