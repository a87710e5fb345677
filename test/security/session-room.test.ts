/** Who may run one agent, and would take what all agents share. */
import { describe, expect, it, vi } from 'vitest'
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
