/** Who may run one agent, and would fill the database with sessions that have ended: they stay for a week. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Caller } from '#control/actor.ts'
import { failureOf } from '../support/failure.ts'
import { resource } from '../support/resources.ts'
import { admin, caller, SessionWorld } from '../support/session-world.ts'

const startsMax = 6
let world: SessionWorld

beforeEach(() => {
  world = new SessionWorld()
  world.deps.limits.agentSessionStartsPerMinuteMax = startsMax
  world.put(resource('agent', 'other', { servers: [{ server: 'srv_git' }] }))
})

/** @returns its id */
async function startAndEnd(by: Caller = admin, agent = 'helper'): Promise<string> {
  const { session } = await world.control.create(by, { agent })
  await world.control.end(admin, session.id)
  return session.id
}

async function useUp(by: Caller = admin): Promise<string> {
  let id = ''
  for (let count = 0; count < startsMax; count++) id = await startAndEnd(by)
  return id
}

const someone = (id: string): Caller => ({ ...admin, actor: { ...admin.actor, id, name: id } })

describe('starting and ending sessions in a loop', () => {
  it('ends at the limit of a minute, and goes on when it is said to', async () => {
    await useUp()
    const refusal = await failureOf(startAndEnd())
    expect(refusal).toMatchObject({
      code: 'rate_limited',
      details: { limit: 'agent_session_starts', agentSessionStartsPerMinuteMax: startsMax, retryAfterMs: 10_000 },
    })
    expect(await world.control.list(admin, {})).toHaveLength(startsMax)
    await world.clock.advance(9_999)
    expect((await failureOf(startAndEnd())).code).toBe('rate_limited')
    await world.clock.advance(1)
    await startAndEnd()
  })

  it('ends also for who restarts or recovers what there is', async () => {
    const id = await useUp()
    expect((await failureOf(world.control.restart(admin, id, {}))).code).toBe('rate_limited')
    expect((await failureOf(world.control.recover(admin, id, {}))).code).toBe('rate_limited')
    expect((await world.control.get(admin, id)).status).toBe('dead')
    expect(world.changes.at(-1)).toMatchObject({ action: 'recover', outcome: 'rate_limited' })
  })

  it('ends whoever does it, and at whichever agent it is done', async () => {
    await useUp()
    expect((await failureOf(startAndEnd(someone('tok_other')))).code).toBe('rate_limited')
    expect((await failureOf(startAndEnd(admin, 'other'))).code).toBe('rate_limited')
    await startAndEnd(someone('tok_other'), 'other')
  })

  it('is nothing that who may not start sessions could use up', async () => {
    const nobody = caller([])
    for (let count = 0; count < startsMax * 2; count++)
      expect((await failureOf(world.control.create(nobody, { agent: 'helper' }))).code).toBe('no_such_resource')
    await startAndEnd()
  })
})
