/** How the gateway authenticates to a server: by kind, and by whose credential it is. What the parts mean for each other: server-faults.ts. */
import { z } from 'zod'
import { BasicPassword, BasicUsername, HeaderName, HeaderSecret } from './header-text.ts'
import { isLoopbackHost } from './loopback.ts'
import { secretText } from './secret-text.ts'

const Owner = z
  .enum(['gateway', 'team', 'user'])
  .describe(
    'Whose it is. `gateway`: one for all, given here. `team`, `user`: each gives its own, and nothing is given here.',
  )

const Page = z.url({ protocol: /^https?$/ })

/** Members of a credential that stands here, or that each owner gives. */
const owned = {
  owner: Owner.default('gateway'),
  helpUrl: Page.describe('Where people get theirs.').optional(),
}

const None = z.strictObject({ kind: z.literal('none') })
const Bearer = z.strictObject({
  kind: z.literal('bearer'),
  token: secretText(HeaderSecret).describe('Sent as `Authorization: Bearer …`.').optional(),
  ...owned,
})
const ApiKey = z.strictObject({
  kind: z.literal('api_key'),
  key: secretText(HeaderSecret).describe('The key itself.').optional(),
  header: HeaderName.describe('The header that carries the key.').default('x-api-key'),
  ...owned,
})
const Basic = z.strictObject({
  kind: z.literal('basic'),
  username: BasicUsername.describe('RFC 7617: without a colon.').optional(),
  password: secretText(BasicPassword).describe('The password of this user.').optional(),
  ...owned,
})
const Authorization = z.strictObject({
  kind: z.literal('authorization'),
  value: secretText(HeaderSecret).describe('The whole value of `Authorization`.').optional(),
  ...owned,
})
const Token = z.strictObject({
  kind: z.literal('token'),
  token: secretText(HeaderSecret).describe('Sent as `Authorization: token …`.').optional(),
  ...owned,
})

/** OAuth 2.1 §1.5: https, except on this machine. */
export const OAuthUrl = z
  .url({ protocol: /^https?$/ })
  .refine(isSafeUrl, 'must start with https://, or http:// on this machine, without a user name, password or fragment')
/** RFC 8414 §2. */
const Issuer = OAuthUrl.refine((text) => !text.includes('?'), 'must not have a query')
/** RFC 8707 §2: any absolute URI. */
const ResourceUri = z
  .string()
  .regex(/^[a-z][a-z0-9+.-]*:[\x21\x22\x24-\x7e]+$/i, 'must be an absolute URI without a fragment')

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { protocol, hostname, username, password } = new URL(text)
  return (
    (protocol === 'https:' || isLoopbackHost(hostname)) && username === '' && password === '' && !text.includes('#')
  )
}

/** RFC 6749 appendix A: VSCHAR. */
const OAuthText = z.string().regex(/^[\x20-\x7e]+$/, 'must be printable ASCII characters')
const Scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope: no space, quote or backslash')
const Scopes = z.array(Scope).max(100).describe('What is asked for. Default: what the server asks for.')
const Pem = z.string().regex(/^-----BEGIN [A-Z0-9 ]+-----\r?\n[^\0]+-----END [A-Z0-9 ]+-----\s*$/, 'must be PEM')

const ClientAuthMethod = z.enum(['client_secret_post', 'client_secret_basic', 'private_key_jwt'])
const SigningAlgorithm = z.enum(['RS256', 'PS256', 'ES256', 'EdDSA'])

/** How the gateway authenticates to the authorization server. */
const client = {
  clientSecret: secretText(OAuthText).describe('The client’s secret.').optional(),
  privateKey: secretText(Pem).describe('For `private_key_jwt`: PKCS #8, PEM.').optional(),
  privateKeyId: OAuthText.describe('For `private_key_jwt`: the `kid` of its assertions.').optional(),
  signingAlgorithm: SigningAlgorithm.describe('For `private_key_jwt`.').default('RS256'),
}

const header = HeaderName.describe('The header that carries the token, as `Bearer …`.').default('authorization')
const timeoutMs = z.int().min(100).max(300_000).default(30_000).describe('How long the authorization server may take.')

const ClientCredentials = z.strictObject({
  kind: z.literal('oauth2_client_credentials'),
  tokenUrl: OAuthUrl.describe(
    'The token endpoint. With neither this nor `issuer`, the server is asked (RFC 9728).',
  ).optional(),
  issuer: Issuer.describe('The authorization server, instead of `tokenUrl`: its endpoints are looked up.').optional(),
  clientId: OAuthText.describe('Who the gateway is there.'),
  authMethod: ClientAuthMethod.default('client_secret_post').describe('How the client says that it is itself.'),
  ...client,
  scopes: Scopes.optional(),
  resource: ResourceUri.describe('What the token is for (RFC 8707).').optional(),
  audience: OAuthText.describe('The same for servers that do not know RFC 8707.').optional(),
  extraParameters: z.record(OAuthText, secretText(OAuthText)).describe('More fields of the token request.').optional(),
  tokenTtlMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('How long a token is used whose answer does not say when it ends.'),
  timeoutMs,
  header,
})

const AuthorizationCode = z.strictObject({
  kind: z.literal('oauth2_authorization_code'),
  owner: Owner.describe('Who connects: each user, each team, or the gateway once for all.').default('user'),
  clientId: OAuthText.describe('Default: the gateway registers itself, or names a document about itself.').optional(),
  authMethod: z
    .enum(['none', ...ClientAuthMethod.options])
    .describe('Default: what the authorization server prefers of what is given here.')
    .optional(),
  ...client,
  issuer: Issuer.describe('The authorization server. Default: the server is asked (RFC 9728).').optional(),
  authorizationUrl: OAuthUrl.describe('The authorization endpoint, where it is not looked up.').optional(),
  tokenUrl: OAuthUrl.describe('The token endpoint, where it is not looked up.').optional(),
  registrationUrl: OAuthUrl.describe('Where clients register themselves, where it is not looked up.').optional(),
  scopes: Scopes.optional(),
  resource: ResourceUri.describe('What the token is for (RFC 8707). Default: what the server calls itself.').optional(),
  timeoutMs,
  header,
})

const IdentityProvider = z.strictObject({
  issuer: Issuer.describe('The identity provider that each user connects once.'),
  clientId: OAuthText.describe('Who the gateway is there.'),
  authMethod: z.enum(['none', ...ClientAuthMethod.options]).optional(),
  ...client,
  authorizationUrl: OAuthUrl.describe('The authorization endpoint, where it is not looked up.').optional(),
  tokenUrl: OAuthUrl.describe('The token endpoint, where it is not looked up.').optional(),
  scopes: Scopes.optional(),
})

const TokenExchange = z.strictObject({
  kind: z.literal('oauth2_token_exchange'),
  profile: z
    .enum(['rfc8693', 'entra_obo', 'id_jag'])
    .default('rfc8693')
    .describe('Token exchange (RFC 8693), on-behalf-of of Microsoft Entra, or identity assertion grant.'),
  tokenUrl: OAuthUrl.describe(
    'The token endpoint. With neither this nor `issuer`, the server is asked (RFC 9728).',
  ).optional(),
  issuer: Issuer.describe('The authorization server, instead of `tokenUrl`: its endpoints are looked up.').optional(),
  clientId: OAuthText.describe('Who the gateway is there.'),
  authMethod: ClientAuthMethod.default('client_secret_post').describe('How the client says that it is itself.'),
  ...client,
  audience: OAuthText.describe('Who the token is for.').optional(),
  resource: ResourceUri.describe('What the token is for (RFC 8707).').optional(),
  scopes: Scopes.optional(),
  requestedTokenType: ResourceUri.describe('RFC 8693 §3. Default: the authorization server’s choice.').optional(),
  subjectTokenType: ResourceUri.describe(
    'RFC 8693 §3. Default: of an access token; for `id_jag`, of an ID token.',
  ).optional(),
  subject: IdentityProvider.describe('Whose token is exchanged: the user’s at this identity provider.'),
  timeoutMs,
  header,
})

const AwsSigV4 = z.strictObject({
  kind: z.literal('aws_sigv4'),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a region, such as eu-central-1')
    .describe('Part of what is signed.'),
  service: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a service, such as bedrock-agentcore')
    .default('bedrock-agentcore')
    .describe('Part of what is signed.'),
  accessKeyId: secretText(OAuthText).describe('Default: what AWS’s own chain finds where the gateway runs.').optional(),
  secretAccessKey: secretText(OAuthText).describe('Together with `accessKeyId`.').optional(),
  sessionToken: secretText(OAuthText).describe('Of temporary keys.').optional(),
  roleArn: z
    .string()
    .regex(/^arn:[\x21-\x7e]{1,2000}$/, 'must be an ARN')
    .describe('A role that is assumed with these keys.')
    .optional(),
  roleSessionName: z
    .string()
    .regex(/^[\w+=,.@-]{2,64}$/, 'use letters, digits and _+=,.@-, 2 to 64 characters')
    .describe('What AWS records for the assumed role. Default: toolgate.')
    .optional(),
  externalId: secretText(OAuthText).describe('What the role’s owner asks for.').optional(),
})

export const Credential = z
  .discriminatedUnion('kind', [
    None,
    Bearer,
    ApiKey,
    Basic,
    Authorization,
    Token,
    ClientCredentials,
    AuthorizationCode,
    TokenExchange,
    AwsSigV4,
  ])
  .meta({ id: 'Credential', description: 'How the gateway authenticates to a server.' })
export type Credential = z.infer<typeof Credential>
/** As it is written: what has a default may be left out. */
export type CredentialEntry = z.input<typeof Credential>

/** Client certificate (RFC 8446 §4.4.2), and who signs the server’s. */
export const Tls = z
  .strictObject({
    certificate: secretText(Pem).describe('The client certificate, PEM, with the chain below it.'),
    key: secretText(Pem).describe('Its private key, PEM.'),
    passphrase: secretText(z.string().min(1)).describe('Of the key, where it is encrypted.').optional(),
    ca: secretText(Pem).describe('Who signs the server’s certificate, PEM. Default: the usual authorities.').optional(),
  })
  .meta({ id: 'Tls', description: 'A client certificate (mTLS).' })
export type Tls = z.infer<typeof Tls>
