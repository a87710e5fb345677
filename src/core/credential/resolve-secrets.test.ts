import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { Server } from '#contract/server.ts'
import { noSecrets, resolveSecrets, type SecretLookup } from './resolve-secrets.ts'

const canary = 'CANARY-5f2c'
const secrets = new Map([
  ['git', { name: 'git', value: canary }],
  ['lines', { name: 'lines', value: `${canary}\nInjected: yes` }],
  ['braces', { name: 'braces', value: `${canary}\${OTHER}` }],
])
const find: SecretLookup = (ref) => secrets.get(ref)
const remote = (transport: object): Server =>
  Server.parse({
    name: 'files',
    isolation: 'principal',
    transport: { kind: 'streamable_http', url: 'https://a.example/mcp', ...transport },
  })

function failureOf(server: Server, lookup = find): GatewayError {
  try {
    resolveSecrets(server, lookup)
  } catch (error) {
    if (error instanceof GatewayError) return error
  }
  throw new Error('it was resolved')
}

describe('resolveSecrets', () => {
  it('puts the text of a secret wherever one is named', () => {
    const named = { secretRef: 'git' }
    const server = remote({
      credential: {
        kind: 'oauth2_client_credentials',
        tokenUrl: 'https://as.example/token',
        clientId: 'me',
        clientSecret: named,
        extraParameters: { extra: named, secretRef: 'plain' },
      },
      headers: { 'x-key': named, secretRef: 'plain' },
      variables: [{ name: 'A', scope: 'global', value: named }],
    })
    expect(resolveSecrets(server, find).transport).toMatchObject({
      credential: { clientSecret: canary, extraParameters: { extra: canary, secretRef: 'plain' } },
      headers: { 'x-key': canary, secretRef: 'plain' },
      variables: [{ value: canary }],
    })
  })

  it('puts it into the environment of a program, whose variables may be called anything', () => {
    const env = { KEY: { secretRef: 'git' }, secretRef: 'plain' }
    const server = Server.parse({ name: 'a', isolation: 'shared', transport: { kind: 'stdio', command: 'x', env } })
    expect(resolveSecrets(server, find).transport).toMatchObject({ env: { KEY: canary, secretRef: 'plain' } })
  })

  it('leaves a definition without secrets as it is', () => {
    const server = remote({ credential: { kind: 'bearer', token: 'abc' } })
    expect(resolveSecrets(server, noSecrets)).toEqual(server)
  })

  it('gives what an earlier version stored the defaults of this one', () => {
    const { transport, ...rest } = remote({})
    const old = { ...rest, transport: { kind: transport.kind, url: 'https://a.example/mcp' } }
    expect(resolveSecrets(old as Server, noSecrets)).toEqual(remote({}))
  })

  it.each([
    ['gone', 'there is no such secret'],
    ['lines', 'does not have the form that is needed here'],
  ])('names the place and the secret %s that does not fit, and no value', (secret, reason) => {
    const error = failureOf(remote({ credential: { kind: 'bearer', token: { secretRef: secret } } }))
    expect(error).toMatchObject({
      code: 'config_invalid',
      details: { path: 'transport.credential.token', secret, reason },
    })
    expect(JSON.stringify(error.details)).not.toContain(canary)
  })

  it('reads a secret’s text in a header as any other, so a variable in it must be declared', () => {
    const error = failureOf(remote({ headers: { 'x-a': { secretRef: 'braces' } } }))
    expect(error).toMatchObject({ details: { path: 'transport.headers.x-a', secret: 'braces' } })
    expect(JSON.stringify(error.details)).not.toContain(canary)
  })
})
