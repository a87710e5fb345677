/** A server of `mcp_servers` in our own words, member by member, each with where it was written, or would be: `undefined` is not there. */
import type { KeyPath } from './key-path.ts'
import type { LegacyCookies, LegacyOAuth2, LegacySections, LegacyServer } from './legacy-schema.ts'
import type { LegacyDefaults } from './legacy-environment.ts'

/** `to` leads from the server of our own; `hasParts`: what stands below it stands below `from` as well. */
export type Written = {
  readonly to: readonly string[]
  readonly value: unknown
  readonly from: KeyPath
  readonly variable?: string
  readonly hasParts?: true
}

type Part = Omit<Written, 'to' | 'value'>
type Entry = { readonly name: string; readonly server: LegacyServer; readonly sections: LegacySections }

export function toWritten({ name, server, sections }: Entry, environment: LegacyDefaults): Written[] {
  const at = (...keys: string[]): KeyPath => ['mcp_servers', name, ...keys]
  const { url, transport, description, extra_headers: forwarded } = server
  return [
    { to: ['url'], value: url, from: at('url') },
    { to: ['transport'], value: transport, from: at('transport') },
    { to: ['description'], value: description, from: at('description') },
    { to: ['forwardHeaders'], value: forwarded, from: at('extra_headers'), hasParts: true },
    ...headers({ name, server, sections }),
    ...cookies({ name, server, sections }, environment),
    ...credential({ name, server, sections }, environment),
  ]
}

function headers({ name, server, sections }: Entry): Written[] {
  const { auth, static_headers: beside } = server
  const own = { value: auth?.static_headers, from: ['mcp_servers', name, 'auth', 'static_headers'] }
  const other = { value: beside, from: ['mcp_servers', name, 'static_headers'] }
  const common = { value: sections.mcp_config.default_headers, from: ['mcp_config', 'default_headers'] }
  const found = [own, other, common].find(({ value }) => value !== undefined)
  return found ? [{ to: ['headers'], ...found, hasParts: true }] : []
}

function cookies({ name, server, sections }: Entry, environment: LegacyDefaults): Written[] {
  const own = server.auth?.cookie_passthrough
  if (own) return toCookies(own, { from: ['mcp_servers', name, 'auth', 'cookie_passthrough'] })
  const common = sections.mcp_config.default_cookie_passthrough
  if (common) return toCookies(common, { from: ['mcp_config', 'default_cookie_passthrough'] })
  const { cookieNames } = environment
  const variable = 'MCP_COOKIE_PASSTHROUGH'
  return cookieNames === null ? [] : [{ to: ['cookies'], value: { names: cookieNames }, from: [variable], variable }]
}

function toCookies({ enabled, cookie_names: names, cookie_prefix: prefix }: LegacyCookies, part: Part): Written[] {
  const value = { names, ...(prefix !== undefined && { prefix }) }
  return enabled ? [{ to: ['cookies'], value, ...part }] : []
}

/** The nearest one counts: the server's own, whichever way it is said, before what is common to all. */
function credential(entry: Entry, environment: LegacyDefaults): Written[] {
  const { name, server, sections } = entry
  const own = server.auth?.oauth2
  if (own) return toClientCredentials(own, { from: ['mcp_servers', name, 'auth', 'oauth2'] })
  if (server.auth_type !== undefined) return ofType(entry)
  if (hasAuthorization(server)) return []
  const common = sections.mcp_config.default_oauth2
  if (common) return toClientCredentials(common, { from: ['mcp_config', 'default_oauth2'] })
  return environment.oauth2 ? toClientCredentials(environment.oauth2, { from: [], variable: 'MCP_OAUTH2' }) : []
}

function hasAuthorization({ auth, static_headers: beside }: LegacyServer): boolean {
  return Object.keys(auth?.static_headers ?? beside ?? {}).some((name) => name.toLowerCase() === 'authorization')
}

function toClientCredentials(oauth2: LegacyOAuth2, { from, variable }: Part): Written[] {
  const { token_url, client_id, client_secret, scope, token_cache_ttl: ttl, timeout } = oauth2
  const member = (to: string, value: unknown, key: string): Written => ({
    to: ['credential', to],
    value,
    ...(variable === undefined
      ? { from: [...from, key] }
      : { from: [`${variable}_${key.toUpperCase()}`], variable: `${variable}_${key.toUpperCase()}` }),
  })
  return [
    {
      to: ['credential', 'kind'],
      value: 'oauth2_client_credentials',
      from,
      ...(variable && { variable: `${variable}_TOKEN_URL` }),
    },
    member('tokenUrl', token_url, 'token_url'),
    member('clientId', client_id, 'client_id'),
    member('clientSecret', client_secret, 'client_secret'),
    member('scopes', toScopes(scope), 'scope'),
    member('tokenTtlMs', ttl && Math.round(ttl * 1_000), 'token_cache_ttl'),
    member('timeoutMs', timeout && Math.round(timeout * 1_000), 'timeout'),
  ]
}

function toScopes(scope: string | undefined): string[] | undefined {
  const scopes = (scope ?? '').split(' ').filter((one) => one !== '')
  return scopes.length === 0 ? undefined : scopes
}

/** Our kind, and our member for each key of theirs. */
const kinds = {
  api_key: { kind: 'api_key', members: { key: 'auth_value' } },
  bearer_token: { kind: 'bearer', members: { token: 'auth_value' } },
  authorization: { kind: 'authorization', members: { value: 'auth_value' } },
  token: { kind: 'token', members: { token: 'auth_value' } },
  aws_sigv4: {
    kind: 'aws_sigv4',
    members: {
      region: 'aws_region_name',
      service: 'aws_service_name',
      accessKeyId: 'aws_access_key_id',
      secretAccessKey: 'aws_secret_access_key',
      sessionToken: 'aws_session_token',
      roleArn: 'aws_role_name',
      roleSessionName: 'aws_session_name',
    },
  },
} as const

const clientMembers = {
  issuer: 'issuer',
  tokenUrl: 'token_url',
  clientId: 'client_id',
  clientSecret: 'client_secret',
  scopes: 'scopes',
} as const
const accountMembers = {
  ...clientMembers,
  authorizationUrl: 'authorization_url',
  registrationUrl: 'registration_url',
} as const

function ofType({ name, server }: Entry): Written[] {
  const type = server.auth_type ?? 'none'
  const at = (key: string): KeyPath => ['mcp_servers', name, key]
  const from = at('auth_type')
  const kindOf = (kind: string): Written => ({ to: ['credential', 'kind'], value: kind, from })
  const members = (names: Readonly<Record<string, keyof LegacyServer>>): Written[] =>
    Object.entries(names).map(([to, key]) => {
      const isOther = key === 'auth_value' && server.authentication_token !== undefined
      const given = isOther ? 'authentication_token' : key
      return { to: ['credential', to], value: server[given], from: at(given), hasParts: true }
    })
  if (type === 'none') return [kindOf('none')]
  if (type === 'basic') return [kindOf('basic'), ...toBasic(server, at)]
  if (type !== 'oauth2') return [kindOf(kinds[type].kind), ...members(kinds[type].members)]
  return isClient(server)
    ? [kindOf('oauth2_client_credentials'), ...members(clientMembers)]
    : [kindOf('oauth2_authorization_code'), ...members(accountMembers)]
}

function isClient({
  oauth2_flow: flow,
  token_url,
  client_id,
  client_secret,
  authorization_url,
}: LegacyServer): boolean {
  if (flow !== undefined) return flow === 'client_credentials'
  return token_url !== undefined && client_id !== undefined && client_secret !== undefined && !authorization_url
}

/** `user:password`; a password may have colons, a user name not. */
function toBasic(
  { auth_value: value, authentication_token: other }: LegacyServer,
  at: (key: string) => KeyPath,
): Written[] {
  const text = value ?? other
  const from = at(value === undefined && other !== undefined ? 'authentication_token' : 'auth_value')
  if (typeof text !== 'string') return []
  const [username = '', ...password] = text.split(':')
  const hasPassword = password.length > 0
  return [
    { to: ['credential', 'username'], value: username, from },
    { to: ['credential', 'password'], value: hasPassword ? password.join(':') : undefined, from },
  ]
}
