/** Who may run one agent, and would take what all agents share. */
import { describe, expect, it, vi } from 'vitest'
import { SessionIndex } from '#core/session/session-index.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { resource } from '../support/resources.ts'
import { admin, SessionWorld } from '../support/session-world.ts'

describe('the limit of agents’ sessions', () => {
  it('holds for many that are started at the same moment', async () => {
    const world = new SessionWorld()
    const started = await Promise.allSettled(Array.from({ length: 12 }, () => world.start()))
    const refused = started.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    expect(world.known.openCount()).toBe(3)
    expect(refused).toHaveLength(9)
    expect(refused[0]).toMatchObject({ code: 'too_many_sessions' })
  })

  it('holds for many that are restarted at the same moment', async () => {
    const world = new SessionWorld()
    const ids: string[] = []
    for (let count = 0; count < 6; count++) {
      const { session } = await world.start()
      await world.control.end(admin, session.id)
      ids.push(session.id)
    }
    await Promise.allSettled(ids.map((id) => world.control.restart(admin, id, {})))
    expect(world.known.openCount()).toBe(3)
  })

  it('is not one agent’s to use up', async () => {
    const world = new SessionWorld()
    world.deps.limits.agentSessionsPerAgentMax = 2
    world.put(resource('agent', 'other', { servers: [{ server: 'srv_git' }] }))
    const started = await Promise.allSettled([world.start(), world.start(), world.start()])
    const refused = started.find((one) => one.status === 'rejected')
    expect(refused).toMatchObject({ reason: { code: 'too_many_sessions', details: { agentSessionsPerAgentMax: 2 } } })
    await world.start({ agent: 'other' })
    expect(world.known.openCount()).toBe(3)
  })

  it('has room again after a start that failed', async () => {
    const world = new SessionWorld()
    const lost = vi.spyOn(world.sessions, 'create').mockRejectedValue(new Error('the store is away'))
    await Promise.allSettled(Array.from({ length: 5 }, () => world.start()))
    lost.mockRestore()
    await Promise.all([world.start(), world.start(), world.start()])
    expect(world.known.openCount()).toBe(3)
  })
})

describe('what is known of agents’ sessions', () => {
  const session = (index: number): StoredSession => ({
    id: `ses_${String(index).padStart(20, '0')}`,
    agentId: 'agt_helper',
    status: 'dead',
    run: 1,
    title: 'x'.repeat(200),
    details: { note: 'x'.repeat(500) },
    failureReason: 'x'.repeat(500),
    version: 1,
    createdAt: 1,
    createdBy: 'usr_eve',
    updatedAt: 1,
    readyAt: null,
    expiresAt: 10,
    endedAt: 2,
  })

  it('is short, and not more the more of them were started and ended', () => {
    const index = new SessionIndex()
    const open: StoredSession = { ...session(0), status: 'ready', endedAt: null }
    index.put(open)
    for (let count = 1; count <= 20_005; count++) index.put(session(count))
    expect([5, 6].map((count) => index.get(session(count).id)?.status)).toEqual([undefined, 'dead'])
    expect(index.get(open.id)).toMatchObject({ status: 'ready', title: null, details: {} })
  })

  it('is of one that was started anew no end', () => {
    const index = new SessionIndex()
    index.put(session(1))
    index.put({ ...session(1), version: 2, status: 'creating', run: 2, endedAt: null })
    for (let count = 2; count <= 20_005; count++) index.put(session(count))
    expect(index.get(session(1).id)?.run).toBe(2)
  })
})
