/** Which addresses are asked at all, before a name is looked up. */
import { isLoopbackHost } from '#contract/loopback.ts'
import type { Egress } from '#core/egress/egress.ts'
import { serverFailed, type OAuthStep } from './oauth-failure.ts'

export type AddressRules = {
  /** The guard of connections to this address. */
  egressOf: (url: URL) => Egress
  /** Whether plain http is open there. To loopback it is always. */
  allowsHttp: (url: URL) => boolean
}

/**
 * @param text an address that a document, an upstream or an operator chose
 * @throws GatewayError `oauth_server_failed`: `insecure_endpoint`, `egress_forbidden`
 */
export function toSecureUrl(text: string, rules: AddressRules, step: OAuthStep): URL {
  const url = URL.parse(text)
  if (url === null || !isSecure(url, rules) || url.username !== '' || url.password !== '')
    throw serverFailed('insecure_endpoint', step)
  const refusal = rules.egressOf(url).refusalOf(hostOf(url))
  if (refusal !== null) throw serverFailed('egress_forbidden', step, { rule: refusal.details['rule'] })
  return url
}

function isSecure(url: URL, rules: AddressRules): boolean {
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (isLoopback(url) || rules.allowsHttp(url))
}

/** The names below `localhost` as well (RFC 6761 §6.3). */
export function isLoopback({ hostname }: URL): boolean {
  return isLoopbackHost(hostname) || hostname.endsWith('.localhost')
}

function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
