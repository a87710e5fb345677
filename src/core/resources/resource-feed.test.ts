import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { resource } from '#test/support/resources.ts'
import { ResourceFeed } from './resource-feed.ts'
import type { Resource, ResourceChanges } from './resource-store.ts'
import { ResourceSnapshot } from './snapshot.ts'

/** A store whose changes are told one by one. */
class FakeStore {
  readonly log: Resource[] = []
  isAway = false
  asked = 0

  #answer(from: number): ResourceChanges & { isWhole: boolean } {
    if (this.isAway) throw new Error('away')
    return { changed: this.log.slice(from), deleted: [], upTo: this.log.length, isWhole: from === 0 }
  }

  async load(): Promise<ResourceChanges> {
    return this.#answer(0)
  }

  async changesSince(number: number): Promise<ResourceChanges & { isWhole: boolean }> {
    return this.#answer(number)
  }

  async lastChange(): Promise<number> {
    this.asked++
    return this.#answer(0).upTo
  }
}

let clock: FakeClock
let store: FakeStore
let snapshot: ResourceSnapshot
let changes: number
let reaches: unknown[]
let feed: ResourceFeed

beforeEach(() => {
  clock = new FakeClock()
  store = new FakeStore()
  snapshot = new ResourceSnapshot()
  changes = 0
  reaches = []
  feed = new ResourceFeed({
    store,
    snapshot,
    clock,
    onChange: () => void changes++,
    onReach: (error) => void reaches.push(error),
  })
})

describe('a resource feed', () => {
  it('begins with everything, and follows the store within its poll', async () => {
    store.log.push(resource('team', 'a'))
    await feed.start()
    expect(snapshot.find('team', 'a')).toBeDefined()
    store.log.push(resource('team', 'b'))
    await clock.advance(499)
    expect(snapshot.find('team', 'b')).toBeUndefined()
    await clock.advance(1)
    expect(snapshot.find('team', 'b')).toBeDefined()
    expect(changes).toBe(2)
    await feed.close()
    expect(clock.waiting).toBe(0)
  })

  it('tells of no change where there is none', async () => {
    await feed.start()
    await clock.advance(5_000)
    expect(changes).toBe(1)
    expect(store.asked).toBe(10)
    await feed.close()
  })

  it('has a change once it was waited for', async () => {
    await feed.start()
    store.log.push(resource('team', 'a'))
    await feed.reach(1)
    expect(snapshot.find('team', 'a')).toBeDefined()
    await feed.close()
  })

  it('sees what came while a look was under way', async () => {
    await feed.start()
    const first = feed.refresh()
    store.log.push(resource('team', 'a'))
    await Promise.all([first, feed.refresh()])
    expect(snapshot.find('team', 'a')).toBeDefined()
    await feed.close()
  })

  it('sees what came at whatever moment of a look, its end included', async () => {
    await feed.start()
    for (let turns = 0; turns < 12; turns++) {
      const first = feed.refresh()
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      store.log.push(resource('team', `t${turns}`))
      await Promise.all([first, feed.refresh()])
      expect(snapshot.find('team', `t${turns}`)).toBeDefined()
    }
    await feed.close()
  })

  it('does not start from nothing', async () => {
    store.isAway = true
    await expect(feed.start()).rejects.toThrow('away')
    expect(clock.waiting).toBe(0)
  })

  it('grows old while the store is away, says so once, and recovers by itself', async () => {
    store.log.push(resource('team', 'a'))
    await feed.start()
    store.isAway = true
    await clock.advance(10_000)
    expect(feed.ageMs).toBeGreaterThanOrEqual(9_500)
    expect(snapshot.find('team', 'a')).toBeDefined()
    expect(reaches).toEqual([expect.objectContaining({ message: 'away' })])
    await feed.reach(2)
    store.log.push(resource('team', 'b'))
    store.isAway = false
    await clock.advance(500)
    expect(feed.ageMs).toBeLessThanOrEqual(500)
    expect(snapshot.find('team', 'b')).toBeDefined()
    expect(reaches).toHaveLength(2)
    expect(reaches[1]).toBeNull()
    await feed.close()
  })

  it('is stale once the store has been away for too long, and fresh as soon as it is back', async () => {
    await feed.start()
    store.isAway = true
    await clock.advance(59_000)
    expect(feed.isStale).toBe(false)
    const before = changes
    await clock.advance(2_000)
    expect(feed.isStale).toBe(true)
    expect(changes).toBe(before + 1)
    store.isAway = false
    await clock.advance(500)
    expect(feed.isStale).toBe(false)
    expect(changes).toBe(before + 2)
    await feed.close()
  })
})
