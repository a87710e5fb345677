import { describe, expect, it } from 'vitest'
import { findServerFaults } from './server-faults.ts'

const url = 'https://a.example/mcp'
const faults = (transport: object): string[] =>
  findServerFaults({ url, ...transport }).map(({ keys, message }) => `${keys.join('.')}: ${message}`)

const twice = 'cannot be set together with this "credential"; keep one of the two'
const own = 'is written by the gateway itself'
const required = 'is required: text'
const perCall = 'goes with single calls, which have no headers over a WebSocket'

describe('what the parts of a definition mean for each other', () => {
  it.each<[object]>([
    [{}],
    [{ credential: { kind: 'none' }, headers: { Authorization: 'x' } }],
    [{ credential: { kind: 'bearer', token: 'x' }, headers: { 'x-a': 'y' }, forwardHeaders: ['x-b'] }],
    [{ credential: { kind: 'bearer', owner: 'user' } }],
    [{ cookies: { names: ['a'] } }],
    [{ cookies: { prefix: 'a' } }],
    [{ cookies: { prefix: 'a' }, forwardHeaders: ['x-a'], transport: 'sse' }],
    [{ url: 'wss://a.example', forwardHeaders: [] }],
    [
      {
        url: 'https://a.example/${A}/mcp?k=${B}',
        headers: { x: 'a ${A} b' },
        variables: [{ name: 'A' }, { name: 'B', scope: 'global', value: 'x' }],
      },
    ],
    [{ credential: { kind: 'oauth2_client_credentials', clientId: 'a', clientSecret: { secretRef: 'b' } } }],
    [{ credential: { kind: 'oauth2_authorization_code' } }],
    [{ credential: { kind: 'aws_sigv4', region: 'x' }, transport: 'http' }],
    [{ tls: { certificate: 'x', key: 'y' } }],
  ])('finds nothing wrong with %j', (transport) => {
    expect(faults(transport)).toEqual([])
  })

  it.each<[object, string[]]>([
    [{ headers: { 'X-A': '1', 'x-a': '2' } }, ['headers.x-a: is the same header as one above, in other letters']],
    [{ headers: { Host: 'x' } }, [`headers.Host: ${own}`]],
    [{ headers: { 'Mcp-Name': 'x' } }, [`headers.Mcp-Name: ${own}`]],
    [
      { headers: { Authorization: 'x' }, credential: { kind: 'bearer', token: 'y' } },
      [`headers.Authorization: ${twice}`],
    ],
    [{ headers: { 'X-Api-Key': 'x' }, credential: { kind: 'api_key', key: 'y' } }, [`headers.X-Api-Key: ${twice}`]],
    [
      { headers: { authorization: 'x' }, credential: { kind: 'oauth2_authorization_code' } },
      [`headers.authorization: ${twice}`],
    ],
    [
      { headers: { 'X-T': 'x' }, credential: { kind: 'oauth2_authorization_code', header: 'x-t' } },
      [`headers.X-T: ${twice}`],
    ],
    [
      { headers: { Cookie: 'a=b' }, cookies: { names: ['c'] } },
      ['headers.Cookie: cannot be set together with "cookies"; keep one of the two'],
    ],
    [
      { credential: { kind: 'api_key', key: 'a', header: 'Cookie' }, cookies: { names: ['c'] } },
      ['credential.header: cannot be set together with "cookies"; keep one of the two'],
    ],
    [{ cookies: {} }, ['cookies: needs "names" or "prefix"; every cookie is "*"']],
    [{ credential: { kind: 'api_key', key: 'a', header: 'Host' } }, [`credential.header: ${own}`]],
    [{ credential: { kind: 'bearer' } }, [`credential.token: ${required}`]],
    [
      { credential: { kind: 'basic', owner: 'gateway' } },
      [`credential.username: ${required}`, `credential.password: ${required}`],
    ],
    [
      { credential: { kind: 'bearer', owner: 'user', token: 'x' } },
      ['credential.token: is given by each owner, not here'],
    ],
    [{ tls: {}, url: 'http://a.example' }, ['tls: needs an address with https:// or wss://']],
    ...[{ url: 'wss://a.example' }, { transport: 'ws' }, { kind: 'websocket' }].map((socket): [object, string[]] => [
      { ...socket, cookies: { names: ['a'] }, forwardHeaders: ['x-a'] },
      [`forwardHeaders: ${perCall}`, `cookies: ${perCall}`],
    ]),
  ])('of %j says what is wrong', (transport, expected) => {
    expect(faults(transport)).toEqual(expected)
  })

  it.each([
    'Authorization',
    'cookie',
    'X-API-Key',
    'Proxy-Authorization',
    'Host',
    'mcp-session-id',
    'X-Static',
    'x-cred',
  ])('never forwards %s', (name) => {
    const transport = {
      headers: { 'x-static': 'a' },
      credential: { kind: 'api_key', key: 'a', header: 'X-Cred' },
      forwardHeaders: ['x-fine', name],
    }
    expect(findServerFaults({ url, ...transport })).toEqual([
      { keys: ['forwardHeaders', 1], message: expect.any(String) },
    ])
  })

  it.each<[object, string[]]>([
    [{ url: 'https://${A}/mcp', variables: [{ name: 'A' }] }, ['url: may hold variables in its path and query only']],
    [
      { url: 'https://a.example:${A}', variables: [{ name: 'A' }] },
      ['url: may hold variables in its path and query only'],
    ],
    [
      { url: 'https://${A}@a.example/', variables: [{ name: 'A' }] },
      ['url: may hold variables in its path and query only'],
    ],
    [
      { url: 'https://a.example/#${A}', variables: [{ name: 'A' }] },
      ['url: may hold variables in its path and query only'],
    ],
    [{ url: 'https://a.example/${A}' }, ['url: names a variable that "variables" does not declare']],
    [{ headers: { x: '${A}' } }, ['headers.x: names a variable that "variables" does not declare']],
    [{ headers: { x: '${A' } }, ['headers.x: has "${" that does not begin a variable, as ${NAME} does']],
    [{ variables: [{ name: 'A' }, { name: 'A' }] }, ['variables.1.name: is already the name of a variable']],
    [{ variables: [{ name: 'A', scope: 'global' }] }, [`variables.0.value: ${required}`]],
    [
      { variables: [{ name: 'A', value: 'x' }] },
      ['variables.0.value: is given by each user, not here; a value for all needs "scope: global"'],
    ],
    [
      {
        url: 'https://a.example/${A}?b=${B}',
        variables: [
          { name: 'A', isRequired: false },
          { name: 'B', isRequired: false },
        ],
      },
      ['variables.0.isRequired: must be true for a variable in the path of the address'],
    ],
  ])('of the variables in %j says what is wrong', (transport, expected) => {
    expect(faults(transport)).toEqual(expected)
  })

  it.each<[object, string[]]>([
    [{ kind: 'oauth2_client_credentials', clientId: 'a' }, [`credential.clientSecret: ${required}`]],
    [
      { kind: 'oauth2_client_credentials', clientId: 'a', authMethod: 'private_key_jwt', clientSecret: 'x' },
      [`credential.privateKey: ${required}`, 'credential.clientSecret: is not used with this "authMethod"'],
    ],
    [
      { kind: 'oauth2_client_credentials', clientId: 'a', clientSecret: 'x', tokenUrl: 'y', issuer: 'z' },
      ['credential.tokenUrl: excludes "issuer": the endpoints are either looked up or given'],
    ],
    [
      {
        kind: 'oauth2_client_credentials',
        clientId: 'a',
        clientSecret: 'x',
        extraParameters: { scope: 'y', more: 'z' },
      },
      [`credential.extraParameters.scope: ${own}`],
    ],
    [
      { kind: 'oauth2_authorization_code', clientSecret: 'x', tokenUrl: 'y' },
      ['credential.clientSecret: needs "clientId"', 'credential.tokenUrl: needs "issuer"'],
    ],
    [
      { kind: 'oauth2_authorization_code', issuer: 'x', tokenUrl: 'y' },
      ['credential: needs "authorizationUrl" and "tokenUrl", or neither'],
    ],
    [
      {
        kind: 'oauth2_token_exchange',
        clientId: 'a',
        clientSecret: 'b',
        subject: { clientId: 'a', authMethod: 'client_secret_basic' },
      },
      [`credential.subject.clientSecret: ${required}`],
    ],
    [{ kind: 'aws_sigv4', accessKeyId: 'a' }, [`credential.secretAccessKey: ${required}`]],
    [{ kind: 'aws_sigv4', secretAccessKey: 'a' }, [`credential.accessKeyId: ${required}`]],
    [{ kind: 'aws_sigv4', sessionToken: 'a' }, ['credential.sessionToken: needs "accessKeyId"']],
    [{ kind: 'aws_sigv4', externalId: 'a' }, ['credential.externalId: needs "roleArn"']],
  ])('of the credential %j says what is wrong', (credential, expected) => {
    expect(faults({ credential })).toEqual(expected)
  })

  it.each([{ kind: 'sse' }, { transport: 'sse' }, { url: 'wss://a.example/mcp' }])('signs no stream: %j', (parts) => {
    expect(faults({ credential: { kind: 'aws_sigv4', region: 'x' }, ...parts })).toEqual([
      'credential.kind: signs single requests: only for streamable HTTP',
    ])
  })

  it.each([
    null,
    1,
    'x',
    [],
    { credential: 1, headers: [], forwardHeaders: {}, cookies: 1, variables: [1, { name: 2 }], url: 3, tls: 4 },
  ])('bears %j', (transport) => {
    expect(() => findServerFaults(Object(transport))).not.toThrow()
  })
})
