/** Levels and rules as programs write them. */
import { Level } from '#contract/policy.ts'
import { allowsExecute, allowsRead } from '#core/access/decide.ts'
import { ConfigurationError } from './errors.ts'

export type PermissionLevel = Level

/** Deny < Read (list) < Execute (call) < Admin. */
export const PermissionLevel = {
  Deny: 'deny',
  Read: 'read',
  Execute: 'execute',
  Admin: 'admin',
  canRead: allowsRead,
  canExecute: allowsExecute,
  isAdmin: (level: PermissionLevel): boolean => level === 'admin',
} as const

/** `*` stands for any text and `?` for one character, in both patterns. */
export class PermissionRule {
  readonly serverPattern: string
  readonly toolPattern: string
  readonly level: PermissionLevel

  /** For every tool of the servers. */
  constructor(serverPattern: string, level: PermissionLevel)
  constructor(serverPattern: string, toolPattern: string, level: PermissionLevel)
  constructor(serverPattern: string, toolPatternOrLevel: string, level?: PermissionLevel) {
    this.serverPattern = serverPattern
    this.toolPattern = level === undefined ? '*' : toolPatternOrLevel
    this.level = parseLevel(level ?? toolPatternOrLevel)
  }

  /** The same rule for some tools only. */
  forTool(toolPattern: string): PermissionRule {
    return new PermissionRule(this.serverPattern, toolPattern, this.level)
  }
}

/** @throws ConfigurationError for what is no level: a program without types must not grant by a slip */
export function parseLevel(level: unknown): PermissionLevel {
  const parsed = Level.safeParse(level)
  if (parsed.success) return parsed.data
  throw new ConfigurationError({ errors: [`level: must be one of ${Level.options.join(', ')}`] })
}
