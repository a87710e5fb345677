/** OAuth's client over HTTP. Stateless: what is to be kept, its caller keeps. */
import type { Clock } from '#core/clock.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import { readCode, startAuthorization } from './authorization.ts'
import {
  askAssertion,
  askClientCredentials,
  exchangeToken,
  redeemAssertion,
  redeemCode,
  refreshTokens,
  revokeToken,
} from './grants.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { registerClient } from './registration.ts'
import { findResource } from './resource-metadata.ts'
import type { AddressRules } from './secure-address.ts'
import { findOwnServer, findServer } from './server-metadata.ts'

export type OAuthClientOptions = AddressRules & { clock: Clock }

export function createOAuthClient({ clock, ...rules }: OAuthClientOptions): OAuthClient {
  const fetch = createGuardedFetch(rules)
  const deps = { fetch, clock }
  return {
    findResource: (serverUrl, challenge) => findResource(fetch, serverUrl, challenge),
    findServer: (issuer) => findServer({ fetch, rules }, issuer),
    findOwnServer: (serverUrl) => findOwnServer({ fetch, rules }, serverUrl),
    register: (server, metadata) => registerClient(fetch, server, metadata),
    clientCredentials: (source, wish) => askClientCredentials(deps, source, wish),
    startAuthorization: async (source, wish) => startAuthorization(rules, source, wish),
    async finishAuthorization(source, { answer, state, ...given }) {
      return redeemCode(deps, source, { code: readCode(answer, source.server, state), ...given })
    },
    refresh: (source, wish) => refreshTokens(deps, source, wish),
    exchange: (source, wish) => exchangeToken(deps, source, wish),
    issueAssertion: (source, wish) => askAssertion(deps, source, wish),
    redeemAssertion: (source, wish) => redeemAssertion(deps, source, wish),
    revoke: (source, token) => revokeToken(deps, source, token),
  }
}
