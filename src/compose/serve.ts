/** `toolgate serve`: opens everything in order; the language closes it in reverse. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createSqlAuditLog } from '#adapters/sql/audit-log.ts'
import { openDatabase } from '#adapters/sql/database.ts'
import { createSqlTokenStore } from '#adapters/sql/token-store.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { configFileName } from '#cli/config-path.ts'
import { watchConfig } from '#config/watch.ts'
import { toGatewayError } from '#contract/errors.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import type { StoredToken } from '#core/identity/token-store.ts'
import { recordConfigChange } from '#gateway/record.ts'
import { compileIdentities } from '#gateway/identify.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { createEngine } from './engine.ts'
import { adminPolicy, prepareAdminToken } from './first-run.ts'
import { banner } from './banner.ts'
import { builtInServers } from './built-in-servers.ts'
import { openLog, standardError } from './log.ts'
import { tellingLines } from './telling-lines.ts'

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
  const { audit, tokens } = await openStores(dataPath, { resources, log })
  const admin = await prepareAdminToken(tokens, { now: Date.now(), isReset: options.isAdminTokenReset })

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
  const apply = (next: LoadedConfig): void => {
    engine.apply(snapshotOf(next, admin.tokens, builtIn.servers))
    // A file has come where there was none: from now on its servers are all there are.
    if (next.path !== null) void builtIn.close()
  }
  apply(config)

  const placeOf = ({ listen }: LoadedConfig) => ({ ...listen, host: overrides.host ?? listen.host })
  let guards = createGuardOptions(placeOf(config))
  const { host } = placeOf(config)
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError: (error, requestId) => log.error({ requestId, err: describe(error) }, 'a defect'),
    guards: () => guards,
    host,
    port: overrides.port ?? config.listen.port,
  })
  resources.defer(() => http.close(drainMs))
  // Only now is it certain that it will be shown.
  await admin.store()
  const onChange = (next: LoadedConfig): void => {
    guards = createGuardOptions(placeOf(next))
    reload(next, { config, apply, log, audit })
  }
  resources.use(follow(config.path ?? configFileName, { config, env, log, audit, onChange }))
  print(
    banner({
      address: addressOf({ host, port: http.port, publicUrl: config.listen.publicUrl }),
      dataPath,
      configPath: config.path,
      adminToken: admin.raw,
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

type Opening = { resources: AsyncDisposableStack; log: Logger }

async function openStores(dataPath: string, { resources, log }: Opening) {
  mkdirSync(dataPath, { recursive: true, mode: 0o700 })
  const database = await openDatabase({ path: join(dataPath, 'toolgate.db') })
  resources.defer(() => database.close())
  const onRefused = (cause: unknown, lost: number): void =>
    log.error({ err: describe(cause), lost }, 'audit events were not stored')
  const onLost = (lost: { calls: number; refusals: number }): void =>
    log.warn(lost, 'audit events found no room and were not stored')
  const audit = createSqlAuditLog({ database, onRefused, onLost })
  resources.defer(() => audit.close())
  return { audit, tokens: createSqlTokenStore(database) }
}

type Following = {
  config: LoadedConfig
  env: ServeOptions['env']
  log: Logger
  audit: AuditLog
  onChange: (next: LoadedConfig) => void
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

function snapshotOf(config: LoadedConfig, stored: readonly StoredToken[], builtIn: LoadedConfig['servers']) {
  const configured = config.tokens.map(({ name, hash, policies, expiresAt }) => ({
    id: `cfg_${name}`,
    name,
    hash,
    policies,
    expiresAt,
    createdAt: 0,
  }))
  const servers = config.path === null && config.servers.length === 0 ? builtIn : config.servers
  return { servers, identities: compileIdentities([...stored, ...configured], [adminPolicy, ...config.policies]) }
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

/** An error for the log, without what an upstream may have put in it. */
function describe(error: unknown): { name: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error, message: 'not an error' }
  const cause = error.cause instanceof Error ? error.cause : error
  return { name: cause.name, message: cause.message, stack: cause.stack }
}
