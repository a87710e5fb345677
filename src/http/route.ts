/** Which entrance a path leads to (see the table of entrances in ARCHITECTURE.md). */
import { apiRoot } from '#contract/api-root.ts'
import { parseBrokerAddress } from '#core/naming/broker-address.ts'
import { parseAddress, type AddressWords, type Transport } from '#core/naming/address.ts'
import type { BrokerAddress } from '#core/session/broker-checks.ts'

export type Route =
  | { kind: 'mcp'; transport: Transport; words: AddressWords }
  | { kind: 'broker'; at: BrokerAddress }
  | { kind: 'management' }
  | { kind: 'connect' }
  | { kind: 'live' }
  | { kind: 'ready' }

/** Remembered, because clients use few paths many times; bounded, because a path is the caller's word. */
const known = new Map<string, Route | null>()
const knownMax = 1_000
const knownCharsMax = 256

/** @param path without query */
export function routePath(path: string): Route | null {
  const hit = known.get(path)
  if (hit !== undefined) return hit
  const route = parsePath(path)
  // Each session has addresses of its own: they would only push out those that many use.
  if (path.length > knownCharsMax || route?.kind === 'broker') return route
  if (known.size >= knownMax) known.clear()
  known.set(path, route)
  return route
}

function parsePath(path: string): Route | null {
  if (path === '/health/live') return { kind: 'live' }
  if (path === '/health/ready') return { kind: 'ready' }
  if (isBelow(path, '/connect')) return { kind: 'connect' }
  const at = parseBrokerAddress(path)
  if (at) return { kind: 'broker', at }
  const address = parseAddress(path)
  if (!address) return isBelow(path, apiRoot) ? { kind: 'management' } : null
  const { transport, ...words } = address
  return { kind: 'mcp', transport, words }
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`)
}
