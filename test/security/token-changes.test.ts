/** What a token may no longer do ends for who is already there as well: on a kept connection, in a session, on an open stream. */
import { describe, expect, it } from 'vitest'
import {
  codeOf,
  handshake,
  modernHeaders,
  modernMessage,
  openLegacy,
  openSse,
  openWebSocket,
  post,
} from '../support/raw-client.ts'
import { rawToken, startRawGateway, toSnapshot, type RawGatewayOptions } from '../support/raw-gateway.ts'
import { bodyOf, isWholeAnswer, openSocket, statusOf } from '../support/raw-http.ts'
import { rawUpstream, toServer } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'

type Change = Pick<RawGatewayOptions, 'tokenSpecs' | 'resources' | 'tokens' | 'policies'>

const demo = resource('project', 'demo', { servers: ['srv_one'] })
const other = resource('project', 'other', { servers: ['srv_one', 'srv_two'] })
const some = resource('toolset', 'some', { tools: [{ server: 'srv_one', tool: 'echo' }] })
const open: Change = { resources: [demo, other, some] }

async function startHouse(first: Change = open) {
  const one = await rawUpstream({ tools: ['echo', 'other'] })
  const two = await rawUpstream()
  const servers = [toServer('one', one), toServer('two', two)]
  const tokens = { a: ['everything'] }
  const gateway = await startRawGateway({ servers, tokens, ...first })
  return {
    gateway,
    one,
    change: (next: Change) => gateway.engine.apply(toSnapshot({ servers, tokens, ...next })),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await one[Symbol.asyncDispose]()
      await two[Symbol.asyncDispose]()
      expect(gateway.defects).toEqual([])
    },
  }
}

const projectPath = '/projects/demo/mcp'

/** Each takes the token's way to the project, and what it is told then. */
const changes: readonly (readonly [string, Change, [status: number, code: string]])[] = [
  ['is revoked', { ...open, tokenSpecs: { a: { revokedAt: 1 } } }, [401, 'unauthorized']],
  ['gets another bearer', { ...open, tokenSpecs: { a: { digest: 'another' } } }, [401, 'unauthorized']],
  ['is bound to another project', { ...open, tokenSpecs: { a: { project: 'prj_other' } } }, [403, 'forbidden']],
  ['is bound to another address', { ...open, tokenSpecs: { a: { endpoints: ['/mcp'] } } }, [403, 'forbidden']],
  ['may not use the server', { ...open, tokenSpecs: { a: { servers: ['srv_two'] } } }, [404, 'server_not_found']],
  ['finds the project gone', { resources: [other, some] }, [404, 'server_not_found']],
  ['finds the project empty', { resources: [resource('project', 'demo'), other] }, [404, 'server_not_found']],
  [
    'has its owner disabled',
    { resources: [demo, other, resource('user', 'owner', { isDisabled: true })] },
    [401, 'unauthorized'],
  ],
  [
    'has an owner who may not call the server any more',
    { resources: [demo, other, some, resource('user', 'owner')] },
    [404, 'server_not_found'],
  ],
]

describe.each(changes)('a token that %s', (_what, next, [status, code]) => {
  it('is refused on a connection that it has used before', async () => {
    await using house = await startHouse()
    const message = modernMessage('tools/call', { name: 'one__echo', arguments: {} })
    const body = JSON.stringify(message)
    const headers = {
      host: 'localhost',
      authorization: `Bearer ${rawToken('a')}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...modernHeaders(message),
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const request = `POST ${projectPath} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
    const socket = await openSocket(house.gateway.port, request)
    const first = await socket.until(isWholeAnswer)
    expect([statusOf(first), house.one.calls('echo').length]).toEqual([200, 1])
    house.change(next)
    socket.write(request)
    const second = (await socket.until((text) => isWholeAnswer(text.slice(first.length)))).slice(first.length)
    socket.socket.destroy()
    expect([statusOf(second), bodyOf(second)['error'].data.code]).toEqual([status, code])
    expect(house.one.calls('echo')).toHaveLength(1)
  })

  it('is refused in its session, and its stream ends', async () => {
    await using house = await startHouse()
    const client = await openLegacy(house.gateway, { path: projectPath })
    const stream = await client.listen()
    expect((await client.request('tools/call', { name: 'one__echo' }))['result']).toBeDefined()
    house.change(next)
    await stream.ended
    const refused = await client.post({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'one__echo' } })
    expect([refused.status, codeOf(refused)]).toEqual([status, code])
    expect(house.one.calls('echo')).toHaveLength(1)
    expect(house.gateway.engine.counts.sessions).toBe(0)
  })

  it('is let go from SSE and from a WebSocket', async () => {
    await using house = await startHouse()
    const sse = await openSse(house.gateway, { path: `${projectPath}/sse` })
    const socket = await openWebSocket(house.gateway, { path: `${projectPath}/ws` })
    for (const peer of [sse, socket]) {
      await handshake(peer)
      expect((await peer.request('tools/call', { name: 'one__echo' }))['result']).toBeDefined()
    }
    house.change(next)
    await Promise.all([sse.closed, socket.closed])
    expect(house.one.calls('echo')).toHaveLength(2)
  })

  it('is refused on a WebSocket without a session', async () => {
    await using house = await startHouse()
    const socket = await openWebSocket(house.gateway, { path: `${projectPath}/ws` })
    const ask = async () => {
      const message = modernMessage('tools/call', { name: 'one__echo', arguments: {} })
      const answer = socket.message(({ id }) => id === message['id'])
      await socket.send(JSON.stringify(message))
      return answer
    }
    expect((await ask())['result']).toBeDefined()
    house.change(next)
    const answer = await ask().catch(() => null)
    // Policy violation (RFC 6455 §7.4.1): such a connection has nothing more to say.
    const isClosed = code !== 'server_not_found'
    expect(isClosed ? [answer, await socket.closed] : codeOf(answer ?? {})).toEqual(isClosed ? [null, 1008] : code)
    socket.close()
    expect(house.one.calls('echo')).toHaveLength(1)
  })
})

describe('a change of tokens alone', () => {
  it('leaves the servers, and all that is kept by them, as they are', async () => {
    await using house = await startHouse()
    const { registry } = house.gateway.engine
    house.change({ ...open, tokenSpecs: { a: { revokedAt: 1 } } })
    expect(house.gateway.engine.registry).toBe(registry)
  })
})

describe('a session', () => {
  it('is found only at the address at which it was opened, also by its own token', async () => {
    await using house = await startHouse()
    const paths = ['/mcp', projectPath, '/projects/other/mcp', '/toolset/some/mcp', '/one/mcp']
    for (const path of paths) {
      const client = await openLegacy(house.gateway, { path })
      for (const elsewhere of paths) {
        const { status } = await post(
          house.gateway,
          { jsonrpc: '2.0', id: 1, method: 'ping' },
          { path: elsewhere, headers: client.headers },
        )
        expect([path, elsewhere, status]).toEqual([path, elsewhere, path === elsewhere ? 200 : 404])
      }
    }
  })

  it('of a toolset follows it: a tool that is taken out cannot be called any more, and the client is told', async () => {
    await using house = await startHouse()
    const client = await openLegacy(house.gateway, { path: '/toolset/some/mcp' })
    const stream = await client.listen()
    expect((await client.request('tools/call', { name: 'one__echo' }))['result']).toBeDefined()
    expect(codeOf(await client.request('tools/call', { name: 'one__other' }))).toBe('tool_not_found')
    const tools = [{ server: 'srv_one', tool: 'other' }]
    house.change({ resources: [resource('toolset', 'some', { tools })] })
    await stream.message(({ method }) => method === 'notifications/tools/list_changed')
    expect(codeOf(await client.request('tools/call', { name: 'one__echo' }))).toBe('tool_not_found')
    expect((await client.request('tools/call', { name: 'one__other' }))['result']).toBeDefined()
    expect(house.one.calls('echo')).toHaveLength(1)
    stream.close()
  })

  it('of a project sees nothing of its servers that is not in the project', async () => {
    const mixed = resource('project', 'demo', { servers: ['srv_two'], toolsets: ['tls_some'] })
    await using house = await startHouse({ resources: [mixed, some] })
    const client = await openLegacy(house.gateway, { path: projectPath })
    const listed = await client.request('tools/list')
    expect(listed['result'].tools.map(({ name }: { name: string }) => name)).toEqual(['two__echo', 'one__echo'])
    expect(codeOf(await client.request('resources/read', { uri: 'toolgate://one/x' }))).toBe('resource_not_found')
  })
})
