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
  servers: Readonly<Record<string, ServerEntry>>
  variables: readonly string[]
  secretPaths: readonly string[]
  /** What was left out or renamed, in the order of the sources. */
  read: readonly { source: ClientConfig; notes: readonly string[] }[]
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
  const read = sources.map((source) => {
    const found = readSource(source.path, sources.length === 1)
    if (typeof found === 'string') return { source, notes: [found] }
    const names = join(servers, found)
    for (const variable of found.variables) variables.add(variable)
    secretPaths.push(...found.secretPaths.flatMap((path) => toNewPath(path, names)))
    return { source, notes: notesOf(found, names, source.path) }
  })
  return { servers: Object.fromEntries(servers), variables: [...variables].toSorted(), secretPaths, read }
}

/** Only what the servers with these names need and hold. */
export function narrowImported(imported: Imported, names: readonly string[]): Imported {
  const servers = Object.fromEntries(Object.entries(imported.servers).filter(([name]) => names.includes(name)))
  const text = JSON.stringify(servers)
  return {
    ...imported,
    servers,
    variables: imported.variables.filter((variable) => text.includes(`\${${variable}}`)),
    secretPaths: imported.secretPaths.filter((path) => names.includes(serverIn(path))),
  }
}

function notesOf(found: ImportedServers, names: ReadonlyMap<string, string>, path: string): string[] {
  const free = (name: string): string => names.get(name) ?? name
  const moved = [...names].filter(([name, own]) => name !== own && !found.renamed.some(({ to }) => to === name))
  return [
    ...found.skipped.map(({ name, reason }) => `${name} is left out: it ${reason.replace(`${path}: `, '')}`),
    ...found.renamed.map(({ from, to }) => `${from} is called ${free(to)}`),
    ...moved.map(([name, own]) => `${name} is called ${own}: another client has another ${name}`),
  ]
}

function readSource(path: string, isOnly: boolean): ImportedServers | string {
  try {
    return importClientServers(readClientConfig(path), path)
  } catch (error) {
    if (isOnly || !(error instanceof ConfigError)) throw error
    return `left out: ${error.problems.map(({ message }) => message).join('; ')}`
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
  const name = serverIn(path)
  const renamed = names.get(name)
  return renamed === undefined ? [] : [path.replace(name, renamed)]
}

/** A key path begins with `servers.{name}`. */
function serverIn(path: string): string {
  return /^servers\.([^.[]+)/.exec(path)?.[1] ?? ''
}
