/** Puts the servers of `mcp_servers` among the others, and remembers where each of their values was written. */
import type { Finding } from './describe-issue.ts'
import { isRecord, pathId } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import { toWritten, type Written } from './legacy-entry.ts'
import { readLegacyEnvironment } from './legacy-environment.ts'
import type { LegacySections } from './legacy-schema.ts'
import type { Place, ReadDocument } from './read-document.ts'
import type { Environment } from './substitute.ts'

export type ReadInOurWords = ReadDocument & {
  /** What a value is called where it was written. */
  readonly nameOf: (path: KeyPath) => KeyPath
}

export function inOurWords(read: ReadDocument): ReadInOurWords {
  return { ...read, nameOf: (path) => path }
}

export const legacyKeys = ['mcp_config', 'mcp_servers'] as const

/**
 * @param document as it was read
 * @param sections what it says in the words of others
 * @returns the same document in our own words
 */
export function withLegacyServers(
  read: ReadDocument,
  { document, sections, env }: { document: Record<string, unknown>; sections: LegacySections; env: Environment },
): { read: ReadInOurWords; findings: readonly Finding[] } {
  const environment = readLegacyEnvironment(env)
  const servers = isRecord(document.servers) ? document.servers : {}
  const origins = new Map<string, Written>()
  const added = Object.entries(sections.mcp_servers).map(([name, server]): [string, unknown] => {
    const written = toWritten({ name, server, sections }, environment)
    origins.set(pathId(['servers', name]), { to: [], value: null, from: ['mcp_servers', name], hasParts: true })
    for (const one of written) origins.set(pathId(['servers', name, ...one.to]), one)
    return [name, build(written.filter(({ value }) => value !== undefined))]
  })
  const twice = added.filter(([name]) => Object.hasOwn(servers, name))
  const value = { ...without(document, legacyKeys), servers: { ...servers, ...Object.fromEntries(added) } }
  return {
    read: mapped(read, { value, originOf: (path) => findOrigin(origins, path) }),
    findings: [
      ...(added.length > 0 ? environment.findings : []),
      ...twice.map(([name]) => ({
        path: ['mcp_servers', name],
        message: 'is the name of a server in "servers" as well',
        isAboutKey: true,
      })),
    ],
  }
}

function build(written: readonly Written[]): Record<string, unknown> {
  const entry: Record<string, unknown> = {}
  for (const { to, value } of written) {
    const [first = '', second] = to
    if (second === undefined) entry[first] = value
    else entry[first] = { ...(isRecord(entry[first]) ? entry[first] : {}), [second]: value }
  }
  return entry
}

type Origin = { readonly path: KeyPath; readonly server: string; readonly variable: string | undefined }

function findOrigin(origins: ReadonlyMap<string, Written>, path: KeyPath): Origin | null {
  for (let length = path.length; length >= 2; length -= 1) {
    const known = origins.get(pathId(path.slice(0, length)))
    if (known === undefined) continue
    const rest = known.hasParts === true ? path.slice(length) : []
    return { path: [...known.from, ...rest], server: String(path[1]), variable: known.variable }
  }
  return null
}

/** What an environment variable says has no place of its own: it is told at the server that it is for. */
function mapped(
  read: ReadDocument,
  { value, originOf }: { value: unknown; originOf: (path: KeyPath) => Origin | null },
): ReadInOurWords {
  const placePath = (path: KeyPath): KeyPath => {
    const origin = originOf(path)
    if (origin === null) return path
    return origin.variable === undefined ? origin.path : ['mcp_servers', origin.server]
  }
  const findPlace = (path: KeyPath): Place | null => {
    const place = read.findPlace(placePath(path))
    const variable = originOf(path)?.variable
    return place === null || variable === undefined ? place : { ...place, variables: [variable] }
  }
  return {
    value,
    problems: read.problems,
    findPlace,
    isBroken: (path) => read.isBroken(placePath(path)),
    nameOf: (path) => originOf(path)?.path ?? path,
  }
}

function without(record: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)))
}
