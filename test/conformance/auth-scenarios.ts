/** What an admin writes down for the server of each official auth scenario, and how it must end for the person who calls its tool. */
import { z } from 'zod'
import { startProvider } from './auth-provider.ts'

export type AuthScenario = {
  /** The server's credential. `context` is the scenario's own input, as the suite hands it over. */
  credential: (context: unknown, resources: AsyncDisposableStack) => object | Promise<object>
  ending: Ending
}

/** - `connects`: how often the person is asked to connect. `refusal`: code and reason; null: the tool has been called. */
export type Ending = { connects: number; refusal: string | null }

const account = { kind: 'oauth2_authorization_code' }
const called = { connects: 1, refusal: null }

/** Nobody has written anything down but that people connect their accounts: all else the gateway finds out. */
const found: AuthScenario = { credential: () => account, ending: called }
/** Connected once by an admin, for everybody. */
const shared: AuthScenario = { ...found, credential: () => ({ ...account, owner: 'gateway' }) }

const connectsTwice: AuthScenario = { ...found, ending: { connects: 2, refusal: null } }
const refused = (refusal: string): AuthScenario => ({ ...found, ending: { connects: 1, refusal } })

const Registered = z.object({ client_id: z.string(), client_secret: z.string() })

const KeyHolder = z.object({
  client_id: z.string(),
  private_key_pem: z.string(),
  signing_algorithm: z.string(),
})

const Managed = Registered.extend({
  idp_client_id: z.string(),
  idp_id_token: z.string(),
  idp_issuer: z.string(),
  idp_token_endpoint: z.string(),
})

export const authScenarios: Readonly<Record<string, AuthScenario>> = {
  'auth/metadata-default': found,
  'auth/metadata-var1': found,
  'auth/metadata-var2': shared,
  'auth/metadata-var3': found,
  // The address of the document is the suite's own: an admin names it, as one does whose gateway's document is published elsewhere.
  'auth/basic-cimd': {
    credential: () => ({ ...account, clientId: 'https://conformance-test.local/client-metadata.json' }),
    ending: called,
  },
  'auth/scope-from-www-authenticate': found,
  'auth/scope-from-scopes-supported': found,
  'auth/scope-omitted-when-undefined': found,
  'auth/scope-step-up': connectsTwice,
  'auth/scope-retry-limit': refused('upstream_auth_failed'),
  'auth/token-endpoint-auth-basic': shared,
  'auth/token-endpoint-auth-post': found,
  'auth/token-endpoint-auth-none': found,
  'auth/pre-registration': {
    credential: (context) => {
      const { client_id: clientId, client_secret: clientSecret } = Registered.parse(context)
      return { ...account, clientId, clientSecret }
    },
    ending: called,
  },
  'auth/resource-mismatch': refused('oauth_server_failed resource_mismatch'),
  'auth/offline-access-scope': found,
  'auth/offline-access-not-supported': found,
  'auth/authorization-server-migration': connectsTwice,
  'auth/iss-supported': found,
  'auth/iss-not-advertised': found,
  'auth/iss-supported-missing': refused('oauth_refused missing_iss'),
  'auth/iss-wrong-issuer': refused('oauth_refused wrong_issuer'),
  'auth/iss-unexpected': refused('oauth_refused wrong_issuer'),
  'auth/iss-normalized': refused('oauth_refused wrong_issuer'),
  'auth/metadata-issuer-mismatch': refused('oauth_server_failed wrong_issuer'),
  'auth/2025-03-26-oauth-metadata-backcompat': found,
  'auth/2025-03-26-oauth-endpoint-fallback': found,
  'auth/client-credentials-jwt': { credential: signsIn, ending: { connects: 0, refusal: null } },
  'auth/client-credentials-basic': {
    credential: (context) => {
      const { client_id: clientId, client_secret: clientSecret } = Registered.parse(context)
      return { kind: 'oauth2_client_credentials', clientId, clientSecret, authMethod: 'client_secret_basic' }
    },
    ending: { connects: 0, refusal: null },
  },
  'auth/enterprise-managed-authorization': { credential: exchanges, ending: called },
  // Known to fail. They are driven as far as the gateway goes, so that what fails is what it does not offer.
  'auth/dpop': found,
  'auth/dpop-nonce': found,
  'auth/wif-jwt-bearer': refused('oauth_server_failed client_required'),
}

function signsIn(context: unknown): object {
  const { client_id: clientId, private_key_pem: privateKey, signing_algorithm } = KeyHolder.parse(context)
  const key = { privateKey, signingAlgorithm: signing_algorithm }
  return { kind: 'oauth2_client_credentials', clientId, authMethod: 'private_key_jwt', ...key }
}

async function exchanges(context: unknown, resources: AsyncDisposableStack): Promise<object> {
  const managed = Managed.parse(context)
  const { idp_id_token: idToken, idp_token_endpoint: tokenEndpoint } = managed
  const provider = resources.use(await startProvider({ idToken, tokenEndpoint }))
  return {
    kind: 'oauth2_token_exchange',
    profile: 'id_jag',
    clientId: managed.client_id,
    clientSecret: managed.client_secret,
    authMethod: 'client_secret_basic',
    subject: {
      issuer: managed.idp_issuer,
      authorizationUrl: `${provider.url}/authorize`,
      tokenUrl: `${provider.url}/token`,
      clientId: managed.idp_client_id,
    },
  }
}
