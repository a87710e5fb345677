/** What a program says when it makes a gateway. */
import { Limits } from '#contract/limits.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { ConfigurationError, type McpError } from './errors.ts'
import { PermissionManager } from './permission-manager.ts'

/** Where a question comes from. */
export type Asker = {
  /** The real name of the server. */
  server: string
  /** The call's own; undefined where it has none, or the question belongs to no call that is known. */
  signal: AbortSignal | undefined
}

/** Answers a question of a server with the result that MCP wants for it. What it throws ends the call and reaches whoever made it. */
export type Answerer = (params: JsonObject, asker: Asker) => JsonObject | Promise<JsonObject>

export type GatewayOptions = {
  /** Sizes, times and counts; what is left out keeps its default. */
  limits?: Partial<Limits>
  /** Who may list and call what. Without it, whoever holds the gateway may do everything. */
  permissions?: PermissionManager
  /** Takes one event for each call. Default: the last 10,000 in memory. A log that is given is not closed by the gateway. */
  auditLog?: AuditLog
  /** How long a call may be silent, in milliseconds, for servers that do not say it themselves. Default: 30,000. */
  defaultTimeoutMs?: number
  /** Answers `elicitation/create` with `{ action, content }`. Without it servers are told that nobody can be asked. */
  onElicit?: Answerer
  /** Answers `sampling/createMessage` with `{ role, content, model }`. */
  onSample?: Answerer
  /** Answers `roots/list` with `{ roots }`. */
  onListRoots?: Answerer
  /** A server cannot be reached, or has gone. `stderr` holds the last words of a program that was started. */
  onTrouble?: (trouble: { server: string; error: McpError; stderr: string }) => void
}

const callbacks = ['onElicit', 'onSample', 'onListRoots', 'onTrouble'] as const
const known = new Set<string>(['limits', 'permissions', 'auditLog', 'defaultTimeoutMs', ...callbacks])

/**
 * Checks the options, for programs without types too: a misspelt `permissions` would open everything.
 * @throws ConfigurationError that names every fault
 */
export function checkOptions(options: GatewayOptions): { limits: Limits } {
  const { permissions, defaultTimeoutMs } = options
  const limits = Limits.safeParse(options.limits ?? {})
  const errors = [
    ...Object.keys(options).flatMap((key) => (known.has(key) ? [] : [`${key}: is not known`])),
    ...('permissions' in options && !(permissions instanceof PermissionManager)
      ? ['permissions: must be a PermissionManager']
      : []),
    ...(isTime(defaultTimeoutMs) ? [] : ['defaultTimeoutMs: must be a whole number of at least 100']),
    ...callbacks.flatMap((name) => (isFunction(options[name]) ? [] : [`${name}: must be a function`])),
    ...(limits.error?.issues ?? []).map(({ path, message }) => `${['limits', ...path].join('.')}: ${message}`),
  ]
  if (!limits.success || errors.length > 0) throw new ConfigurationError({ errors })
  return { limits: limits.data }
}

function isTime(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 100)
}

function isFunction(value: unknown): boolean {
  return value === undefined || typeof value === 'function'
}
