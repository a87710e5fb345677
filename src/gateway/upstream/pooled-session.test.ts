import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { RpcNotification } from '#core/protocol/json-rpc.ts'
import { settled } from '#test/support/fake-clock.ts'
import { leaseOf, unleased } from '#test/support/leases.ts'
import type { Peer } from './peer.ts'
import { PooledSession } from './pooled-session.ts'
import type { SessionEvents, UpstreamSession } from './upstream-session.ts'

class FakeSession implements UpstreamSession {
  readonly facts = {
    era: 'legacy' as const,
    revision: '2025-11-25',
    capabilities: {},
    serverInfo: {},
    instructions: undefined,
  }
  isOpen = true
  lastUsedAt = 0
  callsUnderWay = 0
  readonly wishes: (readonly string[])[] = []
  readonly #events: SessionEvents

  constructor(events: SessionEvents) {
    this.#events = events
  }

  async call() {
    return { result: {} }
  }

  notify(): void {}

  listen({ resources }: { resources: readonly string[] }): void {
    this.wishes.push(resources)
  }

  async subscribe() {
    return { result: {} }
  }

  async close(): Promise<void> {
    this.end(null)
  }

  end(error: GatewayError | null): void {
    this.isOpen = false
    this.#events.ended(error)
  }
}

type Heard = { peer: string; what: string }
let heard: Heard[]
let sessions: FakeSession[]
let ends: (GatewayError | null)[]
let gate: PromiseWithResolvers<void> | null

function place(isShared: boolean): PooledSession {
  return new PooledSession({
    server: 'files',
    ...unleased,
    isShared,
    open: async (events) => {
      await gate?.promise
      const session = new FakeSession(events)
      sessions.push(session)
      return session
    },
    onListChanged: () => undefined,
    onEnded: (error) => void ends.push(error),
  })
}

function peer(principalId: string, more: { watches?: string[]; canBeAsked?: boolean } = {}): Peer {
  const hear = (what: string) => void heard.push({ peer: principalId, what })
  return {
    principalId,
    isListening: false,
    watchedResources: () => more.watches ?? [],
    listChanged: (_server, kind) => hear(kind),
    resourceUpdated: (_server, uri) => hear(uri),
    logged: () => hear('log'),
    other: (_server, note) => hear(note.method),
    ask: more.canBeAsked === false ? null : async () => ({ result: { by: principalId } }),
  }
}

const note = (method: string): RpcNotification => ({ jsonrpc: '2.0', method })
const question = { method: 'elicitation/create', params: {} }

beforeEach(() => {
  heard = []
  sessions = []
  ends = []
  gate = null
})

describe('acquire', () => {
  it('opens one session for all who come while it opens, and gives it at once afterwards', async () => {
    gate = Promise.withResolvers()
    const one = place(false)
    const [first, second] = [one.acquire(), one.acquire()]
    gate.resolve()
    expect(await first).toBe(await second)
    expect(one.acquire()).toBe(await first)
    expect(sessions).toHaveLength(1)
  })

  it('opens another when the first has ended', async () => {
    const one = place(false)
    await one.acquire()
    sessions[0]?.end(new GatewayError('upstream_closed'))
    expect(one.session).toBeUndefined()
    expect(await one.acquire()).toBe(sessions[1])
    expect(ends).toMatchObject([{ code: 'upstream_closed' }])
  })

  it('opens another for another account, when the first is closed, and gives nobody that of the other', async () => {
    let lease = leaseOf(['authorization', 'one'])
    const used: string[] = []
    const one = new PooledSession({
      server: 'files',
      ...unleased,
      lease: () => lease,
      isShared: false,
      open: async (events, by) => {
        const [, account = ''] = by.lease.headers
        used.push(`${account} while ${sessions.filter(({ isOpen }) => isOpen).length} are open`)
        await gate?.promise
        const session = new FakeSession(events)
        sessions.push(session)
        return session
      },
      onListChanged: () => undefined,
      onEnded: (error) => void ends.push(error),
    })
    gate = Promise.withResolvers()
    const first = one.acquire()
    lease = leaseOf(['authorization', 'two'])
    const [second, third] = [one.acquire(), one.acquire()]
    gate.resolve()
    expect(await first).toBe(sessions[0])
    expect(await second).toBe(sessions[1])
    expect(await third).toBe(sessions[1])
    expect(one.acquire()).toBe(sessions[1])
    expect(used).toEqual(['one while 0 are open', 'two while 0 are open'])
    expect(ends).toEqual([null])
  })

  it('tries again after a failure', async () => {
    let count = 0
    const one = new PooledSession({
      server: 'files',
      ...unleased,
      isShared: false,
      open: async (events) => {
        if (count++ === 0) throw new GatewayError('upstream_unreachable')
        return new FakeSession(events)
      },
      onListChanged: () => undefined,
      onEnded: () => undefined,
    })
    await expect(one.acquire()).rejects.toMatchObject({ code: 'upstream_unreachable' })
    expect(one.isActive).toBe(false)
    await expect(one.acquire()).resolves.toBeDefined()
  })
})

describe('what is under way', () => {
  it('is whatever waits for the session, and whatever runs on it', async () => {
    gate = Promise.withResolvers()
    const one = place(false)
    expect(one.callsUnderWay).toBe(0)
    const [first, second] = [one.acquire(), one.acquire()]
    expect(one.callsUnderWay).toBe(2)
    gate.resolve()
    const session = await first
    await second
    expect(one.callsUnderWay).toBe(0)
    Object.assign(session, { callsUnderWay: 3 })
    expect(one.callsUnderWay).toBe(3)
  })

  it('does not hold what waited in vain', async () => {
    gate = Promise.withResolvers()
    const one = place(false)
    const waiting = one.acquire()
    gate.reject(new GatewayError('upstream_unreachable'))
    await expect(waiting).rejects.toMatchObject({ code: 'upstream_unreachable' })
    expect(one.callsUnderWay).toBe(0)
  })
})

describe('close', () => {
  it('closes what is open, and does nothing where nothing is', async () => {
    const one = place(false)
    await one.close()
    await one.acquire()
    await one.close()
    expect(sessions[0]?.isOpen).toBe(false)
  })

  it('closes a session that is only being opened, as soon as it is there', async () => {
    gate = Promise.withResolvers()
    const one = place(false)
    const opening = one.acquire()
    const closing = one.close()
    await settled()
    gate.resolve()
    await closing
    expect((await opening).isOpen).toBe(false)
  })
})

describe('what nobody asked for', () => {
  it('reaches every peer of a session that is not shared', async () => {
    const one = place(false)
    one.attach(peer('ann'))
    one.attach(peer('bob'))
    one.logged(note('notifications/message'))
    one.other(note('notifications/x'))
    expect(heard.map(({ peer }) => peer)).toEqual(['ann', 'bob', 'ann', 'bob'])
  })

  it('reaches nobody on a shared session that two principals use', async () => {
    const one = place(true)
    one.attach(peer('ann'))
    one.attach(peer('bob'))
    one.logged(note('notifications/message'))
    one.other(note('notifications/elicitation/complete'))
    expect(heard).toEqual([])
    expect(await one.asked(question)).toMatchObject({ error: { data: { code: 'question_unroutable' } } })
  })

  it('about a task reaches whom the task concerns, though others are there', async () => {
    const one = place(true)
    one.attach(peer('ann'))
    one.attach({ ...peer('bob'), concernsTask: (server, taskId) => server === 'files' && taskId === 't' })
    const about = (taskId: string) => ({ _meta: { 'io.modelcontextprotocol/related-task': { taskId } } })
    const status = (taskId: string) => ({ ...note('notifications/tasks/status'), params: { taskId } })
    for (const taskId of ['t', 'other']) {
      one.other(status(taskId))
      one.logged({ ...note('notifications/message'), params: about(taskId) })
    }
    expect(heard).toEqual([
      { peer: 'bob', what: 'notifications/tasks/status' },
      { peer: 'bob', what: 'log' },
    ])
    expect(await one.asked({ ...question, params: about('t') })).toEqual({ result: { by: 'bob' } })
    expect(await one.asked({ ...question, params: about('other') })).toMatchObject({ error: { code: -32601 } })
  })

  it('reaches the peers of one principal who is alone on a shared session', async () => {
    const one = place(true)
    const [laptop, phone] = [peer('ann'), peer('ann', { canBeAsked: false })]
    one.attach(laptop)
    one.attach(phone)
    one.logged(note('notifications/message'))
    expect(heard).toHaveLength(2)
    expect(await one.asked(question)).toEqual({ result: { by: 'ann' } })
  })

  it('tells of a resource to who watches it, shared or not: the watchers said so themselves', () => {
    const one = place(true)
    one.attach(peer('ann'))
    one.attach(peer('bob'))
    one.resourceUpdated('file:///a', note('notifications/resources/updated'))
    expect(heard.map(({ peer }) => peer)).toEqual(['ann', 'bob'])
  })
})

describe('a question that belongs to no call', () => {
  it('goes to the newest peer that can be asked', async () => {
    const one = place(false)
    one.attach(peer('old'))
    one.attach(peer('new'))
    one.attach(peer('mute', { canBeAsked: false }))
    expect(await one.asked(question)).toEqual({ result: { by: 'new' } })
  })

  it('is refused where there is nobody', async () => {
    expect(await place(false).asked(question)).toMatchObject({ error: { data: { code: 'question_unroutable' } } })
  })

  it('is answered by the gateway where it is a ping', async () => {
    expect(await place(true).asked({ method: 'ping', params: undefined })).toEqual({ result: {} })
  })
})

describe('what is watched', () => {
  it('is told to the upstream once for all peers, whenever it changes', async () => {
    const one = place(false)
    const ann = peer('ann', { watches: ['a', 'b'] })
    one.attach(ann)
    await one.acquire()
    one.attach(peer('bob', { watches: ['b', 'c'] }))
    one.attach(ann)
    one.detach(ann)
    one.detach(ann)
    expect(sessions[0]?.wishes).toEqual([
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
    expect(one.isWatched).toBe(true)
  })
})
