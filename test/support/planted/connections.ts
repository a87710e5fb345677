/** Every byte that comes to this process over a socket or a pipe goes by here, whichever client reads it. */
import type { Server } from 'node:net'
import { arePlanted, count, plantsIn, tailBytesMax, tellFind, type Seam } from '../planted.ts'
import { before } from './wrap.ts'

type Watched = { seam: Seam; where: string; tail: Buffer }

const watched = new WeakMap<object, Watched>()
const upstreamPorts = new Set<number>()

/**
 * What comes from this server, which listens, are the words of an upstream that a test plays, and which may say back what it
 * was sent. They are looked at where the gateway passes something on.
 */
export function exempt(server: Server): void {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  upstreamPorts.add(address.port)
  // The next who listens there may be a gateway.
  server.once('close', () => upstreamPorts.delete(address.port))
}

/** From now on what comes on it is looked at. */
export function watchSocket(socket: object, seam: Seam, where: string): void {
  watched.set(socket, { seam, where, tail: Buffer.alloc(0) })
}

/** Of these methods of Node's each kind of client is made. */
export function watchSockets(): void {
  const { prototype } = process.getBuiltinModule('node:net').Socket
  before(prototype, 'connect', (socket, given) => {
    const to = addressOf(given)
    if (typeof to !== 'number' || !upstreamPorts.has(to)) watchSocket(socket, 'connections', `from ${String(to)}`)
  })
  before(prototype, 'push', (socket, [chunk]) => {
    const seen = watched.get(socket)
    if (seen && chunk instanceof Uint8Array) see(seen, chunk)
  })
}

/** Port or path. Node hands the arguments on as one list. */
function addressOf([first]: readonly unknown[]): unknown {
  const given: unknown = Array.isArray(first) ? first[0] : first
  if (typeof given !== 'object' || given === null) return Number(given)
  const { port, path } = given as { port?: unknown; path?: unknown }
  return path ?? Number(port)
}

function see(seen: Watched, bytes: Uint8Array): void {
  count(seen.seam, bytes.length)
  if (!arePlanted()) return
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const border = Buffer.concat([seen.tail, chunk.subarray(0, tailBytesMax())])
  const found = new Set([...plantsIn(chunk), ...plantsIn(border)].map(({ text }) => text))
  for (const text of found) tellFind({ seam: seen.seam, text, where: seen.where })
  // What was found is not found again in the next chunk.
  const rest = found.size > 0 ? Buffer.alloc(0) : chunk.length >= tailBytesMax() ? chunk : border
  seen.tail = Buffer.from(rest.subarray(Math.max(0, rest.length - tailBytesMax())))
}
