/** The servers of a gateway whose configuration names none. */
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { Logger } from 'pino'

export type BuiltInServers = {
  servers: LoadedConfig['servers']
  /** For the person who starts the gateway. */
  note: string | null
  close(): Promise<void>
}

export async function builtInServers(config: LoadedConfig, _log: Logger): Promise<BuiltInServers> {
  return { servers: config.servers, note: null, close: () => Promise.resolve() }
}
