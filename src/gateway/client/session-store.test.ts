import { beforeEach, describe, expect, it } from 'vitest'
import type { Address } from '#gateway/endpoint.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { limits, principal } from '#test/support/upstreams.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { ClientSession } from './client-session.ts'
import { SessionStore } from './session-store.ts'

let clock: FakeClock
let store: SessionStore
const all: Address = { scope: 'servers', names: null, narrowing: null }
const ann = principal('ann')
const bob = principal('bob')
const notFound = expect.objectContaining({ code: 'session_not_found', details: {} })
const tooMany = (details: object) => expect.objectContaining({ code: 'too_many_sessions', details })

function add(id: string, owner = ann): ClientSession {
  const session = new ClientSession({
    id,
    principal: owner,
    address: all,
    endpoint: { key: 'aggregate:a', kind: 'aggregate', upstreams: [] },
    revision: '2025-11-25',
    facts: { capabilities: {}, info: undefined, logLevel: undefined },
    clock,
    askTimeoutMs: 1_000,
    callsMax: 10,
    exposeUri: (_server, uri) => uri,
    taskOwners: new TaskOwners(),
  })
  store.add(session)
  return session
}

beforeEach(() => {
  clock = new FakeClock()
  store = new SessionStore({ clock, limits: limits({ sessionsMax: 3, sessionsPerTokenMax: 2, sessionIdleMs: 1_000 }) })
})

describe('SessionStore', () => {
  it('gives a session to who opened it, where it was opened', () => {
    const session = add('one')
    expect(store.find('one', ann, all)).toBe(session)
    expect([...store]).toEqual([session])
  })

  it('gives it to nobody else and nowhere else, and knows none that never was', () => {
    add('one')
    expect(() => store.find('one', bob, all)).toThrow(notFound)
    expect(() => store.find('one', ann, { ...all, names: 'a' })).toThrow(notFound)
    expect(() => store.find('one', ann, { ...all, narrowing: 'a' })).toThrow(notFound)
    expect(store.find('two', ann, all)).toBeNull()
  })

  it('gives no session that has ended or takes nothing new', () => {
    add('ended').end()
    expect(store.find('ended', ann, all)).toBeNull()
    const retired = add('retired')
    retired.begin(1, new Cancellation())
    retired.retire()
    expect(() => store.find('retired', ann, all)).toThrow(notFound)
  })

  it('has room for so many of one token, and so many in all', () => {
    const first = add('one')
    add('two')
    expect(() => store.checkRoom(ann)).toThrow(tooMany({ sessionsPerTokenMax: 2 }))
    expect(() => store.checkRoom(bob)).not.toThrow()
    add('three', bob)
    expect(() => store.checkRoom(principal('eve'))).toThrow(tooMany({ sessionsMax: 3 }))
    first.end()
    expect(() => store.checkRoom(ann)).not.toThrow()
    expect(store.size).toBe(2)
  })

  it('counts a session that ends twice once', () => {
    const first = add('one')
    add('two')
    first.end()
    first.end()
    add('three')
    expect(() => store.checkRoom(ann)).toThrow(tooMany({ sessionsPerTokenMax: 2 }))
  })

  it('ends what nobody has used for too long, and nothing that is in use', async () => {
    const idle = add('idle')
    await clock.advance(500)
    const used = add('used')
    const heard = add('heard', bob)
    heard.setOutlet(() => undefined)
    await clock.advance(501)
    store.sweep()
    expect([idle.hasEnded, used.hasEnded, heard.hasEnded]).toEqual([true, false, false])
    await clock.advance(500)
    store.sweep()
    expect([used.hasEnded, heard.hasEnded]).toEqual([true, false])
    // Another replica may have used it.
    expect(used.isOver).toBe(false)
  })
})
