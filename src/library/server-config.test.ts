import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Server } from '#contract/server.ts'
import { AuthConfig } from './auth-config.ts'
import { ConfigurationError } from './errors.ts'
import { McpServerConfig, type McpServerSettings } from './server-config.ts'
import { parseTransport } from './transport-kind.ts'

const url = 'https://mcp.example.com/fs'

function transportOf(config: McpServerConfig): Server['transport'] {
  return config.toServer().transport
}

describe('McpServerConfig', () => {
  it('is built as documented', () => {
    const { id, ...server } = new McpServerConfig('filesystem', url)
      .withAuth(AuthConfig.bearer('your-token'))
      .withHeader('X-Team', 'platform')
      .withHeader('X-Env', 'prod')
      .withTimeout(20_000)
      .withDescription('Files.')
      .toServer()
    expect(server).toMatchObject({
      name: 'filesystem',
      description: 'Files.',
      transport: {
        kind: 'streamable_http',
        url,
        credential: { kind: 'bearer', token: 'your-token' },
        headers: { 'X-Team': 'platform', 'X-Env': 'prod' },
      },
      isEnabled: true,
      isolation: 'principal',
      timeoutMs: 20_000,
      labels: [],
      aliases: [],
    })
    expect(Server.parse(server)).toEqual(server)
    expect(id).toBe('filesystem')
  })

  it('takes all settings at once', () => {
    const server = new McpServerConfig('s', url, {
      transport: 'sse',
      enabled: false,
      tags: ['a'],
      staticHeaders: { x: 'y' },
    }).toServer()
    expect(server).toMatchObject({
      isEnabled: false,
      labels: ['a'],
      timeoutMs: 30_000,
      transport: { kind: 'sse', headers: { x: 'y' } },
    })
  })

  it('starts a program for stdio', () => {
    const config = new McpServerConfig('fs', 'npx')
      .withTransport('stdio')
      .withCommand({ args: ['-y', 'fs'], env: { A: 'b' }, cwd: '/tmp' })
    expect(config.toServer()).toMatchObject({
      isolation: 'shared',
      transport: { kind: 'stdio', command: 'npx', args: ['-y', 'fs'], env: { A: 'b' }, cwd: '/tmp' },
    })
    expect(transportOf(new McpServerConfig('fs', './run').withTransport('process'))).toEqual({
      kind: 'stdio',
      command: './run',
      args: [],
      env: {},
    })
  })

  it('leaves the config as it was that it was built from', () => {
    const first = new McpServerConfig('s', url)
    first.withHeader('x', 'y').withTransport('ws')
    expect(transportOf(first)).toMatchObject({ kind: 'streamable_http', headers: {} })
  })

  it('lets a call of long silence also take long in all', () => {
    expect(new McpServerConfig('s', url).withTimeout(3_000_000).toServer().timeoutTotalMs).toBe(3_000_000)
  })

  it.each<[string, McpServerConfig, RegExp[]]>([
    ['no name', new McpServerConfig('', url), [/^name: /]],
    ['a name with the separator', new McpServerConfig('a__b', url), [/^name: /]],
    ['no address', new McpServerConfig('s', ''), [/^url: /]],
    ['no program', new McpServerConfig('s', '', { transport: 'stdio' }), [/^url: /]],
    ['http with an address of a socket', new McpServerConfig('s', 'wss://x'), [/^url: /]],
    ['sse with an address of a socket', new McpServerConfig('s', 'wss://x', { transport: 'sse' }), [/^url: /]],
    ['websocket with an address of http', new McpServerConfig('s', url, { transport: 'ws' }), [/^url: /]],
    ['an unknown transport', new McpServerConfig('s', url, { transport: 'pigeon' }), [/^transport: is not known$/]],
    ['a timeout that is too short', new McpServerConfig('s', url).withTimeout(1), [/^timeoutMs: /]],
    ['a timeout that is no number', new McpServerConfig('s', url).withTimeout(Number.NaN), [/^timeoutMs: /]],
    ['an invalid header', new McpServerConfig('s', url).withHeader('x', 's3cret\n'), [/^staticHeaders\.x: /]],
    [
      'a header of the transport',
      new McpServerConfig('s', url).withHeader('Accept', 's3cret'),
      [/^staticHeaders\.Accept: is written by the gateway itself$/],
    ],
    [
      'two sources of Authorization',
      new McpServerConfig('s', url).withAuth(AuthConfig.bearer('s3cret')).withHeader('Authorization', 's3cret'),
      [/^staticHeaders\.Authorization: cannot be set together /],
    ],
    ['an empty token', new McpServerConfig('s', url).withAuth(AuthConfig.bearer('')), [/^auth\.value: is required$/]],
    ['a token of two lines', new McpServerConfig('s', url).withAuth(AuthConfig.bearer('s3cret\n')), [/^auth\.token: /]],
    [
      'OAuth with two words in a scope',
      new McpServerConfig('s', url).withAuth(AuthConfig.oauth2('id', 's3cret', url).withScopes(['a b'])),
      [/^auth\.scopes\.0: /],
    ],
    [
      'a credential for a program',
      new McpServerConfig('s', 'npx', { transport: 'stdio' }).withAuth(AuthConfig.bearer('s3cret')),
      [/^auth: stdio/],
    ],
    [
      'headers for a program',
      new McpServerConfig('s', 'npx', { transport: 'stdio' }).withHeader('a', 's3cret'),
      [/^staticHeaders: stdio/],
    ],
    [
      'arguments for an address',
      new McpServerConfig('s', url).withCommand({ args: ['s3cret'] }),
      [/^args: applies to stdio only$/],
    ],
    [
      'everything wrong',
      new McpServerConfig('S', 'x').withTransport('pigeon').withTimeout(-1).withAuth(AuthConfig.apiKey('')),
      [/^transport: /, /^auth\.value: /, /^name: /, /^url: /, /^timeoutMs: /],
    ],
  ])('refuses %s, and says so without a value', (_what, config, faults) => {
    expect(config.validate()).toEqual(faults.map((fault) => expect.stringMatching(fault)))
    expect(() => config.toServer()).toThrow(
      expect.objectContaining({ name: 'ConfigurationError', errors: config.validate() }),
    )
    expect(config.validate().join()).not.toContain('s3cret')
  })

  it('finds nothing wrong with a good config', () => {
    expect(new McpServerConfig('s', 'wss://x').withTransport('websocket').validate()).toEqual([])
  })

  it('prints nothing secret', () => {
    const settings: McpServerSettings = { staticHeaders: { 'x-key': 's3cret' }, auth: AuthConfig.apiKey('s3cret') }
    const config = new McpServerConfig('s', 'https://h/?key=s3cret', settings)
    expect(`${inspect(config, { depth: 9 })} ${JSON.stringify(config)}`).not.toContain('s3cret')
    for (const auth of [
      AuthConfig.bearer('s3cret'),
      AuthConfig.basic('u', 's3cret'),
      AuthConfig.oauth2('i', 's3cret', url),
    ]) {
      expect(`${inspect(auth, { depth: 9, showHidden: true })} ${JSON.stringify(auth)}`).not.toContain('s3cret')
    }
  })
})

const tokenUrlFault = 'tokenUrl: must be an https address, or an http one of this machine'

describe('AuthConfig', () => {
  it.each<[string, AuthConfig, unknown]>([
    ['nothing', AuthConfig.none(), { kind: 'none' }],
    ['a bearer', AuthConfig.bearer('t'), { kind: 'bearer', token: 't' }],
    [
      'a bearer in another header',
      AuthConfig.bearer('t').withHeaderName('X-Auth'),
      { kind: 'api_key', key: 'Bearer t', header: 'X-Auth' },
    ],
    ['an API key', AuthConfig.apiKey('k'), { kind: 'api_key', key: 'k', header: 'x-api-key' }],
    [
      'an API key elsewhere',
      AuthConfig.apiKey('k').withHeaderName('Authorization'),
      { kind: 'api_key', key: 'k', header: 'Authorization' },
    ],
    [
      'an API key with a word before it',
      AuthConfig.apiKey('k').withHeaderName('Authorization').withHeaderPrefix('Token'),
      { kind: 'api_key', key: 'Token k', header: 'Authorization' },
    ],
    [
      'a token that it gets itself',
      AuthConfig.oauth2('id', 'secret', 'https://auth.example.com/token').withScopes(['a', 'b']),
      {
        kind: 'oauth2_client_credentials',
        clientId: 'id',
        clientSecret: 'secret',
        tokenUrl: 'https://auth.example.com/token',
        scopes: ['a', 'b'],
      },
    ],
    ['basic', AuthConfig.basic('u', 'p'), { kind: 'basic', username: 'u', password: 'p' }],
    ['basic without password', AuthConfig.basic('u', ''), { kind: 'basic', username: 'u', password: '' }],
  ])('sends %s', (_what, auth, credential) => {
    expect(auth.validate()).toEqual([])
    expect(auth.toCredential()).toEqual(credential)
  })

  it.each<[string, AuthConfig, string[]]>([
    ['bearer without token', AuthConfig.bearer(''), ['value: is required']],
    ['an API key without key', AuthConfig.apiKey(''), ['value: is required']],
    ['an API key in no header', AuthConfig.apiKey('k').withHeaderName(''), ['headerName: must not be empty']],
    ['basic without user', AuthConfig.basic('', 'p'), ['username: is required']],
    [
      'basic in a header of choice',
      AuthConfig.basic('u', 'p').withHeaderName('x'),
      ['headerName: does not apply to basic'],
    ],
    [
      'a bearer with another word',
      AuthConfig.bearer('t').withHeaderPrefix('Token'),
      ['headerPrefix: does not apply to bearer_token'],
    ],
    ['scopes of an API key', AuthConfig.apiKey('k').withScopes(['a']), ['scopes: does not apply to api_key']],
    [
      'OAuth without anything',
      AuthConfig.oauth2('', '', ''),
      ['clientId: is required', 'clientSecret: is required', 'tokenUrl: is required'],
    ],
    ['OAuth with a bad address', AuthConfig.oauth2('a', 'b', 'ftp://x'), [tokenUrlFault]],
    ['OAuth where everybody listens', AuthConfig.oauth2('a', 'b', 'http://auth.example.com/token'), [tokenUrlFault]],
    ['OAuth with no address', AuthConfig.oauth2('a', 'b', 'x'), [tokenUrlFault]],
  ])('finds fault with %s', (_what, auth, faults) => {
    expect(auth.validate()).toEqual(faults)
    expect(() => auth.toCredential()).toThrow(ConfigurationError)
  })
})

describe('parseTransport', () => {
  it.each([
    ['streamable_http', ['http', 'HTTP', 'streamable_http', 'streamable-http', 'StreamableHttp', ' http ']],
    ['sse', ['sse', 'SSE', 'server-sent-events', 'Server_Sent_Events', 'eventsource', 'EventSource']],
    ['stdio', ['stdio', 'Process', 'subprocess']],
    ['websocket', ['ws', 'WebSocket', 'websockets', 'web-socket']],
  ])('reads %s in all its spellings', (kind, spellings) => {
    for (const spelling of spellings) expect(parseTransport(spelling)).toBe(kind)
  })

  it.each(['', 'https', 'tcp', 'constructor', 'http2'])('refuses %j', (text) => {
    expect(() => parseTransport(text)).toThrow(ConfigurationError)
  })
})
