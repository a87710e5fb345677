/** OAuth's client, over the guard: it asks addresses that documents, servers and people choose. */
import { createOAuthClient } from '#adapters/oauth-client/oauth-client.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import type { ServerEgress } from './egress.ts'
import { systemClock } from './system-clock.ts'

export function createOAuth(egress: Pick<ServerEgress, 'ofAddress'>): OAuthClient {
  return createOAuthClient({ clock: systemClock, egressOf: egress.ofAddress, allowsHttp: () => false })
}
