/** `/mcp/{names}`: what a name means, where toolsets stand among servers, aliases and labels. */
import { describe, expect, it } from 'vitest'
import { codeOf, openLegacy, openModern, post } from '../support/raw-client.ts'
import { startRawGateway, toSnapshot, type RawGateway, type RawGatewayOptions } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'

type Change = Pick<RawGatewayOptions, 'resources' | 'tokenSpecs'> & { labels?: string[]; aliases?: string[] }

const toolset = (name: string, ...tools: [server: string, tool: string][]) =>
  resource('toolset', name, { tools: tools.map(([server, tool]) => ({ server: `srv_${server}`, tool })) })

const some = toolset('some', ['one', 'echo'])
const pair = toolset('pair', ['two', 'other'], ['one', 'other'])
const open: Change = { resources: [some, pair] }

async function startHouse(first: Change = open) {
  const one = await rawUpstream({ tools: ['echo', 'other'] })
  const two = await rawUpstream({ tools: ['echo', 'other'] })
  const optionsWith = ({ labels = [], aliases = [], ...more }: Change): RawGatewayOptions => ({
    servers: [toServer('one', one), toServer('two', two, { labels, aliases })],
    tokens: { a: ['everything'] },
    ...more,
  })
  const gateway = await startRawGateway(optionsWith(first))
  return {
    gateway,
    change: (next: Change) => gateway.engine.apply(toSnapshot(optionsWith(next))),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await one[Symbol.asyncDispose]()
      await two[Symbol.asyncDispose]()
      expect(gateway.defects).toEqual([])
    },
  }
}

/** Names of tools, or the code of the refusal. */
async function toolsAt({ path, gateway, headers = {} }: { path: string; gateway: RawGateway; headers?: Json }) {
  const answer = await openModern(gateway, { path }).post('tools/list', {}, { headers })
  if (answer.status !== 200) return codeOf(answer)
  const message: Json = JSON.parse(answer.text)
  return message['result'].tools.map(({ name }: Json) => name)
}

describe('a toolset, by its name alone', () => {
  it.for(['/mcp/some', '/some/mcp', '/mcp/some,some', '/mcp/%20some%20,'])(
    'is at %s what it is at its own address',
    async (path) => {
      await using house = await startHouse()
      const own = await openModern(house.gateway, { path: '/toolset/some/mcp' }).post('tools/list')
      const named = await openModern(house.gateway, { path }).post('tools/list')
      expect(JSON.parse(named.text).result.tools).toEqual(JSON.parse(own.text).result.tools)
      const client = await openLegacy(house.gateway, { path })
      expect((await client.request('tools/call', { name: 'one__echo' }))['result']).toBeDefined()
      expect(codeOf(await client.request('tools/call', { name: 'one__other' }))).toBe('tool_not_found')
      expect(codeOf(await client.request('resources/read', { uri: 'toolgate://one/x' }))).toBe('resource_not_found')
    },
  )

  it('is said in the audit log as at its own address', async () => {
    await using house = await startHouse()
    for (const path of ['/toolset/some/mcp', '/mcp/some', '/mcp/two,some']) {
      await openModern(house.gateway, { path }).request('tools/call', { name: 'one__echo', arguments: {} })
    }
    const calls = (await house.gateway.audit()).filter(({ method }) => method === 'tools/call')
    expect(calls.map(({ toolset: name }) => name)).toEqual(['', 'some', 'some'])
  })

  it('is another address than its own, for the tokens that are bound to one of them', async () => {
    await using house = await startHouse({ ...open, tokenSpecs: { a: { endpoints: ['/mcp/some'] } } })
    const { gateway } = house
    expect(await toolsAt({ gateway, path: '/some/mcp' })).toEqual(['one__echo'])
    expect(await toolsAt({ gateway, path: '/toolset/some/mcp' })).toBe('forbidden')
  })
})

describe('a list of names', () => {
  it('offers servers whole, and of toolsets their tools, in the order they are asked for', async () => {
    await using house = await startHouse()
    const { gateway } = house
    expect(await toolsAt({ gateway, path: '/mcp/two,some' })).toEqual(['two__echo', 'two__other', 'one__echo'])
    expect(await toolsAt({ gateway, path: '/mcp/some,two' })).toEqual(['one__echo', 'two__echo', 'two__other'])
    expect(await toolsAt({ gateway, path: '/mcp/some,pair' })).toEqual(['one__echo', 'one__other', 'two__other'])
    expect(await toolsAt({ gateway, path: '/mcp/one,some' })).toEqual(['one__echo', 'one__other'])
    const client = await openLegacy(gateway, { path: '/mcp/two,some' })
    expect(codeOf(await client.request('tools/call', { name: 'one__other' }))).toBe('tool_not_found')
  })

  it('is narrowed by the header to the servers that it names', async () => {
    await using house = await startHouse()
    const headers = { 'x-mcp-servers': 'one' }
    expect(await toolsAt({ gateway: house.gateway, path: '/mcp/two,some', headers })).toEqual(['one__echo'])
  })

  it.for(['/mcp/some,nobody', '/mcp/two,nobody', '/mcp/nobody,some'])(
    'is nothing at %s, of which a name means nothing',
    async (path) => {
      await using house = await startHouse()
      expect(await toolsAt({ gateway: house.gateway, path })).toBe('server_not_found')
    },
  )

  it('is nothing where the token may use nothing of one of its toolsets', async () => {
    await using house = await startHouse({ ...open, tokenSpecs: { a: { servers: ['srv_two'] } } })
    const { gateway } = house
    expect(await toolsAt({ gateway, path: '/mcp/two,some' })).toBe('server_not_found')
    expect(await toolsAt({ gateway, path: '/mcp/two,pair' })).toEqual(['two__echo', 'two__other'])
    expect(await toolsAt({ gateway, path: '/mcp/pair' })).toEqual(['two__other'])
  })
})

describe('a name that means several things', () => {
  it.for<[string, Change]>([
    ['label', { labels: ['some'] }],
    ['alias', { aliases: ['some'] }],
  ])('means a server by its %s before it means a toolset', async ([word, change]) => {
    await using house = await startHouse({ ...open, ...change })
    const { gateway } = house
    const whole = word === 'label' ? ['two__echo', 'two__other'] : ['echo', 'other']
    expect(await toolsAt({ gateway, path: '/mcp/some' })).toEqual(whole)
    expect(await toolsAt({ gateway, path: '/toolset/some/mcp' })).toEqual(['one__echo'])
  })

  it('means a server before it means a label or a toolset', async () => {
    await using house = await startHouse({ resources: [toolset('one', ['two', 'echo'])], labels: ['one'] })
    expect(await toolsAt({ gateway: house.gateway, path: '/mcp/one' })).toEqual(['echo', 'other'])
  })

  it('means the same for a token that may not use what comes first', async () => {
    await using house = await startHouse({ ...open, labels: ['some'], tokenSpecs: { a: { servers: ['srv_one'] } } })
    expect(await toolsAt({ gateway: house.gateway, path: '/mcp/some' })).toBe('server_not_found')
  })
})

describe('a session at the name of a toolset', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

  it('follows the toolset, and its client is told', async () => {
    await using house = await startHouse()
    const client = await openLegacy(house.gateway, { path: '/mcp/two,some' })
    const stream = await client.listen()
    house.change({ resources: [toolset('some', ['one', 'other'])] })
    await stream.message(({ method }) => method === 'notifications/tools/list_changed')
    expect(codeOf(await client.request('tools/call', { name: 'one__echo' }))).toBe('tool_not_found')
    expect((await client.request('tools/call', { name: 'one__other' }))['result']).toBeDefined()
    stream.close()
  })

  it.for(['/mcp/some', '/mcp/two,some'])('ends at %s with the toolset', async (path) => {
    await using house = await startHouse()
    const client = await openLegacy(house.gateway, { path })
    house.change({ resources: [pair] })
    const { status } = await post(house.gateway, ping, { path, headers: client.headers })
    expect(status).toBe(404)
  })
})
