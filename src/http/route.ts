/** Which entrance a path leads to (see the table of entrances in ARCHITECTURE.md). */

export type Transport = 'streamable_http' | 'sse' | 'messages' | 'websocket'

export type Route =
  | { kind: 'mcp'; transport: Transport; /** Null: the aggregate of everything. */ names: string | null }
  | { kind: 'live' }
  | { kind: 'ready' }

const transports: ReadonlyMap<string, Transport> = new Map([
  ['sse', 'sse'],
  ['messages', 'messages'],
  ['ws', 'websocket'],
])

/** Remembered, because clients use few paths many times; bounded, because a path is the caller's word. */
const known = new Map<string, Route | null>()
const knownMax = 1_000
const knownCharsMax = 256

/** @param path without query */
export function routePath(path: string): Route | null {
  const hit = known.get(path)
  if (hit !== undefined) return hit
  const route = parsePath(path)
  if (path.length > knownCharsMax) return route
  if (known.size >= knownMax) known.clear()
  known.set(path, route)
  return route
}

function parsePath(path: string): Route | null {
  if (path === '/health/live') return { kind: 'live' }
  if (path === '/health/ready') return { kind: 'ready' }
  const parts = decodeParts(path)
  return parts && parseMcp(parts)
}

function decodeParts(path: string): string[] | null {
  try {
    const parts = path.split('/').slice(1).map(decodeURIComponent)
    // `/mcp/` is `/mcp`, answered directly.
    if (parts.at(-1) === '') parts.pop()
    return parts.includes('') ? null : parts
  } catch {
    return null
  }
}

/** `/mcp`, `/mcp/{names}`, `/{name}/mcp`, each followed by nothing, `sse`, `messages` or `ws`; and `/sse`, `/messages`, `/ws`. */
function parseMcp(parts: readonly string[]): Route | null {
  const transport = transports.get(parts.at(-1) ?? '')
  const address = transport ? parts.slice(0, -1) : parts
  const names = namesOf(address, transport !== undefined)
  return names === undefined ? null : { kind: 'mcp', transport: transport ?? 'streamable_http', names }
}

function namesOf(address: readonly string[], hasTransport: boolean): string | null | undefined {
  const [first, second] = address
  if (address.length === 0) return hasTransport ? null : undefined
  if (address.length === 1) return first === 'mcp' ? null : undefined
  if (address.length > 2) return undefined
  if (first === 'mcp') return second
  return second === 'mcp' ? first : undefined
}
