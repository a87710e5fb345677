/** Everything that runs in a serving process, opened in order. */
import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { AuditRecorderLog } from '#core/audit/audit-recorder.ts'
import { connectUrl } from '#core/credential/connect-link.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import { StoredBook } from '#core/credential/stored-book.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import { Principals } from '#core/identity/principals.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { recordRefusal } from '#gateway/record.ts'
import { withSessions, type Broker } from '#gateway/broker.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { toCountedAddress } from '#http/client-ranges.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { addressOf } from './address.ts'
import { createAgentSessions, type AgentSessions } from './agent-sessions.ts'
import { builtInServers, type BuiltInServers } from './built-in-servers.ts'
import { challengesOver } from './challenge-probe.ts'
import { createConnections, type Connections, type ConnectionsOptions } from './connections.ts'
import { startTending, watchCredentials } from './credential-life.ts'
import { createControlParts, followChanges, type ControlParts } from './control-parts.ts'
import { declaredResources } from './declared-resources.ts'
import { linkSealerOf, stateSecretsOf } from './derived-keys.ts'
import { describeError } from './describe-error.ts'
import { createServerEgress } from './egress.ts'
import { createEngine, type EngineOptions } from './engine.ts'
import { startMaintenance } from './maintenance.ts'
import { createManagement, type Management, type ManagementOptions } from './management.ts'
import { closedIdentities } from './closed-identities.ts'
import { readSecretKey, secretFolder } from './secret-key.ts'
import { createOAuth } from './oauth.ts'
import { createServerCredentials, type ServerCredentials } from './server-credentials.ts'
import { checkDeclared, createServedServers } from './served-servers.ts'
import { createOwnState, openSharedState, type ReplicaState } from './shared-state.ts'
import { makeDataFolder, openState, type State } from './state.ts'
import { systemClock } from './system-clock.ts'
import { tellingLines } from './telling-lines.ts'
import { openVault } from './vault.ts'
import { version } from './version.ts'

export type HouseOptions = {
  config: LoadedConfig
  /** Of the command line: they win over the configuration, and stay when it is reloaded. */
  overrides: { host?: string; port?: number; dataPath?: string }
  env: Readonly<Record<string, string | undefined>>
  /** The file that runs this program. */
  mainPath: string
}

export type House = {
  audit: AuditRecorderLog
  control: ControlParts
  /** How clients of this machine reach it. */
  address: string
  dataPath: string
  builtInKind: BuiltInServers['kind']
  servers: () => { name: string; transport: string }[]
  /** Takes a changed configuration. */
  apply: (next: LoadedConfig) => void
}

type Opening = { log: Logger; resources: AsyncDisposableStack }

const drainMs = 10_000

export async function openHouse(options: HouseOptions, { log, resources }: Opening): Promise<House> {
  const { config, overrides } = options
  const { limits } = config
  const dataPath = overrides.dataPath ?? config.storage.path
  makeDataFolder(dataPath)
  const stored = await openStored(options, { dataPath, log, resources })
  const { audit, snapshot, feed } = stored.state
  const builtIn = await builtInServers({ config, dataPath, mainPath: options.mainPath, log })
  resources.defer(() => builtIn.close())
  const egress = createServerEgress(snapshot, config.egress.allow)
  const oauth = createOAuth(egress)
  const place: Place = { url: null }
  const credentials = openCredentials(stored, { oauth, place })
  const engine = createEngine({
    limits,
    separator: config.naming.separator,
    audit,
    onTrouble: tellOfTrouble(log),
    publicUrl: config.listen.publicUrl,
    egress: egress.of,
    credentialOf: credentials.of,
    holdHttp: builtIn.holdHttp,
    shared: { ...stored.shared, stateSecrets: stored.stateSecrets },
    ...(config.storage.redis !== undefined && { counters: stored.shared.counters }),
  })
  resources.defer(() => engine.close())
  const agents = resources.use(openAgentSessions(stored, { config, place, log }))
  const broker = agents.createBroker(engine)
  const identities = withSessions(stored.identities, broker)
  const onTrouble = tellOfTrouble(log)
  const servedServers = createServedServers({ snapshot, onTrouble: (server, error) => onTrouble(server, error, '') })
  const tellOfCredentials = watchCredentials({ ...credentials, snapshot, engine })
  stored.onChange = () => {
    engine.apply({ servers: servedServers(), identities: feed.isStale ? closedIdentities(identities) : identities })
    tellOfCredentials()
  }
  declare(config, { snapshot, builtIn })
  await feed.start()
  resources.use(followChanges(stored.state, stored.shared))
  await agents.start()
  resources.use(openMaintenance(stored, { config, log }))
  resources.use(startTending({ ...credentials, engine, locks: stored.shared.locks, log }))
  const connecting = { servers: servedServers, oauth, challengeOf: challengesOver(egress) }
  const door = await openDoor(stored, { options, engine, agents, broker, place, connecting, log, resources })
  return {
    audit,
    control: stored.control,
    address: door.address,
    dataPath,
    builtInKind: builtIn.kind,
    servers: () =>
      engine.registry.upstreams.map(({ server }) => ({ name: server.name, transport: server.transport.kind })),
    apply: (next) => {
      door.guard(next)
      declare(next, { snapshot, builtIn })
      egress.open(next.egress.allow)
      stored.onChange()
    },
  }
}

type Door = { address: string; guard: (next: LoadedConfig) => void }

type DoorParts = Opening & {
  options: HouseOptions
  engine: Gateway
  agents: AgentSessions
  broker: Broker
  place: Place
  connecting: Connecting
}

/** What is reached over HTTP: calls, the broker, the management API, the pages of connections. */
async function openDoor(stored: Stored, parts: DoorParts): Promise<Door> {
  const { options, engine, agents, broker, place, connecting, log, resources } = parts
  const { config, overrides } = options
  const onError = (error: unknown, requestId: string): void =>
    log.error({ requestId, err: describeError(error) }, 'a defect')
  const { audit } = stored.state
  const placeOf = ({ listen }: LoadedConfig) => ({ ...listen, host: overrides.host ?? listen.host })
  let guards = createGuardOptions(placeOf(config))
  const clientOf = (request: IncomingMessage): string => toCountedAddress(request, guards.clients)
  const isStale = (): boolean => stored.state.feed.isStale
  const visits = { config, clientOf, isStale, onError }
  const connections = openConnections(stored, { ...connecting, ...visits, place })
  const management = resources.use(
    openManagement(stored.control, { ...visits, audit, agents, connecting: connections }),
  )
  const { host } = placeOf(config)
  const http = await listen({
    gateway: engine,
    limits: config.limits,
    randomId,
    now: Date.now,
    onError,
    guards: () => guards,
    host,
    port: overrides.port ?? config.listen.port,
    management,
    connect: connections,
    broker,
    whyNotReady: () => (isStale() ? 'storage_unavailable' : null),
  })
  resources.defer(() => http.close(drainMs))
  place.url = addressOf({ host, port: http.port, publicUrl: config.listen.publicUrl })
  return { address: place.url, guard: (next) => (guards = createGuardOptions(placeOf(next))) }
}

function tellOfTrouble(log: Logger): EngineOptions['onTrouble'] {
  return (server, error, diagnosis) =>
    log.warn({ server, code: error.code, details: error.details, stderr: tellingLines(diagnosis) }, 'a server fails')
}

function openMaintenance({ state, shared }: Stored, { config, log }: { config: LoadedConfig; log: Logger }) {
  const auditDays = config.audit.retentionDays || null
  return startMaintenance({ ...state, locks: shared.locks, clock: systemClock, log, auditDays })
}

type Stored = {
  state: State
  shared: ReplicaState
  identities: Principals
  control: ControlParts
  stateSecrets: readonly string[]
  linkSealer: Sealer
  /** After what is stored has changed. */
  onChange: () => void
}

async function openStored(
  { config, env }: HouseOptions,
  { dataPath, log, resources }: Opening & { dataPath: string },
): Promise<Stored> {
  const { postgres, redis } = config.storage
  const secret = readSecretKey(env, secretFolder(config.storage, dataPath))
  const watch = { onChange: (): void => undefined }
  const state = await openState({
    dataPath,
    postgres,
    openVault: (database) => openVault(database, { secret, config: config.vault, env }),
    recording: { payloads: config.audit.payloads, limits: config.limits },
    log,
    resources,
    onChange: () => watch.onChange(),
  })
  const shared = redis === undefined ? createOwnState() : await openSharedState(redis, { log, resources })
  const identities = new Principals(state.snapshot, { hash: hashToken })
  const control = createControlParts({
    state,
    shared,
    secret,
    limits: config.limits,
    publicUrl: config.listen.publicUrl ?? null,
  })
  const derived = { stateSecrets: stateSecretsOf(secret), linkSealer: linkSealerOf(secret) }
  return Object.assign(watch, { state, shared, identities, control, ...derived })
}

type Declaring = { snapshot: ResourceSnapshot; builtIn: BuiltInServers }

/** @throws GatewayError `config_invalid`, before anything is changed: what is stored and cannot be served is left out, but nobody declares that */
function declare(config: LoadedConfig, { snapshot, builtIn }: Declaring): void {
  checkDeclared(config)
  const standsIn = config.path === null && config.servers.length === 0
  snapshot.declare(declaredResources(config, standsIn ? builtIn.servers : config.servers))
  // A file has come where there was none: from now on its servers are all there are.
  if (config.path !== null) void builtIn.close()
}

/** Known once it is listened there. */
type Place = { url: string | null }

type AgentParts = { config: LoadedConfig; place: Place; log: Logger }

function openAgentSessions({ state, shared, control }: Stored, { config, place, log }: AgentParts): AgentSessions {
  const { store, changes, newId, keys, counters } = control
  return createAgentSessions({
    store,
    changes,
    newId,
    keys,
    snapshot: state.snapshot,
    sessions: state.sessions,
    clock: systemClock,
    bus: shared.bus,
    counters,
    limits: config.limits,
    hash: hashToken,
    snapshotAgeMs: () => state.feed.ageMs,
    baseUrl: () => place.url,
    onError: (error) => log.error({ err: describeError(error) }, 'sessions of agents cannot be followed'),
  })
}

type ManagementParts = {
  config: LoadedConfig
  audit: AuditRecorderLog
  agents: AgentSessions
  connecting: Connections
  clientOf: ManagementOptions['clientOf']
  isStale: ManagementOptions['isStale']
  onError: (error: unknown, requestId: string) => void
}

function openManagement(control: ControlParts, parts: ManagementParts): Management {
  const { config, audit, onError, ...others } = parts
  return createManagement({
    ...control,
    ...others,
    limits: config.limits,
    version,
    nextRequestId: () => randomId('req'),
    onRefusal: ({ requestId, method, path }, error) => {
      const at = Date.now()
      const request = { requestId, method, endpoint: path, principal: null, receivedAt: at }
      recordRefusal(audit, request, { error, at })
    },
    onError,
  })
}

type CredentialParts = { oauth: OAuthClient; place: Place }

function openCredentials({ state, control, linkSealer }: Stored, { oauth, place }: CredentialParts): ServerCredentials {
  const { store, snapshot } = state
  const links = { sealer: linkSealer, clock: systemClock, baseUrl: () => place.url }
  return createServerCredentials({
    book: new StoredBook({ store, snapshot, clock: systemClock, announce: control.announce }),
    changes: control.changes,
    index: snapshot,
    connectUrl: (server, owner) => connectUrl(links, server, { owner }),
    oauth,
  })
}

type Connecting = Pick<ConnectionsOptions, 'servers' | 'oauth' | 'challengeOf'>
type Visits = Pick<ConnectionsOptions, 'clientOf' | 'isStale' | 'onError'> & { config: LoadedConfig; place: Place }

function openConnections({ state, control, linkSealer }: Stored, parts: Connecting & Visits): Connections {
  const { config, place, ...others } = parts
  const baseUrl = (): string | null => place.url
  return createConnections({ ...others, control, flows: state.flows, linkSealer, baseUrl, limits: config.limits })
}
