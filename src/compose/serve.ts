/** `toolgate serve`: opens everything in order; the language closes it in reverse. */
import type { Logger } from 'pino'
import { configFileName } from '#config/config-file.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { watchConfig } from '#config/watch.ts'
import { toGatewayError } from '#contract/errors.ts'
import type { AuditRecorderLog } from '#core/audit/audit-recorder.ts'
import { recordConfigChange } from '#gateway/record.ts'
import { banner } from './banner.ts'
import { adminName } from './declared-resources.ts'
import type { FirstAdmin } from './first-admin.ts'
import { openHouse, type House, type HouseOptions } from './house.ts'
import { openLog, standardError } from './log.ts'
import { letYoungSpaceGrow } from './young-space.ts'

export type ServeOptions = HouseOptions & {
  isAdminTokenReset: boolean
  isAdminPasswordReset: boolean
  /** How a person calls this program, for advice. */
  program: string
  /** MCP clients on this machine that have a configuration. */
  clients: readonly string[]
  /** Resolves when the gateway shall end. */
  until: Promise<void>
  print: (text: string) => void
}

/** Rejects with the system's error where the address cannot be listened on, or the data folder not be used. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, env, until, print } = options
  const log = openLog(env, standardError())
  await using resources = new AsyncDisposableStack()
  const house = await openHouse(options, { log, resources })
  const { audit } = house
  // Only now is it certain that it will be shown.
  const admin = await openFirstAdmin(house, options)
  const onChange = (next: LoadedConfig): void => reload(next, { config, log, audit, apply: house.apply })
  resources.use(follow(config.path ?? configFileName, { config, env, log, audit, onChange }))
  print(
    banner({
      address: house.address,
      dataPath: house.dataPath,
      configPath: config.path,
      admin,
      servers: house.servers(),
      separator: config.naming.separator,
      kind: house.builtInKind,
      program: options.program,
      clients: options.clients,
    }),
  )
  letYoungSpaceGrow()
  await until
  log.info('ending: calls under way may finish')
}

/** Who runs for the hundredth time loads nothing of how the first admin is made. */
async function openFirstAdmin({ control }: House, options: ServeOptions): Promise<FirstAdmin> {
  const { isAdminTokenReset: isTokenReset, isAdminPasswordReset: isPasswordReset } = options
  const { index } = control
  const token = index.find('token', adminName)
  const owner = token && index.get('user', token.spec.owner.ref)
  const isThere = owner?.kind === 'user' && owner.spec.role === 'admin' && !owner.spec.isDisabled
  if (isThere && !isTokenReset && !isPasswordReset) return { name: owner.name, password: null, token: null }
  const { prepareFirstAdmin } = await import('./first-admin.ts')
  return prepareFirstAdmin(control, { isTokenReset, isPasswordReset })
}

type Following = {
  config: LoadedConfig
  env: ServeOptions['env']
  log: Logger
  audit: AuditRecorderLog
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

/** What needs a new start is said, and not half done. */
function reload(
  next: LoadedConfig,
  run: Pick<Following, 'config' | 'log' | 'audit'> & { apply: (next: LoadedConfig) => void },
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
  const fixed = ['listen', 'storage', 'vault', 'audit', 'naming', 'limits'] as const
  const changed = fixed.filter((key) => JSON.stringify(next[key]) !== JSON.stringify(run.config[key]))
  if (changed.length > 0) run.log.warn({ changed }, 'these take effect at the next start')
}
