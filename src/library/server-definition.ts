/** Servers as programs register them: as a config, or as the same thing in a plain object. */
import type { ServedServer } from '#contract/server.ts'
import { ConfigurationError } from './errors.ts'
import { McpServerConfig, type McpServerSettings } from './server-config.ts'

/** `url` is the address of the MCP endpoint; for stdio, the program. */
export type ServerDefinition = { name: string; url: string } & McpServerSettings

const settings: Readonly<Record<keyof McpServerSettings, true>> = {
  transport: true,
  auth: true,
  staticHeaders: true,
  timeoutMs: true,
  enabled: true,
  description: true,
  tags: true,
  args: true,
  env: true,
  cwd: true,
}

/**
 * @param defaultTimeoutMs for servers that set no time themselves
 * @throws ConfigurationError that names every fault; a misspelt member is one
 */
export function toServer(
  given: McpServerConfig | ServerDefinition,
  defaultTimeoutMs: number | undefined,
): ServedServer {
  const config = given instanceof McpServerConfig ? given : toConfig(given)
  return config.toServer(defaultTimeoutMs === undefined ? {} : { timeoutMs: defaultTimeoutMs })
}

function toConfig({ name, url, ...rest }: ServerDefinition): McpServerConfig {
  const errors = Object.keys(rest).flatMap((key) => (Object.hasOwn(settings, key) ? [] : [`${key}: is not known`]))
  if (errors.length > 0) throw new ConfigurationError({ errors })
  return new McpServerConfig(name, url, rest)
}
