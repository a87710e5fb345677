/** Everything that runs in a serving process, opened in order. */
import type { Logger } from 'pino'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { Server } from '#contract/server.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import { Principals } from '#core/identity/principals.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { recordRefusal } from '#gateway/record.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { builtInServers, type BuiltInServers } from './built-in-servers.ts'
import { createControlParts, followChanges, sealerOf, type ControlParts } from './control-parts.ts'
import { declaredResources } from './declared-resources.ts'
import { describeError } from './describe-error.ts'
import { createEngine, type EngineOptions } from './engine.ts'
import { startMaintenance } from './maintenance.ts'
import { createManagement, type Management } from './management.ts'
import { closedIdentities } from './closed-identities.ts'
import { readSecretKey } from './secret-key.ts'
import { createOwnState, openSharedState, type ReplicaState } from './shared-state.ts'
import { makeDataFolder, openState, type State } from './state.ts'
import { systemClock } from './system-clock.ts'
import { tellingLines } from './telling-lines.ts'
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
  audit: AuditLog
  control: ControlParts
  host: string
  port: number
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
  const engine = createEngine({
    limits,
    separator: config.naming.separator,
    audit,
    onTrouble: tellOfTrouble(log),
    holdHttp: builtIn.holdHttp,
    shared: stored.shared,
  })
  resources.defer(() => engine.close())
  const { identities } = stored
  stored.onChange = () =>
    engine.apply({ servers: serversOf(snapshot), identities: feed.isStale ? closedIdentities(identities) : identities })
  declare(config, { snapshot, builtIn })
  await feed.start()
  resources.use(followChanges(stored.state, stored.shared))

  resources.use(openMaintenance(stored, { config, log }))
  const onError = (error: unknown, requestId: string): void =>
    log.error({ requestId, err: describeError(error) }, 'a defect')
  const management = resources.use(openManagement(stored.control, { config, audit, onError }))
  const placeOf = ({ listen }: LoadedConfig) => ({ ...listen, host: overrides.host ?? listen.host })
  let guards = createGuardOptions(placeOf(config))
  const { host } = placeOf(config)
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError,
    guards: () => guards,
    host,
    port: overrides.port ?? config.listen.port,
    management,
  })
  resources.defer(() => http.close(drainMs))
  return {
    audit,
    control: stored.control,
    host,
    port: http.port,
    dataPath,
    builtInKind: builtIn.kind,
    servers: () =>
      engine.registry.upstreams.map(({ server }) => ({ name: server.name, transport: server.transport.kind })),
    apply: (next) => {
      guards = createGuardOptions(placeOf(next))
      declare(next, { snapshot, builtIn })
      stored.onChange()
    },
  }
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
  /** After what is stored has changed. */
  onChange: () => void
}

async function openStored(
  { config, env }: HouseOptions,
  { dataPath, log, resources }: Opening & { dataPath: string },
): Promise<Stored> {
  const { postgres, redis } = config.storage
  const isAlone = postgres === undefined && redis === undefined
  const secret = readSecretKey(env, isAlone ? dataPath : null)
  const watch = { onChange: (): void => undefined }
  const state = await openState({
    dataPath,
    postgres,
    sealer: sealerOf(secret),
    log,
    resources,
    onChange: () => watch.onChange(),
  })
  const shared = redis === undefined ? createOwnState() : await openSharedState(redis, { log, resources })
  const identities = new Principals(state.snapshot, { hash: hashToken })
  const control = createControlParts({ state, shared, secret })
  return Object.assign(watch, { state, shared, identities, control })
}

type Declaring = { snapshot: ResourceSnapshot; builtIn: BuiltInServers }

function declare(config: LoadedConfig, { snapshot, builtIn }: Declaring): void {
  const standsIn = config.path === null && config.servers.length === 0
  snapshot.declare(declaredResources(config, standsIn ? builtIn.servers : config.servers))
  // A file has come where there was none: from now on its servers are all there are.
  if (config.path !== null) void builtIn.close()
}

/** What is offered now, declared and stored. */
function serversOf(snapshot: ResourceSnapshot): Server[] {
  return snapshot.all('server').map(({ name, spec }) => ({ name, ...spec }))
}

type ManagementParts = {
  config: LoadedConfig
  audit: AuditLog
  onError: (error: unknown, requestId: string) => void
}

function openManagement(control: ControlParts, { config, audit, onError }: ManagementParts): Management {
  return createManagement({
    ...control,
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
