/** `toolgate serve`: opens everything in order; the language closes it in reverse. */
import type { Logger } from 'pino'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { configFileName } from '#config/config-file.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { watchConfig } from '#config/watch.ts'
import { toGatewayError } from '#contract/errors.ts'
import type { Server } from '#contract/server.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import { Principals } from '#core/identity/principals.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { recordConfigChange, recordRefusal } from '#gateway/record.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { banner } from './banner.ts'
import { builtInServers } from './built-in-servers.ts'
import { createControlParts, sealerOf } from './control-parts.ts'
import { declaredResources } from './declared-resources.ts'
import { describeError } from './describe-error.ts'
import { createEngine } from './engine.ts'
import { prepareFirstAdmin } from './first-admin.ts'
import { openLog, standardError } from './log.ts'
import { createManagement } from './management.ts'
import { readSecretKey } from './secret-key.ts'
import { makeDataFolder, openState } from './state.ts'
import { tellingLines } from './telling-lines.ts'
import { version } from './version.ts'

export type ServeOptions = {
  config: LoadedConfig
  /** Of the command line: they win over the configuration, and stay when it is reloaded. */
  overrides: { host?: string; port?: number; dataPath?: string }
  env: Readonly<Record<string, string | undefined>>
  isAdminTokenReset: boolean
  /** The file that runs this program. */
  mainPath: string
  /** How a person calls this program, for advice. */
  program: string
  /** MCP clients on this machine that have a configuration. */
  clients: readonly string[]
  /** Resolves when the gateway shall end. */
  until: Promise<void>
  print: (text: string) => void
}

const drainMs = 10_000

/** Rejects with the system's error where the address cannot be listened on, or the data folder not be used. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, overrides, env, until, print } = options
  const log = openLog(env, standardError())
  await using resources = new AsyncDisposableStack()
  const dataPath = overrides.dataPath ?? config.storage.path
  makeDataFolder(dataPath)
  const secret = readSecretKey(env, dataPath)
  let apply = (): void => undefined
  const state = await openState({ dataPath, sealer: sealerOf(secret), log, resources, onChange: () => apply() })
  const { audit, snapshot, feed } = state

  const builtIn = await builtInServers({ config, dataPath, mainPath: options.mainPath, log })
  resources.defer(() => builtIn.close())
  const { limits, naming } = config
  const engine = createEngine({
    limits,
    separator: naming.separator,
    audit,
    onTrouble: (server, error, diagnosis) =>
      log.warn({ server, code: error.code, details: error.details, stderr: tellingLines(diagnosis) }, 'a server fails'),
    holdHttp: builtIn.holdHttp,
  })
  resources.defer(() => engine.close())
  const identities = new Principals(snapshot, { hash: hashToken })
  const declare = (next: LoadedConfig): void => {
    const standsIn = next.path === null && next.servers.length === 0
    snapshot.declare(declaredResources(next, standsIn ? builtIn.servers : next.servers))
    // A file has come where there was none: from now on its servers are all there are.
    if (next.path !== null) void builtIn.close()
  }
  declare(config)
  apply = () => engine.apply({ servers: serversOf(snapshot), identities })
  await feed.start()

  const placeOf = ({ listen }: LoadedConfig) => ({ ...listen, host: overrides.host ?? listen.host })
  let guards = createGuardOptions(placeOf(config))
  const { host } = placeOf(config)
  const control = createControlParts(state, identities, secret)
  const onError = (error: unknown, requestId: string): void =>
    log.error({ requestId, err: describeError(error) }, 'a defect')
  const management = resources.use(
    createManagement({
      ...control,
      limits,
      version,
      nextRequestId: () => randomId('req'),
      onRefusal: ({ requestId, method, path }, error) => {
        const at = Date.now()
        const request = { requestId, method, endpoint: path, principal: null, receivedAt: at }
        recordRefusal(audit, request, { error, at })
      },
      onError,
    }),
  )
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
  // Only now is it certain that it will be shown.
  const admin = await prepareFirstAdmin(control, { isReset: options.isAdminTokenReset })
  const onChange = (next: LoadedConfig): void => {
    guards = createGuardOptions(placeOf(next))
    reload(next, {
      config,
      log,
      audit,
      apply: () => {
        declare(next)
        apply()
      },
    })
  }
  resources.use(follow(config.path ?? configFileName, { config, env, log, audit, onChange }))
  print(
    banner({
      address: addressOf({ host, port: http.port, publicUrl: config.listen.publicUrl }),
      dataPath,
      configPath: config.path,
      admin,
      servers: engine.registry.upstreams.map(({ server }) => ({ name: server.name, transport: server.transport.kind })),
      separator: naming.separator,
      kind: builtIn.kind,
      program: options.program,
      clients: options.clients,
    }),
  )
  await until
  log.info('ending: calls under way may finish')
}

type Following = {
  config: LoadedConfig
  env: ServeOptions['env']
  log: Logger
  audit: AuditLog
  onChange: (next: LoadedConfig) => void
}

/** What is offered now, declared and stored. */
function serversOf(snapshot: ResourceSnapshot): Server[] {
  return snapshot.all('server').map(({ name, spec }) => ({ name, ...spec }))
}

function follow(path: string, { config, env, log, audit, onChange }: Following): Disposable {
  const watched = watchConfig({
    path,
    env,
    current: config.path === null ? null : config,
    onChange,
    onError: (error) => {
      recordConfigChange(audit, { at: Date.now(), outcome: 'config_invalid' })
      log.error({ problem: error.message }, 'the configuration was not applied; the old one stays')
    },
  })
  return { [Symbol.dispose]: () => watched.close() }
}

/** What needs a new start is said, and not half done. */
function reload(
  next: LoadedConfig,
  run: Pick<Following, 'config' | 'log' | 'audit'> & { apply(next: LoadedConfig): void },
): void {
  try {
    run.apply(next)
  } catch (error) {
    const { code, details } = toGatewayError(error)
    recordConfigChange(run.audit, { at: Date.now(), outcome: code })
    run.log.error({ problem: details }, 'the configuration was not applied; the old one stays')
    return
  }
  recordConfigChange(run.audit, { at: Date.now(), outcome: 'ok' })
  run.log.info({ servers: next.servers.length, tokens: next.tokens.length }, 'the configuration was applied')
  const fixed = ['listen', 'storage', 'naming', 'limits'] as const
  const changed = fixed.filter((key) => JSON.stringify(next[key]) !== JSON.stringify(run.config[key]))
  if (changed.length > 0) run.log.warn({ changed }, 'these take effect at the next start')
}

/** Where clients of this machine reach the gateway; without a slash at its end. */
function addressOf({ host, port, publicUrl }: { host: string; port: number; publicUrl: string | undefined }): string {
  const shownHost = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return (publicUrl ?? `http://${shownHost}:${port}`).replace(/\/$/, '')
}
