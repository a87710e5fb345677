/** What every SessionStore does, whatever it stores in. */
import { describe, expect, it } from 'vitest'
import type { SessionEvent } from '#contract/session.ts'
import type { SessionStore, StoredSession } from '#core/session/session-store.ts'

const begin = 1_795_262_400_000

export const sessionId = (index: number): string => `ses_${String(index).padStart(20, '0')}`

export function storedSession(index: number, changes: Partial<StoredSession> = {}): StoredSession {
  return {
    id: sessionId(index),
    agentId: 'agt_1',
    status: 'creating',
    run: 1,
    title: null,
    details: {},
    failureReason: null,
    version: 1,
    createdAt: begin + index,
    createdBy: 'usr_1',
    updatedAt: begin + index,
    readyAt: null,
    expiresAt: begin + 86_400_000,
    endedAt: null,
    ...changes,
  }
}

const created: SessionEvent = { at: begin, kind: 'created', by: 'usr_1' }
const warning: SessionEvent = { at: begin, kind: 'warning', warning: 'unknown_server', subject: 'srv_x', by: 'system' }
const ready: SessionEvent = { at: begin + 5, kind: 'ready', by: 'system' }

const ids = (sessions: readonly StoredSession[]): string[] => sessions.map(({ id }) => id)

/** `create` gives an empty store. */
export function sessionStoreContract(create: () => Promise<SessionStore>): void {
  describe('a SessionStore', () => {
    it('is empty at first', async () => {
      const store = await create()
      expect(await store.get(sessionId(1))).toBeNull()
      expect(await store.list({ limit: 10 })).toEqual([])
      expect(await store.changesSince(0)).toEqual({ changed: [], upTo: 0 })
    })

    it('gives back every field, and the events in their order', async () => {
      const store = await create()
      const session = storedSession(1, {
        status: 'failed',
        run: 3,
        title: `o'brien "x" é 😀`,
        details: { 'harness/id': 'h-1', empty: '' },
        failureReason: 'no room',
        readyAt: begin + 2,
        endedAt: begin + 3,
      })
      await store.create(session, [created, warning])
      expect(await store.get(session.id)).toEqual(session)
      expect(await store.events(session.id, 10)).toEqual([created, warning])
    })

    it('refuses an id that it has, and writes nothing then', async () => {
      const store = await create()
      await store.create(storedSession(1), [created])
      const again = store.create(storedSession(1, { title: 'other' }), [warning])
      await expect(again).rejects.toMatchObject({ code: 'already_exists' })
      expect(await store.get(sessionId(1))).toEqual(storedSession(1))
      expect(await store.events(sessionId(1), 10)).toEqual([created])
    })

    it('stores a change as one version more', async () => {
      const store = await create()
      await store.create(storedSession(1), [created])
      await store.update(storedSession(1, { status: 'ready', readyAt: begin + 5 }), [ready])
      expect(await store.get(sessionId(1))).toEqual(
        storedSession(1, { status: 'ready', readyAt: begin + 5, version: 2 }),
      )
      expect(await store.events(sessionId(1), 10)).toEqual([created, ready])
    })

    it('refuses the change of a version that is not stored, and writes nothing then', async () => {
      const store = await create()
      await store.create(storedSession(1), [created])
      await store.update(storedSession(1, { status: 'ready' }), [])
      const late = store.update(storedSession(1, { status: 'dead' }), [ready])
      await expect(late).rejects.toMatchObject({ code: 'version_conflict' })
      await expect(store.update(storedSession(2), [])).rejects.toMatchObject({ code: 'version_conflict' })
      expect(await store.get(sessionId(1))).toMatchObject({ status: 'ready', version: 2 })
      expect(await store.events(sessionId(1), 10)).toEqual([created])
      expect(await store.list({ limit: 10 })).toHaveLength(1)
    })

    it('lets one of several changes of one version through', async () => {
      const store = await create()
      await store.create(storedSession(1), [])
      const titles = ['a', 'b', 'c', 'd', 'e']
      const ends = await Promise.allSettled(titles.map((title) => store.update(storedSession(1, { title }), [])))
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await store.get(sessionId(1))).toMatchObject({ version: 2 })
    })

    it('tells the last events where there are more than are asked for', async () => {
      const store = await create()
      const events = Array.from({ length: 5 }, (_, index) => ({ ...created, at: begin + index }))
      await store.create(storedSession(1), events)
      expect(await store.events(sessionId(1), 2)).toEqual(events.slice(3))
      expect(await store.events(sessionId(2), 2)).toEqual([])
    })

    it('lists the newest first, in pages', async () => {
      const store = await create()
      for (const index of [2, 1, 4, 3]) await store.create(storedSession(index), [])
      await store.create(storedSession(5, { createdAt: begin + 4 }), [])
      const first = await store.list({ limit: 2 })
      expect(ids(first)).toEqual([sessionId(5), sessionId(4)])
      const second = await store.list({ limit: 2, after: sessionId(4) })
      expect(ids(second)).toEqual([sessionId(3), sessionId(2)])
      expect(ids(await store.list({ limit: 2, after: sessionId(2) }))).toEqual([sessionId(1)])
      expect(await store.list({ limit: 2, after: sessionId(9) })).toEqual([])
    })

    it('lists those of one agent, and of one status', async () => {
      const store = await create()
      await store.create(storedSession(1, { status: 'ready' }), [])
      await store.create(storedSession(2, { status: 'dead', endedAt: begin }), [])
      await store.create(storedSession(3, { agentId: 'agt_2', status: 'ready' }), [])
      expect(ids(await store.list({ limit: 9, agentId: 'agt_1' }))).toEqual([sessionId(2), sessionId(1)])
      expect(ids(await store.list({ limit: 9, status: 'ready' }))).toEqual([sessionId(3), sessionId(1)])
      expect(ids(await store.list({ limit: 9, agentId: 'agt_1', status: 'ready' }))).toEqual([sessionId(1)])
      expect(ids(await store.list({ limit: 9, agentId: 'agt_1', status: 'ready', after: sessionId(3) }))).toEqual([
        sessionId(1),
      ])
    })

    it('lists nothing but what may be told', async () => {
      const store = await create()
      await store.create(storedSession(1), [])
      await store.create(storedSession(2), [])
      await store.create(storedSession(3, { agentId: 'agt_2' }), [])
      const listed = async (some: readonly string[], agents: readonly string[]) =>
        ids(await store.list({ limit: 9, within: { ids: new Set(some), agentIds: new Set(agents) } }))
      expect(await listed([], [])).toEqual([])
      expect(await listed([sessionId(1)], [])).toEqual([sessionId(1)])
      expect(await listed([], ['agt_2'])).toEqual([sessionId(3)])
      expect(await listed([sessionId(1)], ['agt_2'])).toEqual([sessionId(3), sessionId(1)])
    })

    it('tells what has changed since, each session once, as it is now', async () => {
      const store = await create()
      await store.create(storedSession(1), [])
      await store.create(storedSession(2), [])
      const first = await store.changesSince(0)
      expect(ids(first.changed).toSorted()).toEqual([sessionId(1), sessionId(2)])
      expect(await store.changesSince(first.upTo)).toEqual({ changed: [], upTo: first.upTo })
      await store.update(storedSession(1, { status: 'ready' }), [])
      await store.update(storedSession(1, { status: 'dead', version: 2, endedAt: begin }), [])
      const second = await store.changesSince(first.upTo)
      expect(second.changed).toEqual([storedSession(1, { status: 'dead', version: 3, endedAt: begin })])
      expect(second.upTo).toBeGreaterThan(first.upTo)
      expect(await store.changesSince(second.upTo)).toEqual({ changed: [], upTo: second.upTo })
    })

    it('finds those whose time is over', async () => {
      const store = await create()
      await store.create(storedSession(1, { updatedAt: 100 }), [])
      await store.create(storedSession(2, { updatedAt: 101 }), [])
      await store.create(storedSession(3, { status: 'ready', updatedAt: 1, expiresAt: 1_000 }), [])
      await store.create(storedSession(4, { status: 'ready', updatedAt: 1, expiresAt: 1_001 }), [])
      await store.create(storedSession(5, { status: 'dead', updatedAt: 1, expiresAt: 1, endedAt: 1 }), [])
      await store.create(storedSession(6, { status: 'failed', updatedAt: 1, expiresAt: 1, endedAt: 1 }), [])
      const times = { startedUntil: 100, now: 1_000 }
      expect(ids(await store.overdue(times, 10)).toSorted()).toEqual([sessionId(1), sessionId(3)])
      expect(await store.overdue(times, 1)).toHaveLength(1)
    })

    it('deletes those that ended long ago, and their events with them', async () => {
      const store = await create()
      await store.create(storedSession(1, { status: 'dead', endedAt: 99 }), [created])
      await store.create(storedSession(2, { status: 'failed', endedAt: 98 }), [created])
      await store.create(storedSession(3, { status: 'dead', endedAt: 100 }), [created])
      await store.create(storedSession(4), [created])
      expect(await store.deleteEnded(100, 1)).toBe(1)
      expect(await store.deleteEnded(100, 10)).toBe(1)
      expect(await store.deleteEnded(100, 10)).toBe(0)
      expect(ids(await store.list({ limit: 10 }))).toEqual([sessionId(4), sessionId(3)])
      expect(await store.events(sessionId(1), 10)).toEqual([])
      expect(await store.events(sessionId(3), 10)).toEqual([created])
    })

    it('does not change when something given or told is changed', async () => {
      const store = await create()
      const details: Record<string, string> = { one: '1' }
      await store.create(storedSession(1, { details }), [])
      details['two'] = '2'
      const [told] = await store.list({ limit: 1 })
      Object.assign(told ?? {}, { title: 'changed' })
      expect(await store.get(sessionId(1))).toEqual(storedSession(1, { details: { one: '1' } }))
    })

    it('takes writes that overlap', async () => {
      const store = await create()
      const indexes = Array.from({ length: 20 }, (_, index) => index)
      await Promise.all(indexes.map((index) => store.create(storedSession(index), [created])))
      await Promise.all(indexes.map((index) => store.update(storedSession(index, { status: 'ready' }), [ready])))
      const { changed, upTo } = await store.changesSince(0)
      expect(changed).toHaveLength(20)
      expect(changed.every(({ version, status }) => version === 2 && status === 'ready')).toBe(true)
      expect((await store.changesSince(upTo - 1)).changed).toHaveLength(1)
    })
  })
}
