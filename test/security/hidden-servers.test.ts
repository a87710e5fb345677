/** Who may use nothing of a server learns nothing of it, and costs it nothing. */
import { describe, expect, it } from 'vitest'
import { codeOf, initialize, openLegacy, openModern, openSse, openWebSocket, post } from '../support/raw-client.ts'
import { startRawGateway } from '../support/raw-gateway.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'

const capabilities = { tools: {}, prompts: {}, resources: {} }

async function startHouse() {
  const upstream = await rawUpstream({ capabilities })
  const broken = await rawUpstream({ on: { '*': ({ res }) => void res.writeHead(500).end() } })
  const gateway = await startRawGateway({
    servers: [toServer('secret', upstream), toServer('broken', broken)],
    tokens: { a: ['everything'], n: [] },
  })
  return {
    gateway,
    upstream,
    broken,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      await broken[Symbol.asyncDispose]()
    },
  }
}

/** What two answers have in common when nobody can tell them apart. */
const shape = (answer: { status: number; text: string }): unknown => [
  answer.status,
  answer.text.replaceAll(/req_[\w-]+/g, 'req'),
]

describe('a server that the token may not use', () => {
  it.for(['/secret/mcp', '/mcp/secret', '/mcp/secret,broken', '/mcp/secret,nobody'])(
    'answers at %s exactly as a server that does not exist',
    async (path) => {
      await using house = await startHouse()
      const unknown = path.replace('secret', 'nobody').replace('broken', 'noone')
      for (const message of [initialize(), { jsonrpc: '2.0', id: 1, method: 'ping' }]) {
        const hidden = await post(house.gateway, message, { token: 'n', path })
        expect(shape(hidden)).toEqual(shape(await post(house.gateway, message, { token: 'n', path: unknown })))
        expect(codeOf(hidden)).toBe('server_not_found')
      }
      const hidden = await openModern(house.gateway, { token: 'n', path }).post('server/discover')
      expect(hidden.status).toBe(404)
      expect(house.upstream.seen).toEqual([])
    },
  )

  it('is as if it were not there also where what the token has and what its owner has never meet', async () => {
    await using upstream = await rawUpstream({ capabilities: { tools: {} }, tools: ['read_file', 'write_file'] })
    const policy = (name: string, tool: string) => ({ name, rules: [{ server: 'one', tool, level: 'execute' }] })
    await using gateway = await startRawGateway({
      servers: [toServer('one', upstream)],
      policies: [policy('reader', 'read_*'), policy('writer', 'write_*')],
      resources: [resource('user', 'owner', { policies: ['pol_writer'] })],
      tokens: { r: ['reader'], w: ['writer'] },
    })
    for (const message of [initialize(), { jsonrpc: '2.0', id: 1, method: 'ping' }]) {
      const hidden = await post(gateway, message, { token: 'r', path: '/one/mcp' })
      expect(shape(hidden)).toEqual(shape(await post(gateway, message, { token: 'r', path: '/nobody/mcp' })))
    }
    expect(upstream.seen).toEqual([])
    const listed = await openModern(gateway, { token: 'w', path: '/one/mcp' }).request('tools/list')
    expect(listed['result'].tools.map(({ name }: { name: string }) => name)).toEqual(['write_file'])
  })

  it('is refused over SSE and over a WebSocket too', async () => {
    await using house = await startHouse()
    await expect(openSse(house.gateway, { token: 'n', path: '/secret/mcp/sse' })).rejects.toThrow('404')
    await expect(openWebSocket(house.gateway, { token: 'n', path: '/secret/mcp/ws' })).rejects.toThrow('404')
    expect(house.upstream.connectionsInAll).toBe(0)
  })

  it('is in no list and in no report of an aggregate, and is not contacted for one', async () => {
    await using house = await startHouse()
    const client = await openLegacy(house.gateway, { token: 'n' })
    for (const list of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
      const text = JSON.stringify(await client.request(list))
      expect(text).not.toMatch(/secret|broken/)
      const modern = await openModern(house.gateway, { token: 'n' }).post(list)
      expect(modern.text).not.toMatch(/secret|broken/)
    }
    const called = await client.request('tools/call', { name: 'secret__echo', arguments: {} })
    expect(codeOf(called)).toBe('tool_not_found')
    expect(codeOf(await client.request('resources/read', { uri: 'toolgate://secret/x' }))).toBe('resource_not_found')
    expect(house.upstream.seen).toEqual([])
    expect(house.broken.seen).toEqual([])
  })

  it('still reports a failing server to who may use it', async () => {
    await using house = await startHouse()
    const listed = await openModern(house.gateway).request('tools/list')
    expect(listed['result']._meta['toolgate/servers']).toContainEqual({
      name: 'broken',
      status: 'failing',
      reason: 'upstream_unreachable',
    })
  })
})
