/** `toolgate serve`: opens everything in order; the language closes it in reverse. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino, type Logger } from 'pino'
import { createSqlAuditLog } from '#adapters/sql/audit-log.ts'
import { openDatabase } from '#adapters/sql/database.ts'
import { createSqlTokenStore } from '#adapters/sql/token-store.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { watchConfig } from '#config/watch.ts'
import { toGatewayError } from '#contract/errors.ts'
import type { StoredToken } from '#core/identity/token-store.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { createEngine } from './engine.ts'
import { adminPolicy, ensureAdminToken } from './first-run.ts'
import { banner, type Banner } from './banner.ts'
import { builtInServers } from './built-in-servers.ts'

export type ServeOptions = {
  config: LoadedConfig
  env: Readonly<Record<string, string | undefined>>
  isAdminTokenReset: boolean
  /** Resolves when the gateway shall end. */
  until: Promise<void>
  print: (text: string) => void
}

const drainMs = 10_000

export async function serve({ config, env, isAdminTokenReset, until, print }: ServeOptions): Promise<void> {
  const log = pino({ level: env['TOOLGATE_LOG_LEVEL'] ?? 'info' }, pino.destination({ dest: 2, sync: false }))
  await using resources = new AsyncDisposableStack()
  mkdirSync(config.storage.path, { recursive: true, mode: 0o700 })
  const database = await openDatabase({ path: join(config.storage.path, 'toolgate.db') })
  resources.defer(() => database.close())
  const onRefused = (cause: unknown, lost: number): void =>
    log.error({ err: describe(cause), lost }, 'audit events were not stored')
  const audit = createSqlAuditLog({ database, onRefused })
  resources.defer(() => audit.close())
  const tokens = createSqlTokenStore(database)
  const adminToken = await ensureAdminToken(tokens, { now: Date.now(), isReset: isAdminTokenReset })

  const builtIn = await builtInServers(config, log)
  resources.defer(() => builtIn.close())
  const { limits, naming } = config
  const engine = createEngine({
    limits,
    separator: naming.separator,
    audit,
    onTrouble: (server, error, diagnosis) =>
      log.warn({ server, code: error.code, details: error.details, stderr: diagnosis.slice(-500) }, 'a server fails'),
  })
  resources.defer(() => engine.close())
  const stored = await tokens.listTokens()
  const apply = (next: LoadedConfig): void => engine.apply(snapshotOf(next, stored, builtIn.servers))
  apply(config)

  let guards = createGuardOptions(config.listen)
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError: (error, requestId) => log.error({ requestId, err: describe(error) }, 'a defect'),
    guards: () => guards,
    host: config.listen.host,
    port: config.listen.port,
  })
  resources.defer(() => http.close(drainMs))
  if (config.path !== null) {
    const watched = watchConfig({
      path: config.path,
      env,
      current: config,
      onChange: (next) => {
        guards = createGuardOptions(next.listen)
        reload(next, { config, apply, log })
      },
      onError: (error) => log.error({ problem: error.message }, 'the configuration was not applied; the old one stays'),
    })
    resources.defer(() => watched.close())
  }
  print(banner(toBanner(config, { engine, port: http.port, adminToken, note: builtIn.note })))
  await until
  log.info('ending: calls under way may finish')
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
  const servers = config.servers.length > 0 ? config.servers : builtIn
  return { servers, policies: [adminPolicy, ...config.policies], tokens: [...stored, ...configured] }
}

/** What needs a new start is said, and not half done. */
function reload(next: LoadedConfig, run: { config: LoadedConfig; apply(next: LoadedConfig): void; log: Logger }): void {
  try {
    run.apply(next)
  } catch (error) {
    run.log.error({ problem: toGatewayError(error).details }, 'the configuration was not applied; the old one stays')
    return
  }
  run.log.info({ servers: next.servers.length, tokens: next.tokens.length }, 'the configuration was applied')
  const fixed = ['listen', 'storage', 'naming', 'limits'] as const
  const changed = fixed.filter((key) => JSON.stringify(next[key]) !== JSON.stringify(run.config[key]))
  if (changed.length > 0) run.log.warn({ changed }, 'these take effect at the next start')
}

function toBanner(
  config: LoadedConfig,
  run: { engine: Gateway; port: number; adminToken: string | null; note: string | null },
): Banner {
  const { host, publicUrl } = config.listen
  const shownHost = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return {
    address: (publicUrl ?? `http://${shownHost}:${run.port}`).replace(/\/$/, ''),
    dataPath: config.storage.path,
    configPath: config.path,
    adminToken: run.adminToken,
    servers: run.engine.registry.upstreams.map(({ server }) => ({
      name: server.name,
      transport: server.transport.kind,
    })),
    note: run.note,
  }
}

/** An error for the log, without what an upstream may have put in it. */
function describe(error: unknown): { name: string; message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { name: typeof error, message: 'not an error' }
  const cause = error.cause instanceof Error ? error.cause : error
  return { name: cause.name, message: cause.message, stack: cause.stack }
}
