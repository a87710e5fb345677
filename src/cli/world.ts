/** What the command line needs of everything around it. Types only. */
import type { Readable, Writable } from 'node:stream'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { BridgeParts } from '#cli/bridge/run-bridge.ts'
import type { VaultAdmin } from '#core/vault/vault-admin.ts'

export type World = {
  env: Readonly<Record<string, string | undefined>>
  /** The user's own folder. */
  home: string
  /** As in `process.platform`. */
  platform: string
  stdin: Readable
  stdout: Writable
  /** How a person calls this program, for advice. */
  program: string
  /** To standard output: what was asked for. */
  print: (text: string) => void
  /** To standard error: everything else. */
  tell: (text: string) => void
  /** Resolves at the first SIGINT or SIGTERM; later ones end the program at once. */
  untilSignalled: () => Promise<void>
}

export type ServeRequest = {
  config: LoadedConfig
  overrides: { host?: string; port?: number; dataPath?: string }
  isAdminTokenReset: boolean
  isAdminPasswordReset: boolean
  clients: readonly string[]
}

export type VaultPlace = {
  config: LoadedConfig
  /** Of the command line. */
  dataPath: string | undefined
  env: World['env']
}

/** What stands above or beside the command line, handed in by main.ts. Each is loaded when it is called. */
export type Parts = {
  version: string
  serve: (request: ServeRequest, world: World) => Promise<void>
  /** `raw` is the token, `hash` its SHA-256 in lower-case hex. */
  mintToken: () => Promise<{ raw: string; hash: string }>
  bridge: () => Promise<BridgeParts>
  /** Rejects with `config_invalid` where there is no database yet, or it cannot be opened, and with `storage_unavailable`. */
  openVault: (place: VaultPlace) => Promise<VaultAdmin>
  serveDemo: (world: World) => Promise<void>
}

export type Context = { parts: Parts; world: World }
