import { beforeEach, describe, expect, it } from 'vitest'
import { createMemorySessionStore } from '#adapters/memory/session-store.ts'
import { sessionId, storedSession } from '#test/contracts/session-store.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { SessionFeed } from './session-feed.ts'
import { SessionIndex } from './session-index.ts'

let clock: FakeClock
let index: SessionIndex
let isAway: boolean
let lost: unknown[]
let feed: SessionFeed
const store = { current: createMemorySessionStore() }

beforeEach(() => {
  clock = new FakeClock()
  index = new SessionIndex()
  store.current = createMemorySessionStore()
  isAway = false
  lost = []
  const asked = {
    changesSince: async (number: number) => {
      if (isAway) throw new Error('away')
      return store.current.changesSince(number)
    },
  }
  feed = new SessionFeed({ store: asked, index, clock, onLost: (error) => void lost.push(error) })
})

describe('a session feed', () => {
  it('begins with everything, and follows the store within its poll', async () => {
    await store.current.create(storedSession(1), [])
    await feed.start()
    expect(index.get(sessionId(1))).toBeDefined()
    await store.current.create(storedSession(2), [])
    await clock.advance(500)
    expect(index.get(sessionId(2))).toBeDefined()
    feed.close()
    expect(clock.waiting).toBe(0)
  })

  it('looks at once when it is told to', async () => {
    await feed.start()
    await store.current.create(storedSession(1), [])
    await feed.refresh()
    expect(index.get(sessionId(1))).toBeDefined()
    feed.close()
  })

  it('does not start from nothing', async () => {
    isAway = true
    await expect(feed.start()).rejects.toThrow('away')
    expect(clock.waiting).toBe(0)
  })

  it('grows old while the store is away, says so once, and recovers by itself', async () => {
    await feed.start()
    isAway = true
    await clock.advance(10_000)
    expect(feed.ageMs).toBe(10_000)
    expect(lost).toHaveLength(1)
    isAway = false
    await clock.advance(500)
    expect(feed.ageMs).toBeLessThanOrEqual(500)
    isAway = true
    await clock.advance(500)
    expect(lost).toHaveLength(2)
    feed.close()
  })

  it('asks nothing after its end', async () => {
    await feed.start()
    feed.close()
    isAway = true
    await feed.refresh()
    expect(lost).toEqual([])
  })
})
