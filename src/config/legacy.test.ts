import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-error.ts'
import { explainConfig } from './explain.ts'
import { loadConfig } from './load.ts'
import type { Environment } from './substitute.ts'

const load = (text: string, env: Environment = {}) => loadConfig({ path: '/etc/toolgate.yaml', text, env })
const transportsOf = (text: string, env: Environment = {}) =>
  Object.fromEntries(load(text, env).servers.map(({ name, transport }) => [name, transport]))
const transportOf = (server: string, { common = '{}', env = {} }: { common?: string; env?: Environment } = {}) =>
  transportsOf(`mcp_config: ${common}\nmcp_servers:\n  a: ${server}`, env)['a']

function complaints(text: string, env: Environment = {}): string[] {
  try {
    load(text, env)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
  }
  return []
}

const url = 'url: https://tools.example/mcp'
const oauth2 = '{ token_url: https://auth.example/token, client_id: me, client_secret: s3cret }'
const issued = {
  kind: 'oauth2_client_credentials',
  tokenUrl: 'https://auth.example/token',
  clientId: 'me',
  clientSecret: 's3cret',
  authMethod: 'client_secret_post',
}
const threeVariables = {
  MCP_OAUTH2_TOKEN_URL: 'https://auth.example/token',
  MCP_OAUTH2_CLIENT_ID: 'me',
  MCP_OAUTH2_CLIENT_SECRET: 's3cret',
}

describe('mcp_servers', () => {
  it('are read from the shape that was documented, as JSON', () => {
    const text = JSON.stringify({
      mcp_servers: {
        protected_tools: {
          url: 'https://tools.company.com/mcp',
          auth: {
            oauth2: {
              token_url: 'https://auth.company.com/oauth2/token',
              client_id: 'litellm-proxy',
              client_secret: '${SECRET}',
            },
            cookie_passthrough: { enabled: true, cookie_names: ['session_id', 'user_id'] },
          },
        },
      },
    })
    expect(transportsOf(text, { SECRET: 's3cret' })).toMatchObject({
      protected_tools: {
        kind: 'sse',
        url: 'https://tools.company.com/mcp',
        credential: { clientId: 'litellm-proxy', clientSecret: 's3cret', tokenTtlMs: 3_600_000, timeoutMs: 30_000 },
        cookies: { names: ['session_id', 'user_id'] },
      },
    })
  })

  it('stand beside servers in our own words', () => {
    const text = `servers: { b: { ${url} } }\nmcp_servers: { a: { ${url}, transport: http } }`
    expect(transportsOf(text)).toMatchObject({ a: { kind: 'streamable_http' }, b: { kind: 'streamable_http' } })
  })

  it('have every member of oauth2 in our own units', () => {
    const more =
      '{ token_url: https://auth.example/token, client_id: me, client_secret: s3cret, grant_type: client_credentials, scope: "a  b", token_cache_ttl: ${TTL}, timeout: 2.5 }'
    const quoted = more.replace('${TTL}', '"${TTL}"')
    expect(transportOf(`{ ${url}, auth: { oauth2: ${quoted} } }`, { env: { TTL: '90' } })).toMatchObject({
      credential: { ...issued, scopes: ['a', 'b'], tokenTtlMs: 90_000, timeoutMs: 2_500 },
    })
  })

  it('forward no cookie where that is switched off', () => {
    const off = '{ enabled: false, cookie_names: [a] }'
    expect(transportOf(`{ ${url}, auth: { cookie_passthrough: ${off} } }`)).not.toHaveProperty('cookies')
  })
})

describe('mcp_config', () => {
  const common = `{ default_oauth2: ${oauth2}, default_cookie_passthrough: { cookie_prefix: app_ }, default_headers: { X-Common: a } }`

  it('is for what a server does not say itself', () => {
    expect(transportOf(`{ ${url} }`, { common })).toMatchObject({
      credential: issued,
      cookies: { names: [], prefix: 'app_' },
      headers: { 'X-Common': 'a' },
    })
  })

  it('is replaced member by member, and mixed with nothing', () => {
    const auth = '{ static_headers: { X-Own: b }, cookie_passthrough: { cookie_names: [c] } }'
    const transport = transportOf(`{ ${url}, auth: ${auth} }`, { common })
    expect(transport).toMatchObject({ credential: issued, cookies: { names: ['c'] }, headers: { 'X-Own': 'b' } })
    expect(transport).not.toHaveProperty('headers.X-Common')
    expect(transport).not.toHaveProperty('cookies.prefix')
  })

  it.each([
    ['an Authorization of its own', '{ static_headers: { authorization: Custom x } }', ''],
    ['another way to authenticate', '{}', ', auth_type: bearer_token, auth_value: x'],
    ['none at all', '{}', ', auth_type: none'],
  ])('gives no token to a server with %s', (_what, auth, more) => {
    expect(transportOf(`{ ${url}, auth: ${auth}${more} }`, { common })).not.toMatchObject({
      credential: { kind: 'oauth2_client_credentials' },
    })
  })
})

describe('the environment', () => {
  it('alone gives servers without credentials a client of their own', () => {
    expect(transportsOf(`mcp_servers: { a: { ${url} } }`, threeVariables)['a']).toMatchObject({
      credential: { ...issued, scopes: ['mcp:read', 'mcp:write'] },
    })
  })

  it('says the scopes, and which cookies pass', () => {
    const env = { ...threeVariables, MCP_OAUTH2_SCOPE: 'a b', MCP_COOKIE_PASSTHROUGH: 'session_id, user_id' }
    expect(transportOf(`{ ${url} }`, { env })).toMatchObject({
      credential: { scopes: ['a', 'b'] },
      cookies: { names: ['session_id', 'user_id'] },
    })
  })

  it.each(Object.keys(threeVariables))('gives nothing without %s', (name) => {
    for (const value of [undefined, ''])
      expect(transportOf(`{ ${url} }`, { env: { ...threeVariables, [name]: value } })).toMatchObject({
        credential: { kind: 'none' },
      })
  })

  it('comes after the file', () => {
    const env = { ...threeVariables, MCP_OAUTH2_CLIENT_ID: 'other', MCP_COOKIE_PASSTHROUGH: 'x' }
    const common = `{ default_oauth2: ${oauth2}, default_cookie_passthrough: { enabled: false } }`
    const transport = transportOf(`{ ${url} }`, { common, env })
    expect(transport).toMatchObject({ credential: { clientId: 'me' } })
    expect(transport).not.toHaveProperty('cookies')
  })

  it('gives nothing to servers in our own words', () => {
    expect(transportsOf(`servers: { a: { ${url} } }`, threeVariables)['a']).toMatchObject({
      credential: { kind: 'none' },
    })
  })

  it('must say which cookies', () => {
    expect(complaints(`mcp_servers: { a: { ${url} } }`, { MCP_COOKIE_PASSTHROUGH: 'true' })).toEqual([
      '1:1 MCP_COOKIE_PASSTHROUGH: must be names of cookies with commas between them; every cookie is "*"',
    ])
    for (const text of ['false', '', '0']) {
      const transport = transportOf(`{ ${url} }`, { env: { MCP_COOKIE_PASSTHROUGH: text } })
      expect(transport).not.toHaveProperty('cookies')
    }
  })

  it('is named where it says something that cannot be', () => {
    const env = { ...threeVariables, MCP_OAUTH2_TOKEN_URL: 'http://auth.example/s3cret' }
    expect(complaints(`mcp_servers:\n  a: { ${url} }`, env)).toEqual([
      '2:6 MCP_OAUTH2_TOKEN_URL: must start with https://, or http:// on this machine, without a user name, password or fragment',
    ])
  })
})

describe('auth_type', () => {
  const value = 'auth_value: s3cret'
  it.each([
    ['none', '', { kind: 'none' }],
    ['api_key', value, { kind: 'api_key', key: 's3cret', header: 'x-api-key' }],
    ['bearer_token', value, { kind: 'bearer', token: 's3cret' }],
    ['bearer_token', 'authentication_token: s3cret', { kind: 'bearer', token: 's3cret' }],
    ['bearer_token', 'auth_value: { secretRef: key }', { kind: 'bearer', token: { secretRef: 'key' } }],
    ['basic', 'auth_value: "me:pass:word"', { kind: 'basic', username: 'me', password: 'pass:word' }],
    ['authorization', value, { kind: 'authorization', value: 's3cret' }],
    ['token', value, { kind: 'token', token: 's3cret' }],
    [
      'oauth2',
      'token_url: https://auth.example/token, client_id: me, client_secret: s3cret, scopes: [a]',
      { ...issued, scopes: ['a'] },
    ],
    ['oauth2', 'client_id: me', { kind: 'oauth2_authorization_code', owner: 'user', clientId: 'me' }],
    [
      'oauth2',
      'oauth2_flow: client_credentials, issuer: https://auth.example, client_id: me, client_secret: s3cret',
      { kind: 'oauth2_client_credentials', issuer: 'https://auth.example' },
    ],
    [
      'aws_sigv4',
      'transport: http, aws_region_name: eu-central-1, aws_role_name: "arn:aws:iam::1:role/x", aws_access_key_id: a, aws_secret_access_key: b',
      {
        kind: 'aws_sigv4',
        region: 'eu-central-1',
        service: 'bedrock-agentcore',
        roleArn: 'arn:aws:iam::1:role/x',
        accessKeyId: 'a',
      },
    ],
  ])('%s with "%s" is one of our kinds', (type, more, credential) => {
    const members = [url, `auth_type: ${type}`, ...(more === '' ? [] : [more])].join(', ')
    expect(transportOf(`{ ${members} }`)).toMatchObject({ credential })
  })
})

const secondsCases = (
  [
    ['timeout', '600', 'must be at most 300'],
    ['timeout', '0.01', 'must be at least 0.1'],
    ['token_cache_ttl', '604800', 'must be at most 86400'],
    ['token_cache_ttl', '0.5', 'must be at least 1'],
  ] as const
).map(([key, seconds, message]): [string, string] => [
  `mcp_config: { default_oauth2: { ${key}: ${seconds}, token_url: https://x, client_id: a, client_secret: b } }`,
  `1:${35 + key.length} mcp_config.default_oauth2.${key}: ${message}`,
])

describe('what is wrong in them', () => {
  it.each([
    [
      `mcp_servers: { a: { ${url}, tansport: sse } }`,
      '1:53 mcp_servers.a.tansport: unknown key; did you mean "transport"?',
    ],
    [`mcp_servers: { a: { url: "" } }`, '1:26 mcp_servers.a.url: must not be empty'],
    [`mcp_servers: { a: { transport: http } }`, '1:16 mcp_servers.a.url: is required: text'],
    [
      `mcp_servers: { a: { url: "ftp://x" } }`,
      '1:26 mcp_servers.a.url: must be a complete URL of a scheme that is allowed here',
    ],
    [`mcp_servers: { a: { ${url}, transport: ws } }`, '1:64 mcp_servers.a.transport: must be one of "http", "sse"'],
    [
      `mcp_servers: { a: { ${url}, auth: { oauth2: { token_url: https://x, client_id: a, client_secret: "" } } } }`,
      '1:122 mcp_servers.a.auth.oauth2.client_secret: must not be empty',
    ],
    [
      `mcp_servers: { a: { ${url}, auth: { oauth2: { token_url: https://x, client_id: a, client_secret: b, scope: 'a"b' } } } }`,
      '1:132 mcp_servers.a.auth.oauth2.scope: must be one scope: no space, quote or backslash',
    ],
    [
      `mcp_config: { default_oauth2: { token_url: https://x, client_id: a } }`,
      '1:15 mcp_config.default_oauth2.client_secret: is required: text',
    ],
    [
      `mcp_config: { default_headers: { Host: x } }\nmcp_servers: { a: { ${url} } }`,
      '1:34 mcp_config.default_headers.Host: is written by the gateway itself',
    ],
    [
      `mcp_servers: { a: { ${url}, auth: { oauth2: ${oauth2}, static_headers: { Authorization: x } } } }`,
      '1:168 mcp_servers.a.auth.static_headers.Authorization: cannot be set together with this "credential"; keep one of the two',
    ],
    [
      `mcp_servers: { a: { ${url}, auth: { cookie_passthrough: {} } } }`,
      '1:81 mcp_servers.a.auth.cookie_passthrough: needs "cookie_names" or "cookie_prefix"; every cookie is "*"',
    ],
    ...secondsCases,
    [`mcp_servers: { a: { ${url}, auth_type: bearer_token } }`, '1:16 mcp_servers.a.auth_value: is required: text'],
    [
      `mcp_servers: { a: { ${url}, auth_type: basic, auth_value: s3cret } }`,
      '1:83 mcp_servers.a.auth_value: must be the text "user:password"',
    ],
    [`mcp_servers: { a: { ${url}, auth_value: s3cret } }`, '1:65 mcp_servers.a.auth_value: needs "auth_type"'],
    [
      `mcp_servers: { a: { ${url}, auth_type: oauth_delegate } }`,
      '1:64 mcp_servers.a.auth_type: must be one of "none", "api_key", "bearer_token", "basic", "authorization", "token", "oauth2", "aws_sigv4"',
    ],
    [
      `servers: { a: { ${url} } }\nmcp_servers: { a: { ${url} } }`,
      '2:16 mcp_servers.a: is the name of a server in "servers" as well',
    ],
  ])('is told of %s', (text, complaint) => {
    const told = complaints(text)
    expect(told).toEqual([complaint])
    expect(told.join()).not.toContain('s3cret')
  })
})

describe('toolgate config explain', () => {
  it('shows where the values of such servers were written, and no secret', () => {
    const text = `mcp_config:\n  default_headers: { X-A: b }\nmcp_servers:\n  a:\n    ${url}\n    transport: http\n`
    const explained = explainConfig(load(text, threeVariables))
    expect(explained).toContain('url: https://tools.example/mcp # toolgate.yaml:5')
    expect(explained).toContain('X-A: "[secret]" # toolgate.yaml:2')
    expect(explained).toContain('clientSecret: "[secret]" # ${MCP_OAUTH2_CLIENT_SECRET} (toolgate.yaml:4)')
    expect(explained).not.toContain('s3cret')
    expect(explained).not.toContain('mcp_servers')
  })
})

describe('variables of a server’s own', () => {
  it('are written with two signs, and stay to be read in an address', () => {
    const text = 'servers: { a: { url: "https://a.example/$${TENANT}/mcp?key=x", variables: [{ name: TENANT }] } }'
    const config = load(text)
    expect(config.servers[0]?.transport).toMatchObject({ url: 'https://a.example/${TENANT}/mcp?key=x' })
    expect(explainConfig(config)).toContain('https://a.example/${TENANT}/mcp?key=[secret]')
  })
})

describe('os.environ/NAME', () => {
  it('is an environment variable, as the whole of a value', () => {
    const text = `servers: { a: { ${url}, credential: { kind: bearer, token: os.environ/KEY }, headers: { x: not os.environ/KEY } } }`
    expect(transportsOf(text, { KEY: 's3cret' })['a']).toMatchObject({
      credential: { token: 's3cret' },
      headers: { x: 'not os.environ/KEY' },
    })
  })

  it.each([
    ['os.environ/KEY', 'the environment variable KEY is not set'],
    ['os.environ/', '"os.environ/" must be followed by the name of an environment variable'],
    ['os.environ/a-b', '"os.environ/" must be followed by the name of an environment variable'],
  ])('is refused where it cannot be: %s', (value, message) => {
    expect(complaints(`servers: { a: { ${url}, headers: { x: ${value} } } }`)).toEqual([
      expect.stringContaining(`servers.a.headers.x: ${message}`),
    ])
  })
})
