/** The addresses of agents' sessions, one for each server of a session. */
import type { BrokerAddress } from '#core/session/broker-checks.ts'

/** The second is where agent platforms look for it. */
const form = /^(?:\/api\/v1\/managed_agents)?\/sessions\/([^/]+)\/mcp\/([^/]+)\/?$/

/**
 * What stands in both places is a word to look up, whatever it says: `..` and encoded slashes are no paths here, and mean nothing.
 * @param path without query
 */
export function parseBrokerAddress(path: string): BrokerAddress | null {
  const [, sessionId, server] = form.exec(path) ?? []
  if (sessionId === undefined || server === undefined) return null
  try {
    return { sessionId: decodeURIComponent(sessionId), server: decodeURIComponent(server) }
  } catch {
    return null
  }
}
