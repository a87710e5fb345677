import { describe, expect, it } from 'vitest'
import { checkBroker, type AttachedServer, type BrokerFacts } from './broker-checks.ts'
import type { SessionClaims } from './session-token.ts'
import type { StoredSession } from './session-store.ts'

const now = 1_795_262_400_000

const session: StoredSession = {
  id: 'ses_1',
  agentId: 'agt_1',
  status: 'ready',
  run: 2,
  title: null,
  details: {},
  failureReason: null,
  version: 3,
  createdAt: now - 1_000,
  createdBy: 'usr_1',
  updatedAt: now,
  readyAt: now,
  expiresAt: now + 1_000,
  endedAt: null,
}

const claims: SessionClaims = {
  kind: 'access',
  purpose: 'mcp-session',
  agent_id: 'agt_1',
  session_id: 'ses_1',
  run: 2,
  servers: ['srv_git', 'srv_files'],
  scope: ['mcp'],
  iat: 0,
  exp: 9_999_999_999,
}

type World = {
  isCurrent?: boolean
  session?: Partial<StoredSession> | null
  attached?: readonly string[]
  named?: Readonly<Record<string, readonly AttachedServer[]>>
  claims?: Partial<SessionClaims>
  address?: { sessionId?: string; server?: string }
}

const git: AttachedServer = { id: 'srv_git', name: 'git' }

function ask(world: World) {
  const asked: string[] = []
  const facts: BrokerFacts = {
    isCurrent: world.isCurrent ?? true,
    session: (id) => {
      asked.push(`session ${id}`)
      return world.session === null || id !== 'ses_1' ? undefined : { ...session, ...world.session }
    },
    attachedTo: (id) => {
      asked.push(`agent ${id}`)
      return new Set(world.attached ?? ['srv_git', 'srv_files', 'srv_late'])
    },
    serversNamed: (name) => {
      asked.push(`server ${name}`)
      return world.named?.[name] ?? (name === 'git' ? [git] : [])
    },
  }
  const address = { sessionId: 'ses_1', server: 'git', ...world.address }
  return { asked, verdict: checkBroker(facts, { address, claims: { ...claims, ...world.claims }, now }) }
}

describe('checkBroker', () => {
  it('opens a server that is attached, by its name', () => {
    expect(ask({}).verdict).toEqual({ session, server: git })
  })

  it('opens while the harness still starts', () => {
    expect(ask({ session: { status: 'creating' } }).verdict).toHaveProperty('server', git)
  })

  it('opens a server by another name of it', () => {
    expect(ask({ address: { server: 'vcs' }, named: { vcs: [git] } }).verdict).toHaveProperty('server', git)
  })

  it.each<[what: string, code: string, world: World]>([
    ['another session’s token', 'forbidden', { address: { sessionId: 'ses_2' } }],
    ['another agent’s token', 'forbidden', { claims: { agent_id: 'agt_2' } }],
    [
      'another agent’s token, of a session that has ended',
      'forbidden',
      { claims: { agent_id: 'agt_2' }, session: { status: 'dead' } },
    ],
    ['a session that there is not', 'session_not_found', { session: null }],
    ['a dead session', 'session_over', { session: { status: 'dead' } }],
    ['a failed session', 'session_over', { session: { status: 'failed' } }],
    ['a session whose time is over', 'session_over', { session: { expiresAt: now } }],
    ['a token of the run before', 'session_over', { claims: { run: 1 } }],
    ['an agent without servers', 'server_not_attached', { attached: [] }],
    ['a server that is not there', 'server_not_attached', { address: { server: 'nothing' } }],
    ['a server that is not attached', 'server_not_attached', { attached: ['srv_files'] }],
    [
      'a server that was attached when the token was made, and is no more',
      'server_not_attached',
      { attached: ['srv_late'] },
    ],
    ['a server that was attached later', 'server_not_attached', { named: { git: [{ id: 'srv_late', name: 'git' }] } }],
    [
      'another server under the name of an attached one',
      'server_not_attached',
      { named: { git: [{ id: 'srv_evil', name: 'git' }] } },
    ],
    ['an attached server under the name that it had before', 'server_not_attached', { named: { git: [] } }],
    [
      'a name of two servers, of which one is attached',
      'server_not_attached',
      { named: { git: [git, { id: 'srv_evil', name: 'evil' }] } },
    ],
    [
      'a name of two servers that are both attached',
      'server_not_attached',
      { named: { git: [git, { id: 'srv_files', name: 'files' }] } },
    ],
    ['an id in the place of a name', 'server_not_attached', { address: { server: 'srv_git' } }],
    ['knowledge that is too old', 'storage_unavailable', { isCurrent: false }],
    [
      'knowledge that is too old, of a session that has ended',
      'storage_unavailable',
      { isCurrent: false, session: { status: 'dead' } },
    ],
  ])('refuses %s: %s', (_what, code, world) => {
    expect(ask(world).verdict).toEqual({ code })
  })

  it('tells who has another session’s token nothing of this one', () => {
    const worlds: World[] = [
      {},
      { session: null },
      { session: { status: 'dead' } },
      { isCurrent: false },
      { attached: [] },
    ]
    const told = worlds.map((world) => ask({ ...world, claims: { session_id: 'ses_2', agent_id: 'agt_2' } }))
    for (const { verdict, asked } of told) {
      expect(verdict).toEqual({ code: 'forbidden' })
      expect(asked).toEqual([])
    }
  })

  it('asks for no server where the agent names none', () => {
    expect(ask({ attached: [] }).asked).toEqual(['session ses_1', 'agent agt_1'])
  })

  it('asks for the agent of the session, and not of the token', () => {
    expect(ask({ claims: { agent_id: 'agt_2' } }).asked).toEqual(['session ses_1'])
  })
})
