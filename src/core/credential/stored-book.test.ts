import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { GatewayError } from '#contract/errors.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'
import { storedCredential, storedGrant } from '#test/support/credential-books.ts'
import { failureOf } from '#test/support/failure.ts'
import { create, remove } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { StoredBook } from './stored-book.ts'

const name = 'cfg_server_files.user.usr_ann'
const first = storedCredential({ server: 'cfg_server_files', secret: storedGrant() })

let store: ResourceStore
let snapshot: ResourceSnapshot
let announced: number[]
let book: StoredBook

beforeEach(async () => {
  store = createMemoryResourceStore()
  snapshot = new ResourceSnapshot()
  announced = []
  book = new StoredBook({
    store,
    snapshot,
    clock: { now: () => 5 },
    announce: async (upTo) => {
      announced.push(upTo)
      snapshot.apply({ ...(await store.load()), isWhole: true })
    },
  })
  await store.write([create(resource('user', 'ann')), create({ ...resource('credential', 'x', first), name })])
})

const latest = async () => {
  const entry = await book.latest(name)
  if (!entry) throw new Error('nothing is stored')
  return entry
}

describe('the book over stored resources', () => {
  it('knows what the snapshot knows, and asks the store for what is true', async () => {
    expect(book.find(name)).toBeUndefined()
    expect(book.all()).toEqual([])
    expect(await book.latest(name)).toEqual({ id: 'crd_x', name, version: 1, credential: first })
    expect(await book.latest('cfg_server_files.user.usr_bob')).toBeNull()
    const { version } = book
    snapshot.apply({ ...(await store.load()), isWhole: true })
    expect(book.find(name)).toEqual(await book.latest(name))
    expect(book.all()).toHaveLength(1)
    expect(book.version).toBeGreaterThan(version)
  })

  it('writes over what was seen, tells it, and keeps who made it and when', async () => {
    const before = await store.find('credential', name)
    const next = { ...first, state: 'expiring' as const }
    const written = await book.write(next, await latest())
    expect(written).toEqual({ id: 'crd_x', name, version: 2, credential: next })
    expect(book.find(name)).toEqual(written)
    expect(announced).toHaveLength(1)
    expect(await store.find('credential', name)).toMatchObject({
      createdAt: before?.createdAt,
      createdBy: before?.createdBy,
      updatedAt: 5,
      updatedBy: 'system',
    })
  })

  it('writes nothing over what was not seen, be it changed or gone', async () => {
    const seen = await latest()
    expect(await book.write(first, seen)).not.toBeNull()
    expect(await book.write({ ...first, state: 'expiring' }, seen)).toBeNull()
    expect((await latest()).credential.state).toBe('connected')
    await store.write([remove(resource('user', 'ann'))])
    expect(await book.write(first, { ...seen, version: 2 })).toBeNull()
    expect(announced).toHaveLength(1)
  })

  it('says when the store cannot be asked', async () => {
    const away = new GatewayError('storage_unavailable')
    const nothing = { find: () => Promise.reject(away), write: () => Promise.reject(away) }
    const other = new StoredBook({ store: nothing, snapshot, clock: { now: () => 5 }, announce: async () => undefined })
    expect(await failureOf(other.latest(name))).toBe(away)
    expect(await failureOf(other.write(first, await latest()))).toBe(away)
  })
})
