/** The configuration is edited while the gateway runs: what is new holds at once, and nobody who is not concerned notices. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startGateway, type GatewayConfig, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession, askModern, listOf, post, type Address } from '../support/raw/client.ts'
import { textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { SocketTransport } from '../support/socket-transport.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

let open: AsyncDisposableStack
let gateway: GatewayProcess
let first: RawUpstream
let second: RawUpstream
let config: ReturnType<typeof toConfig>
let release = Promise.withResolvers<void>()
let begun = Promise.withResolvers<void>()

beforeEach(async () => {
  open = new AsyncDisposableStack()
  release = Promise.withResolvers<void>()
  begun = Promise.withResolvers<void>()
  const handlers = {
    'tools/list': () => ({ tools: [tool('echo'), tool('slow')] }),
    'tools/call': async ({ params }: { params: Json }) => {
      if (params['name'] !== 'slow') return textResult('quick')
      begun.resolve()
      await release.promise
      return textResult('slow, but done')
    },
  }
  first = open.use(await startRawUpstream(['legacy'], { handlers }))
  second = open.use(await startRawUpstream(['modern'], { handlers }))
  config = toConfig()
  gateway = open.use(await startGateway(config))
})

afterEach(async () => {
  release.resolve()
  await open.disposeAsync()
})

function toConfig() {
  return {
    servers: { first: { url: first.url } } as Record<string, Json>,
    policies: { all: { default: 'execute' }, some: { default: 'execute' } } as Record<string, Json>,
    tokens: [
      { name: 'alice', secret: tokenFor('alice'), policies: ['all'] },
      { name: 'bob', secret: tokenFor('bob'), policies: ['some'] },
    ],
  }
}

const at = (path = '/mcp', user = 'alice'): Address => ({ url: gateway.url + path, token: tokenFor(user) })

async function edit(next: GatewayConfig): Promise<void> {
  const before = gateway.log().split('the configuration was applied').length
  await gateway.writeConfig(next)
  await until('the edit is applied', () => gateway.log().split('the configuration was applied').length > before)
}

async function toolsAt(to: Address): Promise<string[]> {
  const answer = await askModern(to, { method: 'tools/list' })
  return listOf<{ name: string }>(answer, 'tools').map(({ name }) => name)
}

const call = (name: string) => ({ method: 'tools/call', params: { name, arguments: {} } })
const withSecond = (): GatewayConfig => ({ ...config, servers: { ...config.servers, second: { url: second.url } } })

describe('a call that is under way', () => {
  it.each([
    ['another server is added', () => withSecond()],
    ['its own server is changed', () => ({ ...config, servers: { first: { url: first.url, timeoutMs: 30_000 } } })],
    ['its own server is removed', () => ({ ...config, servers: { second: { url: second.url } } })],
  ])('completes when %s', async (_what, next) => {
    await using session = await LegacySession.open(at('/first/mcp'))
    const calls = [askModern(at(), call('first__slow')), session.ask('tools/call', call('slow').params)]
    await until('both calls are under way', () => first.count('tools/call') === 2)
    await edit(next())
    release.resolve()
    const answers = await Promise.all(calls)
    expect(answers.map(({ result }) => result?.['content'])).toEqual([
      [{ type: 'text', text: 'slow, but done' }],
      [{ type: 'text', text: 'slow, but done' }],
    ])
  })
})

describe('a server that is added', () => {
  it('has its tools listed and called at the aggregate', async () => {
    expect(await toolsAt(at())).toEqual(['first__echo', 'first__slow'])
    await edit(withSecond())
    expect(await toolsAt(at())).toEqual(['first__echo', 'first__slow', 'second__echo', 'second__slow'])
    const { result } = await askModern(at(), call('second__echo'))
    expect(result?.['content']).toEqual([{ type: 'text', text: 'quick' }])
  })

  it('is heard of by a legacy session, which goes on', async () => {
    await using session = await LegacySession.open(at())
    const heard: unknown[] = []
    await session.follow(({ method }) => heard.push(method))
    await session.ask('tools/list')
    await edit(withSecond())
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    const names = listOf<{ name: string }>(await session.ask('tools/list'), 'tools').map(({ name }) => name)
    expect(names).toContain('second__echo')
    const { result } = await session.ask('tools/call', call('second__echo').params)
    expect(result?.['content']).toEqual([{ type: 'text', text: 'quick' }])
  })

  it('is heard of by a modern client that listens', async () => {
    const heard: unknown[] = []
    const controller = new AbortController()
    const params = { notifications: { toolsListChanged: true } }
    const onMessage = ({ method }: Json): void => void heard.push(method)
    const listening = askModern(
      at(),
      { method: 'subscriptions/listen', params },
      { onMessage, signal: controller.signal },
    )
    listening.catch(() => undefined)
    await until('the subscription stands', () => heard.length > 0)
    await edit(withSecond())
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    expect(heard).toContain('notifications/tools/list_changed')
    controller.abort()
  })
})

describe('a server that is removed', () => {
  it('is not found, its tools are gone, and its session upstream is ended', async () => {
    await edit(withSecond())
    await askModern(at('/first/mcp'), call('echo'))
    await edit({ ...config, servers: { second: { url: second.url } } })
    expect(await toolsAt(at())).toEqual(['second__echo', 'second__slow'])
    const { status } = await askModern(at('/first/mcp'), call('echo'))
    expect(status).toBe(404)
    const { error } = await askModern(at(), call('first__echo'))
    expect(error).toMatchObject({ code: -32602 })
    await until('the session upstream is ended', () => first.sessionCount() === 0)
  })

  it('is heard of by a legacy session, which goes on', async () => {
    await edit(withSecond())
    await using session = await LegacySession.open(at())
    const heard: unknown[] = []
    await session.follow(({ method }) => heard.push(method))
    await session.ask('tools/list')
    await edit(config)
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    const names = listOf<{ name: string }>(await session.ask('tools/list'), 'tools').map(({ name }) => name)
    expect(names).toEqual(['first__echo', 'first__slow'])
  })
})

describe('a token that is removed', () => {
  it('is refused within a second, and its open streams are closed', async () => {
    const session = await LegacySession.open(at('/mcp', 'bob'))
    const stream = await session.follow(() => undefined)
    const socket = new SocketTransport(at('/mcp/ws', 'bob').url, tokenFor('bob'))
    const socketEnded = new Promise<void>((resolve) => (socket.onclose = resolve))
    await socket.start()
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
    const opened = new Promise<void>((resolve) => (socket.onmessage = () => resolve()))
    await socket.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await opened
    const startedAt = performance.now()
    await gateway.writeConfig({ ...config, tokens: config.tokens.slice(0, 1) })
    await until('bob is refused', async () => (await askModern(at('/mcp', 'bob'), call('first__echo'))).status === 401)
    await Promise.all([stream.ended, socketEnded])
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect((await askModern(at(), call('first__echo'))).status).toBe(200)
  })

  it('ends the subscriptions of a modern client', async () => {
    const heard: unknown[] = []
    const params = { notifications: { toolsListChanged: true } }
    const onMessage = ({ method }: Json): void => void heard.push(method)
    const listening = askModern(at('/mcp', 'bob'), { method: 'subscriptions/listen', params }, { onMessage })
    const ended = listening.then(
      () => 'ended',
      () => 'ended',
    )
    await until('the subscription stands', () => heard.length > 0)
    await edit({ ...config, tokens: config.tokens.slice(0, 1) })
    expect(await ended).toBe('ended')
  })
})

describe('a policy that is changed', () => {
  it('holds from the next call on, also in a session that is open', async () => {
    await using session = await LegacySession.open(at('/mcp', 'bob'))
    expect((await session.ask('tools/call', call('first__echo').params)).result).toBeDefined()
    const rules = [{ server: 'first', tool: 'echo', level: 'read' }]
    await edit({ ...config, policies: { ...config.policies, some: { default: 'execute', rules } } })
    const before = first.count('tools/call')
    const { error } = await session.ask('tools/call', call('first__echo').params)
    expect(error).toMatchObject({ code: -32004, data: { needed: 'execute', level: 'read' } })
    expect(first.count('tools/call')).toBe(before)
    expect((await askModern(at(), call('first__echo'))).result).toBeDefined()
  })
})

describe('a broken edit', () => {
  it.each([
    ['is no YAML', 'servers: [', 'toolgate.yaml:'],
    ['has an unknown key', 'servers:\n  first:\n    urk: http://127.0.0.1:1/mcp\n', 'toolgate.yaml:3'],
    ['names a variable that is not set', 'tokens:\n  - name: x\n    secret: ${NOT_SET_ANYWHERE}\n', 'toolgate.yaml:3'],
  ])('that %s is reported with its line, and the old configuration stays', async (_what, text, place) => {
    await gateway.writeConfig(text)
    await gateway.untilLogged('the configuration was not applied')
    expect(gateway.log()).toContain(place)
    expect((await askModern(at(), call('first__echo'))).result).toBeDefined()
    await edit(withSecond())
    expect(await toolsAt(at())).toContain('second__echo')
  })
})

describe('an edit of a server', () => {
  it('holds from the next call on', async () => {
    await askModern(at('/first/mcp'), call('echo'))
    await edit({ ...config, servers: { first: { url: first.url, headers: { 'x-team': 'new' } } } })
    await askModern(at('/first/mcp'), call('echo'))
    const teams = first.seen.filter(({ method }) => method === 'tools/call').map(({ headers }) => headers['x-team'])
    expect(teams).toEqual([undefined, 'new'])
  })

  it('of another server leaves a session upstream as it is', async () => {
    await edit(withSecond())
    await askModern(at('/first/mcp'), call('echo'))
    await edit({ ...config, servers: { ...config.servers, second: { url: second.url, timeoutMs: 9_000 } } })
    await askModern(at('/first/mcp'), call('echo'))
    expect(first.count('initialize')).toBe(1)
  })

  it('is not applied when nothing has changed but its layout', async () => {
    await using session = await LegacySession.open(at('/first/mcp'))
    await gateway.writeConfig(
      JSON.stringify({ listen: { port: 0 }, storage: { path: `${gateway.folder}/data` }, ...config }),
    )
    await gateway.untilLogged('the configuration was applied')
    const answer = await post(at(), { jsonrpc: '2.0', id: 1, method: 'ping' })
    expect(answer.status).toBe(400)
    expect((await session.ask('tools/call', call('echo').params)).result).toBeDefined()
    expect(first.count('initialize')).toBe(1)
  })
})
