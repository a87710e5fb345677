import { describe, expect, it } from 'vitest'
import { Credential, Tls } from './credential.ts'
import { Transport } from './transport.ts'

const url = 'https://a.example/mcp'
const isTaken = (credential: object): boolean => Credential.safeParse(credential).success
const machine = (parts: object) => ({ kind: 'oauth2_client_credentials', clientId: 'me', ...parts })

describe('a credential', () => {
  it.each([
    [{ kind: 'bearer', token: 'a' }, { owner: 'gateway' }],
    [{ kind: 'api_key', owner: 'user' }, { header: 'x-api-key' }],
    [
      machine({}),
      { authMethod: 'client_secret_post', tokenTtlMs: 3_600_000, timeoutMs: 30_000, header: 'authorization' },
    ],
    [{ kind: 'oauth2_authorization_code' }, { owner: 'user', header: 'authorization' }],
    [{ kind: 'aws_sigv4', region: 'eu-central-1' }, { service: 'bedrock-agentcore' }],
  ])('%j has defaults', (credential, defaults) => {
    expect(Credential.parse(credential)).toMatchObject(defaults)
  })

  it.each([
    { kind: 'bearer', token: 'a\r\nx: y' },
    { kind: 'bearer', token: '' },
    { kind: 'bearer', token: { secretRef: '' } },
    { kind: 'bearer', token: { secretRef: 'a', more: 1 } },
    { kind: 'bearer', token: { secret: 'a' } },
    { kind: 'authorization', value: 'a\nb' },
    { kind: 'token', token: 'a\0' },
    { kind: 'basic', username: 'a:b', password: 'c' },
    { kind: 'basic', username: 'a', password: 'c\r' },
    { kind: 'api_key', key: 'a', header: 'x y' },
    { kind: 'bearer', owner: 'everybody' },
    { kind: 'bearer', owner: 'user', helpUrl: 'javascript:alert(1)' },
    { kind: 'oauth2' },
    machine({ clientId: 'a\nb' }),
    machine({ scopes: ['a b'] }),
    machine({ resource: 'https://a.example/#x' }),
    machine({ extraParameters: { 'a\n': 'b' } }),
    machine({ extraParameters: { a: 'b\n' } }),
    machine({ authMethod: 'none' }),
    { kind: 'aws_sigv4', region: 'eu central' },
    { kind: 'aws_sigv4', region: 'eu-central-1', roleArn: 'role/x' },
  ])('is not %j', (credential) => {
    expect(isTaken(credential)).toBe(false)
  })

  it.each([
    ['https://as.example/token', true],
    ['https://as.example/token?api-version=1', true],
    ['http://localhost:9000/token', true],
    ['http://127.0.0.1:9000/token', true],
    ['http://[::1]:9000/token', true],
    ['http://as.example/token', false],
    ['http://127.0.0.1.evil.test/token', false],
    ['http://localhost.evil.test/token', false],
    ['https://user:password@as.example/token', false],
    ['https://as.example/token#x', false],
    ['ftp://as.example/token', false],
  ])('asks for tokens at %s: %s', (tokenUrl, expected) => {
    expect(isTaken(machine({ tokenUrl }))).toBe(expected)
  })

  it('names an issuer without a query', () => {
    expect([
      isTaken(machine({ issuer: 'https://as.example/a' })),
      isTaken(machine({ issuer: 'https://as.example/?a' })),
    ]).toEqual([true, false])
  })
})

describe('a client certificate', () => {
  const pem = (lineEnd: string) =>
    ['-----BEGIN CERTIFICATE-----', 'MIIB', '-----END CERTIFICATE-----', ''].join(lineEnd)

  it.each(['\n', '\r\n'])('is PEM, with lines that end in %j', (lineEnd) => {
    expect(Tls.safeParse({ certificate: pem(lineEnd), key: { secretRef: 'key' } }).success).toBe(true)
  })

  it.each(['', 'MIIB', '-----BEGIN CERTIFICATE-----', pem('\n').slice(0, -5)])('is not %j', (certificate) => {
    expect(Tls.safeParse({ certificate, key: pem('\n') }).success).toBe(false)
  })
})

describe('what goes with requests', () => {
  it.each([
    { forwardHeaders: ['x y'] },
    { headers: { 'x-a': 'a\r\nb: c' } },
    { headers: { 'x-a': { secretRef: 'a b' } } },
    { cookies: { names: ['a b'] } },
    { cookies: { names: ['a;b'] } },
    { cookies: { names: ['a\r\n'] } },
    { cookies: { prefix: '' } },
    { variables: [{ name: '1A' }] },
    { variables: [{ name: 'A', scope: 'team' }] },
    { variables: [{ name: 'A', scope: 'global', value: 'a\nb' }] },
    { tls: { certificate: 'a' } },
  ])('is not %j', (parts) => {
    expect(Transport.safeParse({ kind: 'streamable_http', url, ...parts }).success).toBe(false)
  })
})
