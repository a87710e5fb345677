import { beforeEach, describe, expect, it } from 'vitest'
import { createMemorySessionStore } from '#adapters/memory/session-store.ts'
import { sessionId, storedSession } from '#test/contracts/session-store.ts'
import { SessionIndex } from './session-index.ts'
import type { StoredSession } from './session-store.ts'

let index: SessionIndex
let store: ReturnType<typeof createMemorySessionStore>
let told: StoredSession[]
let now: number

beforeEach(() => {
  index = new SessionIndex()
  store = createMemorySessionStore()
  told = []
  now = 1_000
  index.subscribe((session) => void told.push(session))
})

const catchUp = (): Promise<void> => index.catchUp(store, () => now)

describe('an index of sessions', () => {
  it('knows what the store has once it has caught up, and when that was', async () => {
    await store.create(storedSession(1), [])
    expect(index.get(sessionId(1))).toBeUndefined()
    expect(index.confirmedAt).toBe(-Infinity)
    await catchUp()
    expect(index.get(sessionId(1))).toEqual(storedSession(1))
    expect(index.confirmedAt).toBe(1_000)
    await store.update(storedSession(1, { status: 'dead' }), [])
    now = 2_000
    await catchUp()
    expect(index.get(sessionId(1))).toMatchObject({ status: 'dead', version: 2 })
    expect(index.confirmedAt).toBe(2_000)
  })

  it('is not confirmed by a store that does not answer', async () => {
    const away = { changesSince: () => Promise.reject(new Error('away')) }
    await expect(index.catchUp(away, () => now)).rejects.toThrow('away')
    expect(index.confirmedAt).toBe(-Infinity)
    await catchUp()
    expect(index.confirmedAt).toBe(1_000)
  })

  it('is confirmed for the moment at which it asked, not for that of the answer', async () => {
    const slow = {
      changesSince: async () => {
        now = 9_000
        return { changed: [], upTo: 0 }
      },
    }
    await index.catchUp(slow, () => now)
    expect(index.confirmedAt).toBe(1_000)
  })

  it('sees what came at whatever moment of a look, its end included', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const first = catchUp()
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      void store.create(storedSession(turns), [])
      await Promise.all([first, catchUp()])
      expect(index.get(sessionId(turns))).toBeDefined()
    }
  })

  it('does not go back to an older version', () => {
    index.put(storedSession(1, { status: 'dead', version: 3 }))
    index.put(storedSession(1, { status: 'ready', version: 2 }))
    index.put(storedSession(1, { status: 'ready', version: 3 }))
    expect(index.get(sessionId(1))).toMatchObject({ status: 'dead' })
    expect(told).toHaveLength(1)
  })

  it('tells of changes until it is told no longer to', () => {
    const heard: string[] = []
    const end = index.subscribe(({ id }) => void heard.push(id))
    index.put(storedSession(1))
    end()
    index.put(storedSession(2))
    expect(heard).toEqual([sessionId(1)])
    expect(told).toHaveLength(2)
  })

  it('counts those that start or run, and forgets those that ended long ago', () => {
    index.put(storedSession(1))
    index.put(storedSession(2, { status: 'ready' }))
    index.put(storedSession(3, { status: 'dead', endedAt: 10 }))
    index.put(storedSession(4, { status: 'failed', endedAt: 11 }))
    expect(index.openCount()).toBe(2)
    index.forgetEnded(11)
    expect([3, 4, 1].map((number) => index.get(sessionId(number))?.status)).toEqual([undefined, 'failed', 'creating'])
  })
})
