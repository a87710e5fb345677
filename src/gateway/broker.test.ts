import { beforeEach, describe, expect, it } from 'vitest'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { SessionIndex } from '#core/session/session-index.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { mintSessionToken } from '#core/session/session-token.ts'
import { sessionId, storedSession } from '#test/contracts/session-store.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { resource } from '#test/support/resources.ts'
import { channelUpstream, principal, server } from '#test/support/upstreams.ts'
import { Broker, withSessions } from './broker.ts'
import { Registry } from './endpoint.ts'
import { nobody } from './identify.ts'

const begin = 1_795_262_400_000
const keys = createSessionKeys({ current: Buffer.alloc(32, 'k'), previous: null })

let clock: FakeClock
let snapshot: ResourceSnapshot
let sessions: SessionIndex
let registry: Registry
let broker: Broker
let isCurrent: boolean
let used: string[]

const put = (...changed: Resource[]): void => snapshot.apply({ changed, deleted: [], isWhole: false })
const agent = (more: object = {}): Resource<'agent'> =>
  resource('agent', '1', { servers: [{ server: 'srv_git' }, { server: 'srv_files' }], ...more })
const session = (index: number, more: Partial<StoredSession> = {}): StoredSession =>
  storedSession(index, { status: 'ready', ...more })

beforeEach(() => {
  clock = new FakeClock(begin)
  snapshot = new ResourceSnapshot()
  sessions = new SessionIndex()
  isCurrent = true
  used = []
  registry = new Registry(['git', 'files'].map((name) => channelUpstream(server(name), { clock })))
  broker = new Broker({
    keys,
    index: snapshot,
    sessions,
    isCurrent: () => isCurrent,
    registry: () => registry,
    clock,
    hash: hashToken,
    onFirstUse: (id) => void used.push(id),
  })
  put(resource('server', 'git'), resource('server', 'files'), agent())
  sessions.put(session(1))
  sessions.put(session(2))
})

function token(index = 1, more: { run?: number; servers?: readonly string[] } = {}): string {
  const { run = 1, servers = ['srv_git', 'srv_files'] } = more
  const grant = { agentId: 'agt_1', sessionId: sessionId(index), run, servers, scope: ['mcp'], endsAt: begin + 1e12 }
  return `Bearer ${mintSessionToken('tool-callback', grant, { keys, now: clock.now() }).text}`
}

const open = (index = 1, name = 'git', authorization = token(index)) =>
  broker.open(broker.identify(authorization), { sessionId: sessionId(index), server: name, isInternal: true })

describe('a broker', () => {
  it('makes a token and an address a caller: of its own session, at one server, under that server’s names', () => {
    const { principal, endpoint, address } = open()
    expect(principal).toMatchObject({
      id: sessionId(1),
      tokenId: sessionId(1),
      tokenName: '1',
      token: null,
      session: { id: sessionId(1), agentId: 'agt_1', agentName: '1' },
    })
    expect(endpoint).toMatchObject({ kind: 'single', key: 'single:git' })
    expect(address).toEqual({ scope: 'servers', names: 'git', narrowing: null })
    expect([principal.access.tool('git', 'x').level, principal.access.tool('other', 'x').level]).toEqual([
      'execute',
      'deny',
    ])
  })

  it('lets who is only identified do nothing', () => {
    const { access } = broker.identify(token())
    expect([access.mayReach('git'), access.tool('git', 'x').level]).toEqual([false, 'deny'])
  })

  it('shares an access among sessions whose tokens name the same, and makes another where they do not', () => {
    expect(open(2).principal.access).toBe(open(1).principal.access)
    expect(open(1, 'git', token(1, { servers: ['srv_git'] })).principal.access).not.toBe(open(1).principal.access)
  })

  it('keeps an access over changes that do not concern it', () => {
    const { access } = open().principal
    put(resource('policy', 'other'), resource('agent', 'other'))
    expect(open().principal.access).toBe(access)
    put(agent({ servers: [{ server: 'srv_git', tools: ['log'] }] }))
    expect(open().principal.access).not.toBe(access)
  })

  it('notes the first use of a session that is creating, and no other', () => {
    open()
    expect(used).toEqual([])
    sessions.put(session(3, { status: 'creating' }))
    open(3)
    expect(used).toEqual([sessionId(3)])
  })

  it('does not take a caller that it did not make', () => {
    const place = { sessionId: sessionId(1), server: 'git', isInternal: true }
    expect(() => broker.open(principal('ann'), place)).toThrow(expect.objectContaining({ code: 'unauthorized' }))
  })
})

describe('what was found out', () => {
  const later: readonly (readonly [what: string, holds: boolean, change: () => unknown])[] = [
    ['nothing has changed', true, () => undefined],
    ['another session has changed', true, () => sessions.put(session(2, { status: 'dead', version: 2 }))],
    ['a token was made', true, () => put(resource('token', 'x', { owner: { kind: 'user', ref: 'usr_x' } }))],
    ['the agent has changed', false, () => put(agent({ model: 'other' }))],
    ['a server has changed', false, () => put(resource('server', 'files', { labels: ['x'] }))],
    ['the session has changed', false, () => sessions.put(session(1, { status: 'dead', version: 2 }))],
    ['the servers were applied anew', false, () => (registry = new Registry([]))],
    ['too much may have been missed', false, () => (isCurrent = false)],
    ['the token has expired', false, () => clock.advance(900_000)],
    ['the session’s time is over', false, () => clock.advance(86_400_000)],
  ]

  it.for(later)('is believed when %s: %s', async ([, holds, change]) => {
    const { principal } = open()
    expect(broker.isStill(principal)).toBe(true)
    await change()
    expect(broker.isStill(principal)).toBe(holds)
  })

  it('is believed of no caller that only was identified', () => {
    expect(broker.isStill(broker.identify(token()))).toBe(false)
  })
})

describe('a caller of before', () => {
  const identities = () => withSessions(nobody, broker)

  it('is the same while nothing has changed', () => {
    const { principal } = open()
    expect(identities().current(principal)).toBe(principal)
  })

  it('has what its agent has now', () => {
    const { principal } = open()
    put(agent({ servers: [{ server: 'srv_git', tools: ['log'] }] }))
    const now = identities().current(principal)
    expect([now?.access.tool('git', 'log').level, now?.access.tool('git', 'push').level]).toEqual(['execute', 'deny'])
    expect(broker.isStill(now ?? principal)).toBe(true)
  })

  it('goes on when its token expires, for its client may have the next', async () => {
    const { principal } = open()
    await clock.advance(900_000)
    expect(identities().current(principal)).toMatchObject({ tokenId: sessionId(1) })
    expect(principal.expiresAt).toBe(session(1).expiresAt)
  })

  it.for<readonly [string, () => unknown]>([
    ['its session has ended', () => sessions.put(session(1, { status: 'dead', version: 2 }))],
    ['its session has been started anew', () => sessions.put(session(1, { run: 2, version: 2 }))],
    ['its server is not attached any more', () => put(agent({ servers: [{ server: 'srv_files' }] }))],
    ['its server has another name', () => put({ ...resource('server', 'vcs'), id: 'srv_git' })],
    ['its server has become internal, and it is not', () => put(resource('server', 'git', { visibility: 'internal' }))],
    [
      'its agent is gone',
      () => snapshot.apply({ changed: [], deleted: [{ kind: 'agent', id: 'agt_1' }], isWhole: false }),
    ],
  ])('is gone when %s', ([, change]) => {
    const place = { sessionId: sessionId(1), server: 'git', isInternal: false }
    const { principal } = broker.open(broker.identify(token()), place)
    change()
    expect(identities().current(principal)).toBeUndefined()
  })

  it('with another kind of token is left to those who know it', () => {
    const ann = principal('ann')
    const known = { ...nobody, current: () => ann, outside: () => principal('outside') }
    expect(withSessions(known, broker).current(ann)).toBe(ann)
    expect(withSessions(known, broker).outside(ann).id).toBe('outside')
    const { principal: own } = open()
    expect(withSessions(known, broker).outside(own)).toBe(own)
  })
})
