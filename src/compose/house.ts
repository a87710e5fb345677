/** Everything that runs in a serving process, opened in order. */
import type { Logger } from 'pino'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { AuditRecorderLog } from '#core/audit/audit-recorder.ts'
import { connectUrl } from '#core/credential/connect-link.ts'
import { StoredBook } from '#core/credential/stored-book.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { withSessions } from '#gateway/broker.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { createAgentSessions, type AgentSessions } from './agent-sessions.ts'
import { builtInServers, type BuiltInServers } from './built-in-servers.ts'
import { challengesOver } from './challenge-probe.ts'
import { closedIdentities } from './closed-identities.ts'
import { followChanges, type ControlParts } from './control-parts.ts'
import { startTending, watchCredentials } from './credential-life.ts'
import { declaredResources } from './declared-resources.ts'
import { describeError } from './describe-error.ts'
import { openDoor } from './door.ts'
import { createServerEgress } from './egress.ts'
import { createEngine, type EngineOptions } from './engine.ts'
import { layFoundation, type Foundation, type FoundationOptions, type Opening } from './foundation.ts'
import { startMaintenance } from './maintenance.ts'
import { createOAuth } from './oauth.ts'
import { createServerCredentials, type ServerCredentials, type ServerCredentialsOptions } from './server-credentials.ts'
import { checkDeclared, createServedServers } from './served-servers.ts'
import { makeDataFolder } from './state.ts'
import { systemClock } from './system-clock.ts'
import { tellingLines } from './telling-lines.ts'

export type HouseOptions = Pick<FoundationOptions, 'config' | 'env'> & {
  /** Of the command line: they win over the configuration, and stay when it is reloaded. */
  overrides: { host?: string; port?: number; dataPath?: string }
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

export async function openHouse(options: HouseOptions, opening: Opening): Promise<House> {
  const { config, env, overrides, mainPath } = options
  const { log, resources } = opening
  const dataPath = overrides.dataPath ?? config.storage.path
  makeDataFolder(dataPath)
  const foundation = await layFoundation({ config, env, dataPath }, opening)
  const { state, shared, control } = foundation
  const { audit, snapshot, feed } = state
  const builtIn = await builtInServers({ config, dataPath, mainPath, log })
  resources.defer(() => builtIn.close())
  const onTrouble = tellOfTrouble(log)
  const egress = createServerEgress(snapshot, config.egress.allow)
  const oauth = createOAuth(egress)
  const onFailure = (server: string, error: GatewayError) => onTrouble(server, error, '')
  const credentials = openCredentials(foundation, { oauth, onFailure })
  const toServers = { egress: egress.of, credentialOf: credentials.of, holdHttp: builtIn.holdHttp, onTrouble }
  const engine = openEngine(foundation, config, toServers)
  resources.defer(() => engine.close())
  const agents = resources.use(openAgentSessions(foundation, { config, log }))
  const broker = agents.createBroker(engine)
  const identities = withSessions(foundation.identities, broker)
  const servers = createServedServers({ snapshot, onTrouble: onFailure })
  const tellOfCredentials = watchCredentials({ ...credentials, snapshot, engine })
  foundation.onChange = () => {
    engine.apply({ servers: servers(), identities: feed.isStale ? closedIdentities(identities) : identities })
    tellOfCredentials()
  }
  declare(config, { snapshot, builtIn })
  await feed.start()
  resources.use(followChanges(state, shared))
  await agents.start()
  const auditDays = config.audit.retentionDays || null
  resources.use(startMaintenance({ ...state, locks: shared.locks, clock: systemClock, log, auditDays }))
  resources.use(startTending({ ...credentials, engine, locks: shared.locks, log }))
  const connecting = { servers, oauth, challengeOf: challengesOver(egress) }
  const door = await openDoor(foundation, { config, at: overrides, engine, agents, broker, connecting }, opening)
  return {
    audit,
    control,
    address: door.address,
    dataPath,
    builtInKind: builtIn.kind,
    servers: () =>
      engine.registry.upstreams.map(({ server }) => ({ name: server.name, transport: server.transport.kind })),
    apply: (next) => {
      door.guard(next)
      declare(next, { snapshot, builtIn })
      egress.open(next.egress.allow)
      foundation.onChange()
    },
  }
}

type ToServers = Pick<EngineOptions, 'egress' | 'credentialOf' | 'holdHttp' | 'onTrouble'>

function openEngine({ state, shared, stateSecrets }: Foundation, config: LoadedConfig, toServers: ToServers): Gateway {
  const { limits, naming, listen, storage } = config
  return createEngine({
    ...toServers,
    limits,
    separator: naming.separator,
    audit: state.audit,
    publicUrl: listen.publicUrl,
    shared: { ...shared, stateSecrets },
    ...(storage.redis !== undefined && { counters: shared.counters }),
  })
}

function tellOfTrouble(log: Logger): EngineOptions['onTrouble'] {
  return (server, error, diagnosis) =>
    log.warn({ server, code: error.code, details: error.details, stderr: tellingLines(diagnosis) }, 'a server fails')
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

function openAgentSessions(
  foundation: Foundation,
  { config, log }: { config: LoadedConfig; log: Logger },
): AgentSessions {
  const { state, shared, control } = foundation
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
    baseUrl: () => foundation.url,
    onError: (error) => log.error({ err: describeError(error) }, 'sessions of agents cannot be followed'),
  })
}

type OfOwn = Pick<ServerCredentialsOptions, 'oauth' | 'onFailure'>

function openCredentials(foundation: Foundation, own: OfOwn): ServerCredentials {
  const { state, control, linkSealer } = foundation
  const { store, snapshot } = state
  const links = { sealer: linkSealer, clock: systemClock, baseUrl: () => foundation.url }
  return createServerCredentials({
    book: new StoredBook({ store, snapshot, clock: systemClock, announce: control.announce }),
    changes: control.changes,
    index: snapshot,
    connectUrl: (server, owner) => connectUrl(links, server, { owner }),
    ...own,
  })
}
