import { describe, expect, it } from 'vitest'
import { Server } from '#contract/server.ts'
import { resource } from '#test/support/resources.ts'
import { givenValuesOf, secretValuesOf } from './secret-values.ts'

const pem = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n'
const valuesOf = (transport: object): string[] =>
  secretValuesOf(Server.parse({ name: 'a', isolation: 'shared', transport }), (ref) => ({
    name: ref,
    value: `the ${ref}`,
  }))
const remote = (parts: object) => valuesOf({ kind: 'streamable_http', url: 'https://a.example/mcp', ...parts })

describe('what is secret in a definition', () => {
  it.each<[object, string[]]>([
    [{ headers: { a: 'Bearer abc' } }, ['Bearer abc', 'abc']],
    [{ headers: { a: { secretRef: 'key' } } }, ['the key', 'key']],
    [{ credential: { kind: 'bearer', token: 'abc' } }, ['abc']],
    [{ credential: { kind: 'authorization', value: 'Custom abc' } }, ['Custom abc', 'abc']],
    [{ credential: { kind: 'basic', username: 'me', password: 'abc' } }, ['abc', 'Basic bWU6YWJj', 'bWU6YWJj']],
    [{ url: 'https://a.example/mcp?key=abc' }, ['abc']],
    [{ variables: [{ name: 'A', scope: 'global', value: 'abc def' }] }, ['abc def']],
    [{ tls: { certificate: pem, key: pem, passphrase: 'correct horse' } }, [pem, 'correct horse']],
  ])(
    '%j has its texts, and nothing that everybody writes: no name of a header, no word of a sentence',
    (parts, expected) => {
      expect(new Set(remote(parts))).toEqual(new Set(expected))
    },
  )

  it('includes the environment of a program', () => {
    const env = { A: 'abc', B: { secretRef: 'key' }, C: '' }
    expect(valuesOf({ kind: 'stdio', command: 'x', env })).toEqual(['abc', 'the key'])
  })
})

describe('what owners have given', () => {
  const given = (spec: object) => givenValuesOf(resource('credential', 'a', spec).spec)

  it('is of tokens, which come and go, and of texts, which stay', () => {
    const oauth = { kind: 'oauth', accessToken: 'a', refreshToken: 'r', idToken: null }
    expect(given({ secret: oauth, variables: { A: 'v' } })).toEqual({ tokens: ['a', 'r'], texts: ['v'] })
    expect(given({ secret: { kind: 'key', parts: { username: 'u', password: 'p' } } }).texts).toEqual(['p'])
  })

  it.each([
    [{ method: 'client_secret_post', secret: 's' }, ['s']],
    [{ method: 'private_key_jwt', privateKey: pem, keyId: null, algorithm: 'RS256' }, [pem]],
    [{ method: 'none' }, []],
  ])('is of a client with %j', (auth, texts) => {
    expect(given({ secret: { kind: 'client', auth } })).toEqual({ tokens: [], texts })
  })

  it('is nothing where nothing is there', () => {
    expect(given({})).toEqual({ tokens: [], texts: [] })
  })
})
