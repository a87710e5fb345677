/** Which page, or which form, a request below `/connect` is for. */
import { GatewayError } from '#contract/errors.ts'
import { connectWords } from '#core/credential/connect-link.ts'

export type ConnectRoute =
  | { kind: 'document' | 'list' | 'sign-in' | 'sign-out' }
  /** `at`: what follows in the address, with its slash. */
  | { kind: 'callback'; at: string }
  /** `server`: as it stands in the address, a name or an id. */
  | { kind: 'server' | 'done' | ServerForm; server: string }

const serverForms = ['start', 'key', 'variables', 'revoke'] as const
export type ServerForm = (typeof serverForms)[number]

const serverCharsMax = 128

/**
 * @param path without query
 * @throws GatewayError `not_found`; `method_not_allowed` with `allow`
 */
export function routeConnect(method: string, path: string): ConnectRoute {
  const route = routeOf(path)
  if (!route) throw new GatewayError('not_found')
  const allowed = methodsOf(route)
  if (allowed.includes(method)) return route
  throw new GatewayError('method_not_allowed', { details: { allow: allowed.join(', ') } })
}

/** An answer of an authorization server counts once: who only looks must not use it up. */
function methodsOf({ kind }: ConnectRoute): readonly string[] {
  if (isServerForm(kind) || kind === 'sign-in' || kind === 'sign-out') return ['POST']
  return kind === 'callback' ? ['GET'] : ['GET', 'HEAD']
}

function routeOf(path: string): ConnectRoute | null {
  const [first, second, ...more] = path.replace(/\/$/, '').split('/').slice(2)
  if (more.length > 0) return null
  if (first === undefined) return { kind: 'list' }
  if (second === undefined && first === 'client.json') return { kind: 'document' }
  if (first === connectWords.callback) return { kind: first, at: second === undefined ? '' : `/${second}` }
  const own = [connectWords.signIn, connectWords.signOut].find((word) => word === first)
  if (own !== undefined) return second === undefined ? { kind: own } : null
  return routeOfServer(first, second)
}

function routeOfServer(first: string, second: string | undefined): ConnectRoute | null {
  const server = decode(first)
  if (server === null || server === '' || server.length > serverCharsMax) return null
  if (second === undefined) return { kind: 'server', server }
  return second === 'done' || isServerForm(second) ? { kind: second, server } : null
}

function isServerForm(word: string): word is ServerForm {
  return serverForms.some((form) => form === word)
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
