/** The sections `mcp_config` and `mcp_servers`, as other gateways write them. They are read into `servers`; nothing else knows them. */
import { z } from 'zod'
import { SecretRef, secretText } from '#contract/secret-text.ts'
import { ServerName } from '#contract/server.ts'

const Text = z.string().min(1)
const Secret = secretText(Text)
const Headers = z.record(z.string(), z.union([z.string(), SecretRef]))

const OAuth2 = z.strictObject({
  token_url: Text.describe('The token endpoint.'),
  client_id: Text.describe('Who the gateway is there.'),
  client_secret: Secret.describe('Its secret.'),
  grant_type: z.literal('client_credentials').optional().describe('The only one there is.'),
  scope: z.string().optional().describe('Scopes, with spaces between them.'),
  token_cache_ttl: z
    .number()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds; where an answer does not say. Default: 3600.'),
  timeout: z.number().min(0.1).max(300).optional().describe('Seconds. Default: 30.'),
})
export type LegacyOAuth2 = z.output<typeof OAuth2>

const CookiePassthrough = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether cookies pass at all.'),
    cookie_names: z.array(z.string()).default([]).describe('Cookies by name; `*` is every one.'),
    cookie_prefix: z.string().optional().describe('And those whose names start with this.'),
  })
  .refine(
    ({ enabled, cookie_names: names, cookie_prefix: prefix }) => !enabled || names.length > 0 || prefix !== undefined,
    'needs "cookie_names" or "cookie_prefix"; every cookie is "*"',
  )
export type LegacyCookies = z.output<typeof CookiePassthrough>

const Auth = z.strictObject({
  oauth2: OAuth2.optional().describe('Whose tokens go to the server.'),
  cookie_passthrough: CookiePassthrough.optional().describe('Which of the caller’s cookies pass.'),
  static_headers: Headers.optional().describe('Headers, sent with every request.'),
})

const LegacyServer = z.strictObject({
  url: Text.describe('The address of the MCP endpoint.'),
  transport: z.enum(['http', 'sse']).default('sse').describe('`http` is streamable HTTP.'),
  description: z.string().optional().describe('For people.'),
  auth: Auth.optional().describe('How the gateway authenticates to the server.'),
  auth_type: z
    .enum(['none', 'api_key', 'bearer_token', 'basic', 'authorization', 'token', 'oauth2', 'aws_sigv4'])
    .optional()
    .describe('How `auth_value`, or what else stands here, is sent.'),
  auth_value: Secret.optional().describe(
    'Of `api_key`, `bearer_token`, `basic` (user:password), `authorization`, `token`.',
  ),
  authentication_token: Secret.optional().describe('Another name of `auth_value`.'),
  static_headers: Headers.optional().describe('Another place of `auth.static_headers`.'),
  extra_headers: z.array(z.string()).optional().describe('Headers of the caller’s that go to the server.'),
  oauth2_flow: z
    .enum(['client_credentials', 'authorization_code'])
    .optional()
    .describe('Of `oauth2`. Default: `client_credentials` with a `token_url`, an id and a secret, else the other one.'),
  issuer: Text.optional().describe('Of `oauth2`: the authorization server. Default: the server is asked.'),
  authorization_url: Text.optional().describe('Of `oauth2`: the authorization endpoint.'),
  token_url: Text.optional().describe('Of `oauth2`: the token endpoint.'),
  registration_url: Text.optional().describe('Of `oauth2`: where clients register themselves.'),
  client_id: Text.optional().describe('Of `oauth2`.'),
  client_secret: Secret.optional().describe('Of `oauth2`.'),
  scopes: z.array(z.string()).optional().describe('Of `oauth2`.'),
  aws_region_name: Text.optional().describe('Of `aws_sigv4`.'),
  aws_service_name: Text.optional().describe('Of `aws_sigv4`. Default: bedrock-agentcore.'),
  aws_access_key_id: Secret.optional().describe('Of `aws_sigv4`.'),
  aws_secret_access_key: Secret.optional().describe('Of `aws_sigv4`.'),
  aws_session_token: Secret.optional().describe('Of `aws_sigv4`.'),
  aws_role_name: Text.optional().describe('Of `aws_sigv4`: the ARN of a role.'),
  aws_session_name: Text.optional().describe('Of `aws_sigv4`: what is recorded for the role.'),
})
export type LegacyServer = z.output<typeof LegacyServer>

const valueTypes = ['api_key', 'bearer_token', 'basic', 'authorization', 'token'] as const
/** Which types use a key. */
const users: Partial<Record<keyof LegacyServer, readonly LegacyServer['auth_type'][]>> = {
  auth_value: valueTypes,
  authentication_token: valueTypes,
  ...Object.fromEntries(
    Object.keys(LegacyServer.shape).flatMap((key) => (key.startsWith('aws_') ? [[key, ['aws_sigv4']]] : [])),
  ),
  ...Object.fromEntries(
    [
      'oauth2_flow',
      'issuer',
      'authorization_url',
      'token_url',
      'registration_url',
      'client_id',
      'client_secret',
      'scopes',
    ].map((key) => [key, ['oauth2']]),
  ),
}

type Issue = { readonly key: keyof LegacyServer; readonly message: string }

function findIssues(server: LegacyServer): Issue[] {
  const { auth, auth_type: type, auth_value: value, authentication_token: other, static_headers: headers } = server
  const keys = LegacyServer.keyof().options
  const unused = keys.filter((key) => server[key] !== undefined && users[key]?.includes(type) === false)
  const text = value ?? other
  const isPair = typeof text === 'string' && text.includes(':')
  return [
    ...unused.map((key) => ({ key, message: type ? 'is not used with this "auth_type"' : 'needs "auth_type"' })),
    ...issueIf(
      auth?.oauth2 !== undefined && type !== undefined && type !== 'oauth2',
      'auth_type',
      'excludes "auth.oauth2"',
    ),
    ...issueIf(value !== undefined && other !== undefined, 'authentication_token', 'is another name of "auth_value"'),
    ...issueIf(
      auth?.static_headers !== undefined && headers !== undefined,
      'static_headers',
      'excludes "auth.static_headers"',
    ),
    ...issueIf(
      type === 'basic' && text !== undefined && !isPair,
      value === undefined ? 'authentication_token' : 'auth_value',
      'must be the text "user:password"',
    ),
  ]
}

function issueIf(isWrong: boolean, key: keyof LegacyServer, message: string): Issue[] {
  return isWrong ? [{ key, message }] : []
}

export const LegacySections = z.strictObject({
  mcp_config: z
    .strictObject({
      default_oauth2: OAuth2.optional().describe('Whose tokens go to servers without a token of their own.'),
      default_cookie_passthrough: CookiePassthrough.optional().describe('Which of the caller’s cookies pass.'),
      default_headers: Headers.optional().describe('Headers, sent with every request.'),
    })
    .default({})
    .describe(
      'For `mcp_servers` without one of their own. `MCP_OAUTH2_TOKEN_URL`, `MCP_OAUTH2_CLIENT_ID` and `MCP_OAUTH2_CLIENT_SECRET` of the environment, together, stand in for `default_oauth2` (`MCP_OAUTH2_SCOPE`: default `mcp:read mcp:write`), and `MCP_COOKIE_PASSTHROUGH`, names with commas between them, for `default_cookie_passthrough`.',
    ),
  mcp_servers: z
    .record(
      ServerName,
      LegacyServer.superRefine((server, context) => {
        for (const { key, message } of findIssues(server)) context.addIssue({ code: 'custom', path: [key], message })
      }),
    )
    .default({})
    .describe('Servers as other gateways write them. They are read into `servers`, which says more.'),
})
export type LegacySections = z.output<typeof LegacySections>
