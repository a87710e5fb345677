/** The servers of a gateway that nobody has configured: real ones where they are installed, else a demo. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { LoadedConfig } from '#config/loaded-config.ts'
import { Server } from '#contract/server.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import type { HttpWire } from '#core/upstream/http-wire.ts'
import { startExampleChild, type ExampleChild } from './example-child.ts'
import { holdWire } from './hold-wire.ts'

export type BuiltInServers = {
  /** `none`: the configuration decides alone. */
  kind: 'none' | 'examples' | 'demo'
  servers: readonly Server[]
  /** Wraps the wire of a server that is still on its way up. */
  holdHttp: (server: Server, wire: HttpWire) => HttpWire
  close: () => Promise<void>
}

export type BuiltInOptions = {
  config: LoadedConfig
  dataPath: string
  /** The file that runs this program: the demo server is a command of it. */
  mainPath: string
  log: Logger
}

const none: BuiltInServers = { kind: 'none', servers: [], holdHttp: (_, wire) => wire, close: () => Promise.resolve() }

/** Starts what must run; does not wait until it does. */
export async function builtInServers({ config, dataPath, mainPath, log }: BuiltInOptions): Promise<BuiltInServers> {
  if (config.path !== null || config.servers.length > 0) return none
  const everything = findProgram('server-everything')
  const child = everything === null ? null : await startExampleChild(everything, log)
  const examples = [
    ...(child === null ? [] : [child.server]),
    ...filesystemServer(findProgram('server-filesystem'), dataPath),
    ...memoryServer(findProgram('server-memory'), dataPath),
  ]
  if (examples.length === 0) return { ...none, kind: 'demo', servers: [demoServer(mainPath)] }
  return {
    kind: 'examples',
    servers: examples,
    holdHttp: (server, wire) => hold(child, server, wire),
    close: async () => child?.close(),
  }
}

function hold(child: ExampleChild | null, server: Server, wire: HttpWire): HttpWire {
  return child !== null && isSameAddress(server, child.server) ? holdWire(wire, child.untilUp) : wire
}

/** Its port and key are of this start alone, so nobody else has this address. */
function isSameAddress({ transport: one }: Server, { transport: other }: Server): boolean {
  return one.kind !== 'stdio' && other.kind !== 'stdio' && one.url === other.url
}

/** The program of a package of the MCP project, as its package.json names it, or null where it is not installed. */
function findProgram(name: string): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@modelcontextprotocol/${name}/package.json`)
    const described: unknown = JSON.parse(readFileSync(manifest, 'utf8'))
    const bin = isJsonObject(described) && isJsonObject(described['bin']) ? described['bin'] : {}
    const [program] = Object.values(bin)
    return typeof program === 'string' ? join(dirname(manifest), program) : null
  } catch {
    return null
  }
}

function filesystemServer(program: string | null, dataPath: string): Server[] {
  if (program === null) return []
  const folder = join(dataPath, 'scratch')
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'README.md'), readme)
  }
  return [stdioServer('filesystem', { args: [program, folder] })]
}

const readme = `# Scratch

The example server \`filesystem\` may read and write in this folder, and nowhere else.
`

function memoryServer(program: string | null, dataPath: string): Server[] {
  if (program === null) return []
  return [stdioServer('memory', { args: [program], env: { MEMORY_FILE_PATH: join(dataPath, 'memory.jsonl') } })]
}

function demoServer(mainPath: string): Server {
  return stdioServer('demo', { args: [mainPath, 'demo-server'] })
}

function stdioServer(name: string, program: { args: string[]; env?: Record<string, string> }): Server {
  return Server.parse({
    name,
    transport: { kind: 'stdio', command: process.execPath, ...program },
    isolation: 'shared',
  })
}
