/** A policy as programs write it, and as the engine takes it. */
import { Policy } from '#contract/policy.ts'
import { ConfigurationError } from './errors.ts'
import { PermissionLevel, type PermissionRule } from './permission-level.ts'

export type PermissionPolicy = {
  name: string
  description?: string
  /** Where no rule matches. Default: deny. */
  defaultLevel?: PermissionLevel
  rules?: readonly (PermissionRule | { serverPattern: string; toolPattern?: string; level: PermissionLevel })[]
  /** Patterns. Where there are any, every other server is denied. */
  allowedServers?: readonly string[]
  /** Patterns. These servers are denied, whatever the rules say. */
  deniedServers?: readonly string[]
  /** Requests in a minute. */
  rateLimitRpm?: number
}

export const PermissionPolicy = {
  /** Lists and calls everything. */
  allowAll: (name = 'allow_all'): PermissionPolicy => ({ name, defaultLevel: PermissionLevel.Execute }),
  denyAll: (name = 'deny_all'): PermissionPolicy => ({ name, defaultLevel: PermissionLevel.Deny }),
}

export type CheckedPolicy = { policy: Policy; allowedServers: readonly string[]; rateLimitRpm: number | undefined }

const members = new Set([
  'name',
  'description',
  'defaultLevel',
  'rules',
  'allowedServers',
  'deniedServers',
  'rateLimitRpm',
])

/** @throws ConfigurationError that names every fault; a misspelt member is one, because it would deny less than it says */
export function checkPolicy(given: PermissionPolicy): CheckedPolicy {
  const { name, description, defaultLevel, rules = [], allowedServers = [], deniedServers = [], rateLimitRpm } = given
  const parsed = Policy.safeParse({
    name,
    description,
    default: defaultLevel,
    rules: [
      ...rules.map(({ serverPattern, toolPattern, level }) => ({ server: serverPattern, tool: toolPattern, level })),
      ...deniedServers.map((server) => ({ server, tool: '*', level: PermissionLevel.Deny })),
    ],
  })
  const errors = [
    ...Object.keys(given).flatMap((key) => (members.has(key) ? [] : [`${key}: is not known`])),
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${toMemberPath(path, rules.length)}: ${message}`),
    ...allowedServers.flatMap((server, index) =>
      isPattern(server) ? [] : [`allowedServers.${index}: must be a pattern`],
    ),
    ...(isRate(rateLimitRpm) ? [] : ['rateLimitRpm: must be a whole number of at least 1']),
  ]
  if (!parsed.success || errors.length > 0) throw new ConfigurationError({ errors })
  return { policy: parsed.data, allowedServers: [...allowedServers], rateLimitRpm }
}

/** What a policy takes away, without what it gives. */
export function toDenials({ policy }: CheckedPolicy): Policy {
  return { ...policy, default: 'deny', rules: policy.rules.filter(({ level }) => level === 'deny') }
}

/** The engine's path, in the words of a policy here. Denied servers are rules there, behind the others. */
function toMemberPath(path: readonly PropertyKey[], ruleCount: number): string {
  const [first = '', index, last] = path
  if (first === 'rules' && typeof index === 'number' && index >= ruleCount) return `deniedServers.${index - ruleCount}`
  return [first, index, last]
    .flatMap((part) => (part === undefined ? [] : (memberNames[String(part)] ?? String(part))))
    .join('.')
}

const memberNames: Readonly<Record<string, string>> = {
  default: 'defaultLevel',
  server: 'serverPattern',
  tool: 'toolPattern',
}

function isPattern(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isRate(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 1)
}
