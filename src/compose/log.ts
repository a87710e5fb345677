/** The log: lines for a person on a terminal, JSON for everything else. */
import { pino, type Logger } from 'pino'
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { formatLogEntry } from './log-entry.ts'

/** Where the log goes, and what is known of it. */
export type LogTarget = {
  isTTY: boolean
  /** Knows NO_COLOR, FORCE_COLOR and TERM. A terminal has it. */
  hasColors?: (count: number, env: Environment) => boolean
  write: (text: string) => unknown
}

type Environment = Readonly<Record<string, string | undefined>>

const formats = ['json', 'text'] as const
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** Whoever reads it slowly, or not at all, does not hold up the gateway. */
export function standardError(): LogTarget {
  const { stderr } = process
  const destination = pino.destination({ dest: stderr.fd, sync: false })
  const hasColors = (count: number, env: Environment): boolean => stderr.hasColors(count, env)
  return { isTTY: stderr.isTTY, hasColors, write: (text) => destination.write(text) }
}

/** @throws GatewayError `config_invalid` where the environment asks for what there is not */
export function openLog(env: Environment, target: LogTarget): Logger {
  const format = choose('TOOLGATE_LOG_FORMAT', env, formats) ?? (target.isTTY ? 'text' : 'json')
  const level = choose('TOOLGATE_LOG_LEVEL', env, levels) ?? 'info'
  return pino({ level }, format === 'text' ? toText(env, target) : target)
}

function toText(env: Environment, target: LogTarget) {
  const colorCountMin = 16
  const hasColors = target.isTTY && target.hasColors?.(colorCountMin, env) === true
  return {
    write(line: string): void {
      const entry: unknown = JSON.parse(line)
      target.write(isJsonObject(entry) ? formatLogEntry(entry, { hasColors }) : line)
    },
  }
}

function choose<Value extends string>(name: string, env: Environment, values: readonly Value[]): Value | null {
  const given = env[name] ?? ''
  if (given === '') return null
  const chosen = values.find((value) => value === given)
  if (chosen !== undefined) return chosen
  throw new GatewayError('config_invalid', { details: { reason: `${name} must be one of ${values.join(', ')}` } })
}
