/** A server that is internal is there for clients with an internal address alone; for all others it does not exist. */
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { both, codeOf, initialize, modernHeaders, modernMessage, parseMessage } from '../support/raw-client.ts'
import { rawToken, startRawGateway, toSnapshot, type RawGatewayOptions } from '../support/raw-gateway.ts'
import { exchange, type Json } from '../support/raw-http.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'

const inside = '10.1.1.1'
const outside = '203.0.113.1'

/** The address that is asked, and for whom the proxy speaks. */
type Place = readonly [path: string, client: string]

/** Every client comes through a proxy that is believed, and says for whom it speaks. */
async function startHouse(visibility: 'internal' | 'public' = 'internal', listen: RawGatewayOptions['listen'] = {}) {
  const hidden = await rawUpstream()
  const open = await rawUpstream()
  const optionsWith = (visible: string): RawGatewayOptions => ({
    servers: [toServer('hidden', hidden, { labels: ['dev'], visibility: visible }), toServer('open', open)],
    tokens: { a: ['everything'] },
    listen: { trustedProxies: ['127.0.0.1'], internalRanges: ['10.0.0.0/8'], ...listen },
    resources: [
      resource('project', 'demo', { servers: ['srv_hidden', 'srv_open'] }),
      resource('project', 'only', { servers: ['srv_hidden'] }),
      resource('toolset', 'some', { tools: [{ server: 'srv_hidden', tool: 'echo' }] }),
    ],
  })
  const gateway = await startRawGateway(optionsWith(visibility))
  const post = ([path, client]: Place, body: Json, headers: Record<string, string> = {}) =>
    exchange(gateway.url + path, {
      method: 'POST',
      headers: { ...both, authorization: `Bearer ${rawToken('a')}`, 'x-forwarded-for': client, ...headers },
      body: JSON.stringify(body),
    })
  return {
    gateway,
    hidden,
    post,
    ask: (place: Place, method: string, params: Json = {}) => {
      const message = modernMessage(method, params)
      return post(place, message, modernHeaders(message))
    },
    become: (visible: 'internal' | 'public') => gateway.engine.apply(toSnapshot(optionsWith(visible))),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await hidden[Symbol.asyncDispose]()
      await open[Symbol.asyncDispose]()
      expect(gateway.defects).toEqual([])
    },
  }
}

const toolNames = (text: string): string[] => parseMessage(text)['result'].tools.map(({ name }: Json) => name)

describe('an internal server', () => {
  it.for([
    '/hidden/mcp',
    '/mcp/hidden',
    '/dev/mcp',
    '/mcp/hidden,open',
    '/toolset/some/mcp',
    '/mcp/some',
    '/projects/only/mcp',
  ])('answers at %s only clients inside, and others as if it did not exist', async (path) => {
    await using house = await startHouse()
    for (const client of [outside, `${inside}, ${outside}`, 'unknown', '']) {
      const refused = await house.post([path, client], initialize())
      expect([refused.status, codeOf(refused)]).toEqual([404, 'server_not_found'])
    }
    expect(house.hidden.connectionsInAll).toBe(0)
    for (const client of [inside, `${outside}, ${inside}`]) {
      expect((await house.post([path, client], initialize())).status).toBe(200)
    }
  })

  it.for(['/mcp', '/projects/demo/mcp'])('is left out of %s for clients outside', async (path) => {
    await using house = await startHouse()
    expect(toolNames((await house.ask([path, outside], 'tools/list')).text)).toEqual(['open__echo'])
    const called = await house.ask([path, outside], 'tools/call', { name: 'hidden__echo', arguments: {} })
    expect(codeOf(called)).toBe('tool_not_found')
    expect(house.hidden.connectionsInAll).toBe(0)
    expect(toolNames((await house.ask([path, inside], 'tools/list')).text)).toEqual(['hidden__echo', 'open__echo'])
    expect(house.hidden.calls('echo')).toHaveLength(0)
  })

  it('is not reached through a session that was opened inside', async () => {
    await using house = await startHouse()
    const opened = await house.post(['/hidden/mcp', inside], initialize())
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }
    expect((await house.post(['/hidden/mcp', outside], call, session)).status).toBe(404)
    expect(house.hidden.calls('echo')).toHaveLength(0)
    expect((await house.post(['/hidden/mcp', inside], call, session)).status).toBe(200)
  })

  it('that becomes internal is gone for a WebSocket that is already there', async () => {
    await using house = await startHouse('public')
    const ws = new WebSocket(`${house.gateway.url.replace('http', 'ws')}/mcp/ws`, 'mcp', {
      headers: { authorization: `Bearer ${rawToken('a')}`, 'x-forwarded-for': outside },
    })
    await new Promise((resolve) => ws.once('open', resolve))
    const call = async (): Promise<Json> => {
      const message = modernMessage('tools/call', { name: 'hidden__echo', arguments: {} })
      const answer = new Promise<string>((resolve) => ws.once('message', (data: Buffer) => resolve(data.toString())))
      ws.send(JSON.stringify(message))
      return parseMessage(await answer)
    }
    expect((await call())['result']).toBeDefined()
    house.become('internal')
    expect(codeOf(await call())).toBe('tool_not_found')
    expect(house.hidden.calls('echo')).toHaveLength(1)
    ws.terminate()
  })

  it('is hidden from whoever only says that he is inside, where no proxy is believed', async () => {
    await using house = await startHouse('internal', { trustedProxies: [] })
    expect((await house.post(['/hidden/mcp', inside], initialize())).status).toBe(404)
  })

  it('is there for clients of this machine by default', async () => {
    const upstream = await rawUpstream()
    const gateway = await startRawGateway({ servers: [toServer('hidden', upstream, { visibility: 'internal' })] })
    const headers = { ...both, authorization: `Bearer ${rawToken('a')}` }
    const answer = await exchange(`${gateway.url}/hidden/mcp`, {
      method: 'POST',
      headers,
      body: JSON.stringify(initialize()),
    })
    await gateway[Symbol.asyncDispose]()
    await upstream[Symbol.asyncDispose]()
    expect(answer.status).toBe(200)
  })
})
