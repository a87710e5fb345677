/** Where MCP clients keep their servers. */
import { existsSync } from 'node:fs'
import { posix, win32 } from 'node:path'

export type ClientConfig = { readonly client: string; readonly path: string }

/** Paths below the folder for applications' settings, which each system has elsewhere; then paths below home. */
const inSettings = {
  'Claude Desktop': ['Claude', 'claude_desktop_config.json'],
  'VS Code': ['Code', 'User', 'mcp.json'],
} as const
const inHome = {
  'Claude Code': ['.claude.json'],
  Cursor: ['.cursor', 'mcp.json'],
  Windsurf: ['.codeium', 'windsurf', 'mcp_config.json'],
} as const

/** The well-known files that exist. `home` is the user's folder, `platform` as in `process.platform`. */
export function findClientConfigs(home: string, platform: string): ClientConfig[] {
  return clientConfigPaths(home, platform).filter(({ path }) => existsSync(path))
}

/** @internal Those of any system, for the tests. */
export function clientConfigPaths(home: string, platform: string): ClientConfig[] {
  const system = platform === 'win32' ? win32 : posix
  const settings = system.join(home, ...settingsFolder(platform))
  return [
    ...Object.entries(inSettings).map(([client, parts]) => ({ client, path: system.join(settings, ...parts) })),
    ...Object.entries(inHome).map(([client, parts]) => ({ client, path: system.join(home, ...parts) })),
  ]
}

function settingsFolder(platform: string): string[] {
  if (platform === 'darwin') return ['Library', 'Application Support']
  return platform === 'win32' ? ['AppData', 'Roaming'] : ['.config']
}
