import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'
import { openHostileServer, type HostileServer, type Said } from '#test/support/hostile-authorization-server.ts'
import { createOAuthClient } from './oauth-client.ts'

const clock = { now: () => 0, after: () => () => undefined }
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock })
const root = '/.well-known/oauth-protected-resource'
const issuer = 'https://as.example'

let server: HostileServer
let url: string

beforeEach(async () => {
  server = await openHostileServer()
  url = `${server.origin}/mcp`
})
afterEach(() => server[Symbol.asyncDispose]())

const describing = (resource: unknown, more: object = {}): Said => ({
  json: { resource, authorization_servers: [issuer], ...more },
})

describe('findResource', () => {
  it('reads what the challenge names, and asks nowhere else', async () => {
    server.say('/anywhere', describing(url, { scopes_supported: ['a', 'b'] }))
    server.say(`${root}/mcp`, describing('https://other.example'))
    const found = await oauth.findResource(url, `Bearer resource_metadata="${server.origin}/anywhere", scope="c"`)
    expect(found).toEqual({ resource: url, authorizationServers: [issuer], scopes: ['a', 'b'] })
    expect(server.seen()).toEqual(['GET /anywhere'])
  })

  it.each([
    ['/mcp', [`${root}/mcp`, root]],
    ['/mcp/', [`${root}/mcp`, root]],
    ['/a/b?c=d', [`${root}/a/b?c=d`, root]],
    ['/', [root]],
  ])('looks below the path and then at the root for %j', async (path, order) => {
    for (const challenge of [null, 'Bearer', 'Basic realm="x"'])
      expect(await oauth.findResource(server.origin + path, challenge)).toBeNull()
    expect(server.seen()).toEqual([...order, ...order, ...order].map((at) => `GET ${at}`))
    server.heard.length = 0
    server.say(root, describing(server.origin))
    expect(await oauth.findResource(server.origin + path, null)).toMatchObject({ resource: server.origin })
    expect(server.seen()).toEqual(order.map((at) => `GET ${at}`))
  })

  it('says so where the document that the challenge names is not there', async () => {
    server.say(root, describing(url))
    const error = await failureOf(oauth.findResource(url, `Bearer resource_metadata="${server.origin}/gone"`))
    expect(error).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'no_metadata', step: 'resource_metadata' },
    })
    expect(server.seen()).toEqual(['GET /gone'])
  })

  it.each([
    ['http://mcp.example/metadata', 'insecure_endpoint'],
    ['//mcp.example/metadata', 'insecure_endpoint'],
    ['file:///etc/passwd', 'insecure_endpoint'],
    ['https://169.254.169.254/latest/meta-data', 'egress_forbidden'],
    ['https://metadata@[fd00:ec2::254]/', 'insecure_endpoint'],
  ])('asks nothing of %s, whoever names it', async (address, reason) => {
    const error = await failureOf(oauth.findResource(url, `Bearer resource_metadata="${address}"`))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'resource_metadata' } })
    expect(server.seen()).toEqual([])
  })

  it.each(['', '/', '/mcp', '/mcp?a=b'])('takes a resource that holds the server: %j', async (path) => {
    server.say(`${root}/mcp?a=b`, describing(server.origin + path))
    expect(await oauth.findResource(`${url}?a=b`, null)).toMatchObject({ resource: server.origin + path })
  })

  it.each([
    'https://mcp.example/mcp',
    '{origin}.example/mcp',
    '{origin}/mc',
    '{origin}/mcp/deeper',
    '{origin}/mcp?a=c',
    '{origin}/mcp#part',
    '{origin}/MCP',
    '{scheme}user@{host}/mcp',
    'urn:mcp',
    '/mcp',
  ])('refuses a resource that does not: %s', async (form) => {
    const resource = form
      .replace('{origin}', server.origin)
      .replace('{scheme}', 'http://')
      .replace('{host}', new URL(url).host)
    server.say(`${root}/mcp`, describing(resource))
    server.say(root, describing(url))
    const error = await failureOf(oauth.findResource(url, null))
    expect(error).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'resource_mismatch', step: 'resource_metadata' },
    })
    expect(server.seen()).toEqual([`GET ${root}/mcp`])
  })

  it.each<[string, Said, string]>([
    ['no resource', describing(undefined), 'invalid_metadata'],
    ['a resource that is no text', describing([]), 'invalid_metadata'],
    [
      'authorization servers that are no list',
      { json: { resource: '', authorization_servers: issuer } },
      'invalid_metadata',
    ],
    ['scopes that are no texts', describing('', { scopes_supported: [null] }), 'invalid_metadata'],
    ['a redirect', { status: 302, headers: { location: 'http://169.254.169.254/' } }, 'redirected'],
    ['50 MB', { floodBytes: 52_428_800 }, 'too_large'],
    ['half of a document', { text: '{' }, 'not_json'],
  ])('refuses a document with %s', async (_what, said, reason) => {
    const json = said.json as { resource?: unknown } | undefined
    server.say(`${root}/mcp`, json?.resource === '' ? { json: { ...json, resource: url } } : said)
    const error = await failureOf(oauth.findResource(url, null))
    expect(error).toMatchObject({ code: 'oauth_server_failed', details: { reason, step: 'resource_metadata' } })
    expect(server.seen()).toEqual([`GET ${root}/mcp`])
  })

  it('keeps what is left out empty, and of what is too long a part', async () => {
    server.say(`${root}/mcp`, { json: { resource: url } })
    expect(await oauth.findResource(url, null)).toEqual({ resource: url, authorizationServers: [], scopes: null })
    const many = Array.from({ length: 500 }, (_, index) => `https://as${index}.example`)
    server.say(`${root}/mcp`, { json: { resource: url, authorization_servers: many, scopes_supported: many } })
    const found = await oauth.findResource(url, null)
    expect(found?.authorizationServers).toEqual(many.slice(0, 10))
    expect(found?.scopes).toHaveLength(200)
  })

  it('says that the server is out of order, and not that it has no document', async () => {
    server.say(`${root}/mcp`, { status: 502 })
    expect(await failureOf(oauth.findResource(url, null))).toMatchObject({
      code: 'credential_unavailable',
      details: { reason: 'server_unavailable' },
    })
    server.say(root, describing(url))
    expect(await oauth.findResource(url, null)).toMatchObject({ resource: url })
  })
})
