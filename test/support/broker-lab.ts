/** A gateway with agents, their sessions and the broker in front of servers that a test plays, and everything that it tells anybody. */
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { createMemoryAuditLog } from '#adapters/memory/audit-log.ts'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import { createMemorySessionStore } from '#adapters/memory/session-store.ts'
import { createAgentSessions } from '#compose/agent-sessions.ts'
import { operatorEgress } from '#compose/egress.ts'
import { createEngine } from '#compose/engine.ts'
import { systemClock } from '#compose/system-clock.ts'
import { Limits } from '#contract/limits.ts'
import { Server } from '#contract/server.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import type { HarnessMcpServerSpec, StartedSession } from '#contract/session.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import { Principals } from '#core/identity/principals.ts'
import type { SessionsControl } from '#control/sessions.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { SessionStore } from '#core/session/session-store.ts'
import { withSessions, type Broker } from '#gateway/broker.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { look, lookAtTrouble } from './planted.ts'
import { withPlant } from './planted/definitions.ts'
import { both } from './raw-client.ts'
import { rawToken, type RawGateway } from './raw-gateway.ts'
import { exchange, parseJson, type Json, type RawAnswer } from './raw-http.ts'
import { resource } from './resources.ts'
import { admin } from './session-world.ts'
import { gatewayCredentials } from './leases.ts'

export type BrokerLabOptions = {
  /** Definitions as in the configuration. */
  servers: readonly Record<string, unknown>[]
  resources?: readonly Resource[]
  signingKey?: string
  limits?: Record<string, unknown>
  /** Of the replicas that it is one of. */
  sessions?: SessionStore
  bus?: Bus
}

/** Every call of the store that is made. */
type Asked = { store: string[] }

export type BrokerLab = RawGateway & {
  snapshot: ResourceSnapshot
  agents: { control: SessionsControl }
  broker: Broker
  asked: Asked
  changes: ChangeEvent[]
  /** False: this replica has not heard of the store for too long. */
  knows: { isCurrent: boolean; baseUrl: string | null; internalRanges: string[] }
  put(...changed: Resource[]): void
  start(agent: string): Promise<StartedSession>
  keys: ReturnType<typeof createSessionKeys>
}

export async function startBrokerLab(options: BrokerLabOptions): Promise<BrokerLab> {
  const limits = Limits.parse(options.limits ?? {})
  const log = createMemoryAuditLog({ ringMax: 10_000 })
  const troubles: RawGateway['troubles'] = []
  const [defects, changes]: [unknown[], ChangeEvent[]] = [[], []]
  const snapshot = new ResourceSnapshot()
  const knows: BrokerLab['knows'] = { isCurrent: true, baseUrl: null, internalRanges: ['127.0.0.1'] }
  const asked: Asked = { store: [] }
  const keys = createSessionKeys({ current: Buffer.from(options.signingKey ?? 'k'.repeat(40)), previous: null })
  const agents = createAgentSessions({
    snapshot,
    store: storeOf(snapshot),
    sessions: watched(options.sessions ?? createMemorySessionStore(), asked),
    changes: { append: (event) => void changes.push(event) },
    newId: randomId,
    keys,
    clock: systemClock,
    bus: options.bus ?? createMemoryBus(),
    counters: createMemoryCounters({ clock: systemClock }),
    limits,
    hash: hashToken,
    snapshotAgeMs: () => (knows.isCurrent ? 0 : Infinity),
    baseUrl: () => knows.baseUrl,
    onError: (error) => defects.push(error),
  })
  const engine = createEngine({
    credentialOf: gatewayCredentials().of,
    limits,
    separator: '__',
    audit: log,
    egress: () => operatorEgress,
    onTrouble: (server, error, diagnosis) => {
      lookAtTrouble(error, server, diagnosis)
      troubles.push({
        server,
        code: error.code,
        text: `${error.message} ${JSON.stringify(error.details)} ${diagnosis}`,
      })
    },
  })
  const broker = agents.createBroker(engine)
  const identities = withSessions(new Principals(snapshot, { hash: hashToken }), broker)
  const put = (...changed: Resource[]): void => {
    snapshot.apply({ changed, deleted: [], isWhole: false })
    const servers = snapshot
      .all('server')
      .map(({ id, name, spec }) => ({ ...resolveSecrets({ name, ...spec }, noSecrets), id }))
    engine.apply({ servers, identities })
  }
  put(...resourcesOf(options))
  await agents.start()
  const control = await agents.control()
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError: (error) => defects.push(error),
    guards: () => {
      const { internalRanges } = knows
      return createGuardOptions({ host: '127.0.0.1', allowedHosts: [], allowedOrigins: [], internalRanges })
    },
    host: '127.0.0.1',
    port: 0,
    broker,
  })
  const url = `http://127.0.0.1:${http.port}`
  knows.baseUrl = url
  return {
    engine,
    http,
    port: http.port,
    url,
    troubles,
    defects,
    audit: () => log.list({ limit: 10_000 }),
    snapshot,
    agents: { control },
    broker,
    asked,
    changes,
    knows,
    put,
    keys,
    start: (agent) => control.create(admin, { agent }),
    async [Symbol.asyncDispose]() {
      agents[Symbol.dispose]()
      await http.close(0)
      await engine.close()
      look('audit', JSON.stringify([await log.list({ limit: 10_000 }), changes]))
      lookAtTrouble(defects)
    },
  }
}

/** The token `a` may everything, as an admin's may. */
function resourcesOf({ servers, resources = [] }: BrokerLabOptions): Resource[] {
  const owned = { owner: { kind: 'user', ref: 'usr_owner' }, policies: ['pol_everything'] }
  return [
    resource('user', 'owner', { role: 'admin' }),
    resource('policy', 'everything', { default: 'execute' }),
    resource('token', 'a', { ...owned, digest: hashToken(rawToken('a')) }),
    ...servers.map((definition) => toServerResource(definition)),
    ...resources,
  ]
}

export function toServerResource(definition: Record<string, unknown>): Resource<'server'> {
  const { name, ...spec } = Server.parse({ isolation: 'principal', timeoutMs: 2_000, ...withPlant(definition) })
  return { ...resource('server', name), spec }
}

function storeOf(snapshot: ResourceSnapshot) {
  const store = {
    get: async (kind: 'agent', id: string) => snapshot.get(kind, id) ?? null,
    find: async (kind: 'agent', name: string) => snapshot.find(kind, name) ?? null,
  }
  return store as unknown as Parameters<typeof createAgentSessions>[0]['store']
}

/** The store, with a note of everything that it is asked, but the look that is taken all the time. */
function watched(store: SessionStore, asked: Asked): SessionStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      if (name !== 'changesSince') asked.store.push(String(name))
      return Reflect.get(target, name, receiver)
    },
  })
}

/** The one server that a session is told of, unless another one is named. */
export function specOf({ harness }: StartedSession, name?: string): HarnessMcpServerSpec {
  const spec = harness.mcp_servers.find((one) => name === undefined || one.name === name)
  if (!spec) throw new Error(`the session has no server ${name}`)
  return spec
}

export type Sending = { token?: string | null; headers?: Record<string, string>; method?: string }

/** A message at a broker address. `token` null: without the header. */
export function send(spec: HarnessMcpServerSpec, body: unknown, options: Sending = {}): Promise<RawAnswer> {
  const { token = spec.auth_token ?? null, headers = {}, method = 'POST' } = options
  const bearer: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  return exchange(spec.url, {
    method,
    headers: { ...both, ...bearer, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

export const call = (name: string, args: Json = {}, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

export type McpClient = {
  id: string
  headers: Record<string, string>
  post(body: unknown): Promise<RawAnswer>
  request(method: string, params?: Json): Promise<Json>
}

/** Opens a legacy session at a broker address. */
export async function openAt(spec: HarnessMcpServerSpec, revision = '2025-11-25'): Promise<McpClient> {
  const clientInfo = { name: 'harness', version: '1' }
  const params = { protocolVersion: revision, capabilities: {}, clientInfo }
  const opened = await send(spec, { jsonrpc: '2.0', id: 'init', method: 'initialize', params })
  const id = String(opened.headers['mcp-session-id'] ?? '')
  if (id === '') throw new Error(`initialize was answered with ${opened.status} ${opened.text}`)
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': revision }
  const post = (body: unknown): Promise<RawAnswer> => send(spec, body, { headers })
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return {
    id,
    headers,
    post,
    request: async (method, params = {}) => parseJson((await post({ jsonrpc: '2.0', id: 1, method, params })).text),
  }
}
