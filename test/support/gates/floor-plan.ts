/**
 * The floor plan of `src/` as an allow list: what is not named here is refused.
 * A new room is one line in `floorPlan`, and a line in ARCHITECTURE.md that says why.
 */
import type { Import } from './imports.ts'

type Floor = { rooms: readonly string[]; packages: readonly string[] }

const planes = ['gateway', 'control', 'issuer']

const floorPlan: Readonly<Record<string, Floor>> = {
  contract: { rooms: [], packages: ['zod'] },
  core: { rooms: ['contract'], packages: [] },
  gateway: { rooms: ['contract', 'core'], packages: [] },
  control: { rooms: ['contract', 'core'], packages: [] },
  issuer: { rooms: ['contract', 'core'], packages: [] },
  config: { rooms: ['contract'], packages: ['zod', 'yaml', 'node:*'] },
  adapters: { rooms: ['contract', 'core'], packages: ['*', 'node:*'] },
  http: {
    rooms: ['contract', 'core', ...planes],
    packages: ['zod', 'ws', 'fastify', 'fastify-*', '@fastify/*', 'node:*'],
  },
  // The bridge speaks the protocol, so the command line sees core; wires and the gateway come in from main.ts.
  cli: { rooms: ['contract', 'core', 'config'], packages: ['commander', 'node:*'] },
  // A server that is started as a program of its own: it needs the protocol's words and nothing of the house.
  demo: { rooms: ['contract', 'core'], packages: ['node:*'] },
  // The library puts a gateway together without the edges, so it sees what main.ts sees but http and cli.
  library: { rooms: ['contract', 'core', ...planes, 'config', 'adapters'], packages: ['zod', 'node:*'] },
  'index.ts': {
    rooms: ['contract', 'core', ...planes, 'config', 'adapters', 'library', 'compose'],
    packages: ['*', 'node:*'],
  },
  // What main.ts puts together, in files of its own.
  compose: {
    rooms: ['contract', 'core', ...planes, 'config', 'adapters', 'http', 'library'],
    packages: ['*', 'node:*'],
  },
  'main.ts': {
    rooms: [
      'contract',
      'core',
      ...planes,
      'config',
      'adapters',
      'http',
      'cli',
      'library',
      'compose',
      'demo',
      'index.ts',
    ],
    packages: ['*', 'node:*'],
  },
}

/** The one exception among adapters: the two databases share the SQL that is written once. */
const sharedAdapters = new Set(['adapters/sql'])

/** One line for each import that the plan does not allow. Empty when the house stands as drawn. */
export function findBreaches(imports: readonly Import[]): string[] {
  return imports.flatMap((one) => {
    const fault = faultOf(one)
    return fault === null ? [] : [`${one.file}:${one.line} -> ${one.name ?? 'import(…)'} (${one.kind}): ${fault}`]
  })
}

/** Each adapter is a room of its own: sqlite does not know that redis exists. */
export function roomOf(pathInSrc: string): string {
  const [first = '', second = ''] = pathInSrc.split('/')
  return first === 'adapters' ? `${first}/${second}` : first
}

function faultOf({ file, name }: Import): string | null {
  const own = roomOf(file.slice('src/'.length))
  const floor = floorPlan[floorOf(own)]
  if (!floor) return `${own} is no room of the floor plan`
  if (name === null) return 'the target is computed, so nobody can check it'
  if (name.split('/').includes('..') || name.startsWith('#.')) return 'across folders import by room: #core/…'
  if (/\.test\.\w+$/.test(name)) return 'product code does not import tests'
  if (name.startsWith('.')) return faultOfNeighbour(file, name, floor)
  if (name.startsWith('#')) return faultOfRoom(own, roomOf(name.slice(1)), floor)
  return floor.packages.some((pattern) => namesPackage(pattern, name)) ? null : `${own} may not use this package`
}

function faultOfNeighbour(file: string, name: string, floor: Floor): string | null {
  if (!/^\.\/[^/]+$/.test(name)) return './ reaches the same folder only'
  const folder = file.split('/').slice(1, -1)
  // At the top of src/ neighbours are main.ts and index.ts, which are rooms.
  return folder.length > 0 ? null : faultOfRoom(roomOf(file.slice('src/'.length)), name.slice(2), floor)
}

function faultOfRoom(own: string, target: string, floor: Floor): string | null {
  if (target === own) return null
  if (floorOf(own) === 'adapters' && sharedAdapters.has(target)) return null
  return floor.rooms.includes(floorOf(target)) ? null : `${own} may not know ${target}`
}

function floorOf(room: string): string {
  return room.split('/')[0] ?? ''
}

/** `*` stands for any published package (not a path, a URL or ourselves); `node:*` for Node's own modules. */
function namesPackage(pattern: string, name: string): boolean {
  if (pattern === 'node:*') return name.startsWith('node:')
  if (pattern === '*') return /^(@[\w.-]+\/)?[a-z][\w.-]*(\/|$)/.test(name) && packageOf(name) !== 'toolgate'
  if (pattern.endsWith('*')) return packageOf(name).startsWith(pattern.slice(0, -1))
  return packageOf(name) === pattern
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
