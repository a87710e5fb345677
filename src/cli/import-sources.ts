/** The servers of several client configurations, as one set of names. */
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { findClientConfigs, type ClientConfig } from '#config/client-paths.ts'
import { ConfigError } from '#config/config-error.ts'
import { importClientServers, type ImportedServers } from '#config/import-client.ts'
import { readClientConfig } from '#config/read-client-config.ts'
import type { ServerEntry } from '#config/server-definition.ts'
import { toServerName } from '#config/server-name.ts'

export type Imported = {
  sources: readonly ClientConfig[]
  servers: Readonly<Record<string, ServerEntry>>
  variables: readonly string[]
  secretPaths: readonly string[]
  /** Lines about what was left out or renamed. */
  notes: readonly string[]
}

/** What a project brings along, beside what `findClientConfigs` knows. */
const inProject = { 'Claude Code': '.mcp.json', Cursor: '.cursor/mcp.json', 'VS Code': '.vscode/mcp.json' }

export function findSources(home: string, platform: string): ClientConfig[] {
  const local = Object.entries(inProject).map(([client, path]) => ({ client, path }))
  return [...local.filter(({ path }) => existsSync(path)), ...findClientConfigs(home, platform)]
}

/** A source that cannot be read is a note, unless it is the only one: then ConfigError. */
export function importSources(sources: readonly ClientConfig[]): Imported {
  const servers = new Map<string, ServerEntry>()
  const variables = new Set<string>()
  const secretPaths: string[] = []
  const notes: string[] = []
  for (const { path } of sources) {
    const found = readSource(path, sources.length === 1)
    if (typeof found === 'string') {
      notes.push(found)
      continue
    }
    const names = join(servers, found)
    notes.push(...found.skipped.map(({ name, reason }) => `left out: ${name}: ${reason}`))
    notes.push(...found.renamed.map(({ from, to }) => `renamed: ${from} is ${names.get(to) ?? to}`))
    for (const variable of found.variables) variables.add(variable)
    secretPaths.push(...found.secretPaths.flatMap((path) => toNewPath(path, names)))
  }
  return { sources, servers: Object.fromEntries(servers), variables: [...variables].toSorted(), secretPaths, notes }
}

function readSource(path: string, isOnly: boolean): ImportedServers | string {
  try {
    return importClientServers(readClientConfig(path), path)
  } catch (error) {
    if (isOnly || !(error instanceof ConfigError)) throw error
    return error.problems.map(({ file, message }) => `left out: ${file}: ${message}`).join('\n')
  }
}

/** The new name of each server that is new; the same server of two clients is one. */
function join(servers: Map<string, ServerEntry>, { servers: found }: ImportedServers): Map<string, string> {
  const names = new Map<string, string>()
  for (const [name, entry] of Object.entries(found)) {
    if (isDeepStrictEqual(servers.get(name), entry)) continue
    const free = toServerName(name, servers)
    servers.set(free, entry)
    names.set(name, free)
  }
  return names
}

function toNewPath(path: string, names: ReadonlyMap<string, string>): string[] {
  const name = /^servers\.([^.[]+)/.exec(path)?.[1] ?? ''
  const renamed = names.get(name)
  return renamed === undefined ? [] : [path.replace(name, renamed)]
}
