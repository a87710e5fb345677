/** The addresses behind which servers are offered, as words: which path means what is not known to anybody else. */

export type Transport = 'streamable_http' | 'sse' | 'messages' | 'websocket'

/**
 * - `servers`: names of servers, their aliases and labels, and of toolsets, one or a comma list; null: everything.
 * - `project`, `toolset`: the name of one.
 */
export type AddressWords = { scope: 'servers'; names: string | null } | { scope: 'project' | 'toolset'; names: string }

const transports: ReadonlyMap<string, Transport> = new Map([
  ['sse', 'sse'],
  ['messages', 'messages'],
  ['ws', 'websocket'],
])

const scopes: ReadonlyMap<string, 'project' | 'toolset'> = new Map([
  ['projects', 'project'],
  ['toolset', 'toolset'],
])

/**
 * `/mcp`, `/mcp/{names}`, `/{name}/mcp`, `/projects/{name}/mcp`, `/toolset/{name}/mcp`, each followed by nothing, `sse`, `messages` or `ws`;
 * and `/sse`, `/messages`, `/ws`.
 * @param path without query
 */
export function parseAddress(path: string): (AddressWords & { transport: Transport }) | null {
  const parts = decodeParts(path)
  if (!parts) return null
  const transport = transports.get(parts.at(-1) ?? '')
  const words = wordsOf(transport ? parts.slice(0, -1) : parts, transport !== undefined)
  return words && { ...words, transport: transport ?? 'streamable_http' }
}

/** Equal for what means the same, however it is spelt, and whichever transport it is for. */
export function addressKey({ scope, names }: AddressWords): string {
  if (names === null) return scope
  if (scope !== 'servers') return `${scope} ${names}`
  const parts = new Set(names.split(',').map((name) => name.trim()))
  parts.delete('')
  return `${scope} ${[...parts].toSorted().join(',')}`
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

function wordsOf(address: readonly string[], hasTransport: boolean): AddressWords | null {
  if (address.length === 0) return hasTransport ? { scope: 'servers', names: null } : null
  if (address.length === 1) return address[0] === 'mcp' ? { scope: 'servers', names: null } : null
  return address.length === 2 ? serversAt(address) : scopeAt(address)
}

function serversAt([first, second]: readonly string[]): AddressWords | null {
  const names = first === 'mcp' ? second : first
  const isAddress = names !== undefined && (first === 'mcp' || second === 'mcp')
  return isAddress ? { scope: 'servers', names } : null
}

function scopeAt([collection = '', name, mcp, ...more]: readonly string[]): AddressWords | null {
  const scope = scopes.get(collection)
  const isAddress = scope !== undefined && name !== undefined && mcp === 'mcp' && more.length === 0
  return isAddress ? { scope, names: name } : null
}
