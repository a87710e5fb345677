/** What is answered of sessions is what becomes of them: whoever may run an agent has its sessions in its hand. */
import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { Binding, Role } from '#contract/role-binding.ts'
import { resource } from '#test/support/resources.ts'
import { admin, caller, SessionWorld } from '#test/support/session-world.ts'
import { canI, type CanIAnswer } from './can-i.ts'

let world: SessionWorld
/** Sessions of `helper` and of `other`. */
let own: string
let foreign: string

beforeEach(async () => {
  world = new SessionWorld()
  world.put(resource('agent', 'other', { servers: [{ server: 'srv_git' }] }))
  own = (await world.start()).session.id
  foreign = (await world.control.create(admin, { agent: 'other' })).session.id
})

const runHelper: Binding = { role: 'run', resource: 'agents', name: 'agt_helper' }
const runAgents: Binding = { role: 'run', resource: 'agents' }

function ask(bindings: readonly Binding[], role: Role, name?: string): Promise<CanIAnswer> {
  const deps = { ...world.deps, announce: async () => undefined, agentSessions: world.control }
  return canI(deps, caller(bindings).actor, { role, resource: 'sessions', name })
}

/** Whether it fails for want of rights; it may fail for something else. */
async function mayNot(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt
    return false
  } catch (error) {
    return error instanceof GatewayError && ['no_such_resource', 'forbidden'].includes(error.code)
  }
}

describe('canI, of sessions', () => {
  it('says of a session what becomes of it', async () => {
    const holders: readonly Binding[][] = [
      [],
      [runHelper],
      [runAgents],
      [{ role: 'run', resource: '*' }],
      [{ role: 'view', resource: 'sessions' }],
      [{ role: 'edit', resource: 'sessions', name: own }],
      [{ role: 'delete', resource: 'sessions', name: foreign }],
      [{ role: 'create', resource: 'sessions' }],
      [{ role: 'view', resource: 'agents' }],
    ]
    const attempts = {
      view: (by: typeof admin, id: string) => world.control.get(by, id),
      edit: (by: typeof admin, id: string) => world.control.report(by, id, { status: 'ready' }),
      delete: (by: typeof admin, id: string) => world.control.end(by, id),
    }
    const seen = new Set<boolean>()
    for (const bindings of holders)
      for (const [role, attempt] of Object.entries(attempts) as [keyof typeof attempts, typeof attempts.view][])
        for (const name of [own, foreign]) {
          const { allowed } = await ask(bindings, role, name)
          const isRefused = await mayNot(attempt(caller(bindings), name))
          expect([bindings, role, name, allowed]).toEqual([bindings, role, name, !isRefused])
          seen.add(allowed)
        }
    expect(seen.size).toBe(2)
  })

  it.each<[what: string, bindings: Binding[], asked: { name?: string; allowed: boolean }]>([
    ['its agent by name', [runHelper], { name: 'helper', allowed: true }],
    ['its agent by id', [runHelper], { name: 'agt_helper', allowed: true }],
    ['another agent', [runHelper], { name: 'other', allowed: false }],
    ['whichever agent', [runHelper], { allowed: false }],
    ['whichever agent, and runs all', [runAgents], { allowed: true }],
    ['one agent, and creates sessions', [{ role: 'create', resource: 'sessions' }], { name: 'other', allowed: true }],
    ['whichever agent, and creates sessions', [{ role: 'create', resource: 'sessions' }], { allowed: true }],
    [
      'an agent, and creates what nothing is called',
      [{ role: 'create', resource: 'sessions', name: 'x' }],
      { name: 'x', allowed: false },
    ],
    ['an agent, and only sees it', [{ role: 'view', resource: 'agents' }], { name: 'helper', allowed: false }],
    ['an agent that is not there', [runHelper], { name: 'nowhere', allowed: false }],
  ])('says whether somebody may start sessions of %s', async (_what, bindings, { name, allowed }) => {
    expect((await ask(bindings, 'create', name)).allowed).toBe(allowed)
    if (name === undefined) return
    expect(await mayNot(world.control.create(caller(bindings), { agent: name }))).toBe(!allowed)
  })

  it('says by which bindings, be they of agents', async () => {
    expect(await ask([runHelper, runAgents], 'delete', own)).toEqual({
      allowed: true,
      bindings: ['role:run,resource:agents,name:agt_helper', 'role:run,resource:agents'],
    })
    expect(await ask([runHelper], 'delete', foreign)).toEqual({ allowed: false, bindings: [] })
  })

  it('says of a session that is not there no more than bindings do, and that nobody runs one', async () => {
    expect((await ask([runHelper], 'view', 'ses_00000000000000000009')).allowed).toBe(false)
    expect((await ask([{ role: 'view', resource: 'sessions' }], 'view', 'nonsense')).allowed).toBe(true)
    expect((await ask([runAgents], 'run', own)).allowed).toBe(false)
    expect((await ask([runAgents], 'view')).allowed).toBe(true)
    expect((await ask([runHelper], 'view')).allowed).toBe(false)
  })
})
