/** For each operation of the management API that changes or asks something with a body: a request that is taken, in a world made for it. */
import type { ManagedKind } from '#contract/resource.ts'
import { resourceOperations } from '#contract/resource-operations.ts'
import type { ManagedGateway } from './management.ts'

export type Example = { ref?: string; body?: Readonly<Record<string, unknown>> }

const personPassword = 'a password of sixteen'

/** A body that is taken for a new resource of this name. */
const bodies: Record<ManagedKind, (name: string) => Record<string, unknown>> = {
  organization: (name) => ({ name, policies: ['a-policy'] }),
  team: (name) => ({ name, organization: 'a-organization', members: [{ user: 'a-user' }], policies: ['a-policy'] }),
  user: (name) => ({ name, email: `${name}@example.com`, organization: 'a-organization', policies: ['a-policy'] }),
  policy: (name) => ({ name, default: 'read', rules: [{ server: 'a-server', tool: '*', level: 'execute' }] }),
  server: (name) => ({ name, transport: { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp' }, labels: ['x'] }),
  toolset: (name) => ({ name, tools: [{ server: 'a-server', tool: 'echo' }] }),
  project: (name) => ({ name, organization: 'a-organization', servers: ['a-server'], toolsets: ['a-toolset'] }),
  agent: (name) => ({ name, servers: [{ server: 'a-server' }], toolset: 'a-toolset', policies: ['a-policy'] }),
  token: (name) => ({ name, owner: { kind: 'user', ref: 'admin' }, policies: ['a-policy'], servers: ['a-server'] }),
  role_binding: (name) => ({
    name,
    subjects: [{ kind: 'user', ref: 'a-user' }],
    bindings: [{ role: 'view', resource: 'servers' }],
  }),
  secret: (name) => ({ name, value: `the value of ${name}` }),
}

/** Everybody gives a key and a value of their own. */
export const serverOfUsers = {
  name: 'of-users',
  isForEveryone: true,
  transport: {
    kind: 'streamable_http',
    url: 'http://127.0.0.1:9/mcp',
    credential: { kind: 'bearer', owner: 'user' },
    headers: { 'X-Region': '${REGION}' },
    variables: [{ name: 'REGION' }],
  },
} as const

/** What is named by others comes first. */
const order: readonly ManagedKind[] = [
  'policy',
  'secret',
  'organization',
  'server',
  'toolset',
  'user',
  'team',
  'project',
  'agent',
  'token',
  'role_binding',
]

/** Of each kind `a-{kind}` and `b-{kind}`, underscores as dashes. */
export const nameOf = (kind: ManagedKind, which: 'a' | 'b' | 'new'): string => `${which}-${kind.replace('_', '-')}`

/** Makes the world, and gives the examples by the operation's id. */
export async function prepareExamples({ api }: Pick<ManagedGateway, 'api'>): Promise<Record<string, Example>> {
  const make = async (path: string, body: unknown, method = 'POST'): Promise<Record<string, unknown>> => {
    const answer = await api(method, path, { body })
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  for (const kind of order) {
    const path = resourceOperations.find((one) => one.kind === kind && one.verb === 'create')?.path ?? ''
    for (const which of ['a', 'b'] as const) await make(path, bodies[kind](nameOf(kind, which)))
  }
  for (const name of ['to-revoke', 'to-rotate']) await make('/tokens', { name })
  await make('/servers', serverOfUsers)
  await make('/users/a-user/password', { password: personPassword }, 'PUT')
  const { secret } = await make('/tokens', { name: 'to-introspect' })
  const started = async () => {
    const { session, refreshToken } = await make('/sessions', { agent: 'a-agent' })
    return { ref: (session as { id: string }).id, refreshToken }
  }
  const [restarted, recovered, reported] = [await started(), await started(), await started()]
  return {
    ...resourceExamples(),
    revokeToken: { ref: 'to-revoke' },
    rotateToken: { ref: 'to-rotate', body: { overlapMs: 1_000, expires: '30d' } },
    introspectToken: { body: { token: secret } },
    setPassword: { ref: 'b-user', body: { password: personPassword } },
    signIn: { body: { user: 'a-user', password: personPassword } },
    setConnectionKey: { ref: serverOfUsers.name, body: { token: 'a key of their own' } },
    setConnectionVariables: { ref: serverOfUsers.name, body: { values: { REGION: 'eu' } } },
    canI: { body: { role: 'view', resource: 'servers' } },
    dryRun: { body: { policy: { name: 'tried', rules: [] }, attachTo: { kind: 'user', ref: 'a-user' } } },
    createSession: { body: { agent: 'a-agent', title: 'a title', details: { task: '1' }, lifetimeMs: 60_000 } },
    startAgentSession: { ref: 'a-agent', body: { lifetimeMs: 60_000 } },
    restartSession: { ref: restarted.ref, body: { lifetimeMs: 60_000 } },
    recoverSession: { ref: recovered.ref, body: { prompt: 'go on' } },
    reportSession: { ref: reported.ref, body: { status: 'failed', reason: 'no room' } },
    refreshSessionToken: { body: { refresh_token: reported.refreshToken } },
  }
}

function resourceExamples(): Record<string, Example> {
  const entries = resourceOperations.flatMap(({ id, kind, verb }): [string, Example][] => {
    if (verb === 'create') return [[id, { body: bodies[kind](nameOf(kind, 'new')) }]]
    return verb === 'replace' ? [[id, { ref: nameOf(kind, 'a'), body: bodies[kind](nameOf(kind, 'a')) }]] : []
  })
  return Object.fromEntries(entries)
}
