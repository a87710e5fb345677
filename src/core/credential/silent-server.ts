/** An authorization server that says nothing of itself. */
import type { AuthorizationServer } from './oauth-client.ts'

type Known = Pick<AuthorizationServer, 'issuer' | 'tokenEndpoint'> & Partial<AuthorizationServer>

/** @param known where it is: its operator has said so, or it is where servers without metadata have it */
export function silentServer(known: Known): AuthorizationServer {
  return {
    authorizationEndpoint: null,
    registrationEndpoint: null,
    revocationEndpoint: null,
    scopes: null,
    authMethods: null,
    sendsIssuer: false,
    takesPkce: true,
    takesClientDocuments: false,
    ...known,
  }
}
