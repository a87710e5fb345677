/** Whatever changes something leaves an event that says who did it, for whom, to what, and how it ended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resourceOperations } from '#contract/resource-operations.ts'
import { specialOperations } from '#contract/operations.ts'
import { serverOfUsers } from '../support/management-examples.ts'
import { startManagedGateway, type ApiAnswer, type ManagedGateway } from '../support/management.ts'
import { until } from '../support/until.ts'

/** They change nothing, although they are no GET. */
const questions = new Set(['introspectToken', 'canI', 'dryRun'])
const writes = [...specialOperations, ...resourceOperations].filter(
  ({ id, method }) => method !== 'GET' && !questions.has(id),
)

type Asked = { method: string; path: string; body?: unknown }
/** What is recorded: in whose name (the admin's, where it is not said), what was done to which kind, and what that is called. */
type Recorded = { method: string; target: unknown; principalName?: string; principalKind?: string }
type Scenario = { prepare?: Asked[]; ask: (made: ApiAnswer[]) => Asked; recorded: Recorded }

let gateway: ManagedGateway
beforeAll(async () => {
  gateway = await startManagedGateway({ servers: {}, policies: {} })
}, 30_000)
afterAll(() => gateway[Symbol.asyncDispose]())

const post = (path: string, body: unknown = {}): Asked => ({ method: 'POST', path, body })
const put = (path: string, body: unknown): Asked => ({ method: 'PUT', path, body })
const remove = (path: string): Asked => ({ method: 'DELETE', path })

const bodies: Record<string, object> = {
  organizations: {},
  teams: {},
  users: { role: 'member' },
  policies: { default: 'deny' },
  servers: { transport: { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp' }, isolation: 'shared' },
  toolsets: { tools: [] },
  projects: {},
  agents: { servers: [] },
  tokens: { owner: { kind: 'user', ref: 'admin' } },
  secrets: { value: 'a secret' },
  'role-bindings': { subjects: [{ kind: 'user', ref: 'admin' }], bindings: [{ role: 'view', resource: 'teams' }] },
}

const startOf = (name: string): Asked[] => [
  post('/agents', { name, ...bodies['agents'] }),
  post('/sessions', { agent: name }),
]
const sessionPath = ([, started]: ApiAnswer[], verb: string): string => {
  const session = started?.body['session'] as { id: string } | undefined
  return `/sessions/${session?.id}${verb}`
}

/** Of one kind of resource, whichever it is. */
function ofResource({ id, verb, kind, path }: (typeof resourceOperations)[number]): Scenario {
  const collection = path.split('/')[1] ?? ''
  const name = `the-${id.toLowerCase()}`
  const body = { name, ...bodies[collection] }
  const make = post(`/${collection}`, body)
  if (verb === 'create') {
    return { ask: () => make, recorded: { method: `${kind === 'token' ? 'mint' : 'create'} ${kind}`, target: name } }
  }
  const place = `/${collection}/${name}`
  if (verb === 'delete')
    return { prepare: [make], ask: () => remove(place), recorded: { method: `delete ${kind}`, target: name } }
  // The labels of a server are its own.
  const more = kind === 'server' ? { description: 'changed' } : { labels: { a: 'b' } }
  const changed = kind === 'token' ? { ...body, description: 'changed' } : { ...body, ...more }
  return { prepare: [make], ask: () => put(place, changed), recorded: { method: `update ${kind}`, target: name } }
}

const password = 'correct horse battery staple'

/** What an owner gives is called after the ids of the server and of the owner. */
function ofConnection(name: string, parts: Pick<Scenario, 'ask'> & { method: string; prepare?: Asked[] }): Scenario {
  const { method, ask, prepare = [] } = parts
  const server = post('/servers', { ...serverOfUsers, name })
  return {
    prepare: [server, ...prepare],
    ask,
    recorded: { method: `${method} credential`, target: expect.stringMatching(/^srv_[\w-]+\.user\.usr_[\w-]+$/) },
  }
}

const special: Record<string, Scenario> = {
  setConnectionKey: ofConnection('to-key', {
    method: 'set_key',
    ask: () => put('/connections/to-key/key', { token: 'a key' }),
  }),
  setConnectionVariables: ofConnection('to-fill', {
    method: 'set_variables',
    ask: () => put('/connections/to-fill/variables', { values: { REGION: 'eu' } }),
  }),
  endConnection: ofConnection('to-disconnect', {
    method: 'revoke',
    prepare: [put('/connections/to-disconnect/key', { token: 'a key' })],
    ask: () => remove('/connections/to-disconnect'),
  }),
  revokeToken: {
    prepare: [post('/tokens', { name: 'to-revoke', ...bodies['tokens'] })],
    ask: () => post('/tokens/to-revoke/revoke'),
    recorded: { method: 'revoke token', target: 'to-revoke' },
  },
  rotateToken: {
    prepare: [post('/tokens', { name: 'to-rotate', ...bodies['tokens'] })],
    ask: () => post('/tokens/to-rotate/rotate'),
    recorded: { method: 'rotate token', target: 'to-rotate' },
  },
  setPassword: {
    prepare: [post('/users', { name: 'to-set', role: 'member' })],
    ask: () => put('/users/to-set/password', { password }),
    recorded: { method: 'set_password user', target: 'to-set' },
  },
  signIn: {
    prepare: [post('/users', { name: 'to-sign-in', role: 'member' }), put('/users/to-sign-in/password', { password })],
    ask: () => post('/sign-in', { user: 'to-sign-in', password }),
    recorded: { method: 'sign_in user', target: 'to-sign-in', principalName: 'to-sign-in' },
  },
  createSession: {
    prepare: [post('/agents', { name: 'to-create', servers: [] })],
    ask: () => post('/sessions', { agent: 'to-create' }),
    recorded: { method: 'create session', target: 'to-create' },
  },
  startAgentSession: {
    prepare: [post('/agents', { name: 'to-start', servers: [] })],
    ask: () => post('/managed_agents/agents/to-start/session'),
    recorded: { method: 'create session', target: 'to-start' },
  },
  restartSession: {
    prepare: startOf('to-restart'),
    ask: (made) => post(sessionPath(made, '/restart')),
    recorded: { method: 'restart session', target: 'to-restart' },
  },
  recoverSession: {
    prepare: startOf('to-recover'),
    ask: (made) => post(sessionPath(made, '/recover')),
    recorded: { method: 'recover session', target: 'to-recover' },
  },
  reportSession: {
    prepare: startOf('to-report'),
    ask: (made) => post(sessionPath(made, '/report'), { status: 'ready' }),
    recorded: { method: 'update session', target: 'to-report' },
  },
  endSession: {
    prepare: startOf('to-end'),
    ask: (made) => remove(sessionPath(made, '')),
    recorded: { method: 'end session', target: 'to-end' },
  },
  refreshSessionToken: {
    prepare: [
      post('/servers', { name: 'refreshed', ...bodies['servers'] }),
      post('/agents', { name: 'to-refresh', servers: [{ server: 'refreshed' }] }),
      post('/sessions', { agent: 'to-refresh' }),
    ],
    ask: ([, , started]) => post('/agent-auth/refresh', { refresh_token: started?.body['refreshToken'] }),
    recorded: { method: 'refresh session', target: 'to-refresh', principalName: 'to-refresh', principalKind: 'agent' },
  },
}

const scenarios = new Map([
  ...Object.entries(special),
  ...resourceOperations.flatMap((operation) =>
    operation.method === 'GET' ? [] : [[operation.id, ofResource(operation)] as const],
  ),
])

const send = ({ method, path, body }: Asked, headers: Record<string, string>, bearer?: string): Promise<ApiAnswer> =>
  gateway.api(method, path, { headers, ...(body === undefined ? {} : { body }), ...(bearer ? { bearer } : {}) })

type Event = Record<string, unknown>
async function eventsOf(filter: string): Promise<Event[]> {
  let found: Event[] = []
  await until('it is stored', async () => {
    found = (await gateway.api('GET', `/audit?${filter}`)).body['events'] as Event[]
    return found.length > 0
  })
  return found
}

describe('the record of changes', () => {
  it('knows an example of everything that changes something', () => {
    expect([...scenarios.keys()].toSorted()).toEqual(writes.map(({ id }) => id).toSorted())
  })

  it.each([...scenarios.keys()])('%s leaves one event that says who did it, and for whom', async (id) => {
    const scenario = scenarios.get(id)
    const made: ApiAnswer[] = []
    for (const asked of scenario?.prepare ?? []) made.push(await send(asked, {}))
    for (const { status, body } of made)
      expect([status, body]).toEqual([expect.toSatisfy((code: number) => code < 300), body])
    const asked = scenario?.ask(made) ?? remove('')
    const answer = await send(asked, { 'x-changed-by': `ticket of ${id}` })
    expect([answer.status < 300, answer.body]).toEqual([true, answer.body])
    const events = await eventsOf(`changedBy=${encodeURIComponent(`ticket of ${id}`)}`)
    expect(events).toMatchObject([
      {
        kind: 'resource_change',
        principalKind: 'user',
        principalName: 'admin',
        tokenId: '',
        changedBy: `ticket of ${id}`,
        effect: 'allow',
        outcome: 'ok',
        endpoint: '/api/v1',
        ...scenario?.recorded,
      },
    ])
    expect(events[0]?.['targetId']).toMatch(/^[a-z]+_./)
    expect(events[0]?.['principalId']).toMatch(/^(?:usr|agt)_./)
    expect(events[0]?.['requestId']).toMatch(/^req_/)
  })

  it('says so of what somebody may not do, with the token that was used and whose it is', async () => {
    const secretOf = async (name: string): Promise<string> => {
      const { body } = await gateway.api('POST', '/tokens', { body: { name, owner: { kind: 'user', ref: 'weak' } } })
      return String(body['secret'])
    }
    await gateway.api('POST', '/users', { body: { name: 'weak', type: 'service' } })
    const bearer = await secretOf('weak-token')
    const refused = await send(post('/teams', { name: 'never' }), { 'litellm-changed-by': 'ann' }, bearer)
    expect(refused.status).toBe(403)
    const events = await eventsOf('changedBy=ann')
    const { createHash } = await import('node:crypto')
    expect(events).toMatchObject([
      {
        principalKind: 'service',
        principalName: 'weak',
        tokenName: 'weak-token',
        tokenHash: createHash('sha256').update(bearer).digest('hex').slice(0, 12),
        method: 'create team',
        effect: 'deny',
        outcome: 'forbidden',
      },
    ])
    expect(await eventsOf(`tokenHash=${String(events[0]?.['tokenHash'])}`)).toHaveLength(1)
  })

  it('says so of the first admin, whom the gateway makes itself', async () => {
    const events = await eventsOf('method=bootstrap%20user')
    expect(events).toMatchObject([{ principalKind: 'system', principalName: 'system', target: 'admin', outcome: 'ok' }])
  })
})
