import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { findAccountSource, registeredClient } from './account-source.ts'
import type { AuthorizationServer, ProtectedResource } from './oauth-client.ts'
import { silentServer } from './silent-server.ts'

const serverUrl = 'https://mcp.example.com/mcp'

function asOf(issuer: string): AuthorizationServer {
  return silentServer({ issuer, authorizationEndpoint: `${issuer}/authorize`, tokenEndpoint: `${issuer}/token` })
}

function finder(said: ProtectedResource | null) {
  const asked: string[] = []
  return {
    asked,
    findResource: async (url: string, challenge: string | null) => {
      asked.push(`resource ${url} ${challenge}`)
      return said
    },
    findServer: async (issuer: string) => {
      asked.push(`server ${issuer}`)
      if (issuer === '') throw new GatewayError('oauth_server_failed', { details: { reason: 'no_metadata' } })
      return asOf(issuer)
    },
    findOwnServer: async (url: string) => {
      asked.push(`own ${url}`)
      return asOf(new URL(url).origin)
    },
  }
}

describe('findAccountSource', () => {
  it('asks the server, and then the first authorization server that it names', async () => {
    const oauth = finder({
      resource: 'https://mcp.example.com/',
      authorizationServers: ['https://a.example', 'https://b.example'],
      scopes: ['x'],
    })
    const source = await findAccountSource(oauth, {}, { serverUrl, challenge: 'Bearer' })
    expect(oauth.asked).toEqual([`resource ${serverUrl} Bearer`, 'server https://a.example'])
    expect(source).toEqual({
      server: asOf('https://a.example'),
      resource: 'https://mcp.example.com/',
      supported: ['x'],
    })
  })

  it.each<ProtectedResource | null>([null, { resource: serverUrl, authorizationServers: [], scopes: null }])(
    'takes a server for its own authorization server that names none',
    async (said) => {
      const oauth = finder(said)
      const source = await findAccountSource(oauth, {}, { serverUrl })
      expect(oauth.asked).toEqual([`resource ${serverUrl} null`, `own ${serverUrl}`])
      expect(source).toMatchObject({
        server: { issuer: 'https://mcp.example.com' },
        resource: serverUrl,
        supported: null,
      })
    },
  )

  it('asks only the issuer that the definition names', async () => {
    const oauth = finder(null)
    const definition = {
      issuer: 'https://login.example',
      tokenUrl: 'https://login.example/other',
      resource: 'urn:tools',
    }
    const source = await findAccountSource(oauth, definition, { serverUrl })
    expect(oauth.asked).toEqual(['server https://login.example'])
    expect(source.server.tokenEndpoint).toBe('https://login.example/other')
    expect(source.server.authorizationEndpoint).toBe('https://login.example/authorize')
    expect(source.resource).toBe('urn:tools')
  })

  it('asks nobody where the definition names both endpoints', async () => {
    const oauth = finder(null)
    const definition = { authorizationUrl: 'https://l.example/a', tokenUrl: 'https://l.example/t' }
    const source = await findAccountSource(oauth, definition, { serverUrl: 'https://mcp.example.com/#x' })
    expect(oauth.asked).toEqual([])
    expect(source.server).toMatchObject({
      issuer: 'https://l.example/t',
      tokenEndpoint: 'https://l.example/t',
      sendsIssuer: false,
    })
    expect(source.resource).toBe('https://mcp.example.com')
  })

  it('asks for no resource where the account is an identity provider’s', async () => {
    const source = await findAccountSource(finder(null), { issuer: 'https://idp.example' }, { serverUrl: null })
    expect(source).toMatchObject({ server: { issuer: 'https://idp.example' }, resource: null })
  })

  it('fails as the port does', async () => {
    await expect(findAccountSource(finder(null), {}, { serverUrl: null })).rejects.toMatchObject({
      code: 'oauth_server_failed',
    })
  })
})

describe('registeredClient', () => {
  const none = { authMethods: null }

  it('is none where nobody has registered it', () => {
    expect(registeredClient({}, none)).toBeNull()
  })

  it('says who it is as the definition wants, and else as the server prefers', () => {
    const auth = (definition: object, authMethods: string[] | null = null) =>
      registeredClient({ clientId: 'c', ...definition }, { authMethods })?.auth
    const clientSecret = 's'
    expect(auth({})).toEqual({ method: 'none' })
    expect(auth({ clientSecret })).toEqual({ method: 'client_secret_basic', secret: 's' })
    expect(auth({ clientSecret }, ['client_secret_post'])).toEqual({ method: 'client_secret_post', secret: 's' })
    expect(auth({ clientSecret }, ['client_secret_post', 'client_secret_basic'])).toMatchObject({
      method: 'client_secret_basic',
    })
    expect(auth({ clientSecret, authMethod: 'client_secret_post' })).toMatchObject({ method: 'client_secret_post' })
    expect(auth({ privateKey: 'PEM', privateKeyId: 'k1', signingAlgorithm: 'ES256' })).toEqual({
      method: 'private_key_jwt',
      privateKey: 'PEM',
      keyId: 'k1',
      algorithm: 'ES256',
    })
  })
})
