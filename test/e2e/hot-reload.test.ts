/** The configuration is edited while the gateway runs: what is new holds at once, and nobody who is not concerned notices. */
import { describe, expect, it } from 'vitest'
import { startGateway, type GatewayConfig } from '../support/gateway-process.ts'
import { withPlants } from '../support/planted/definitions.ts'
import { LegacySession, askModern, listOf, post, type Address } from '../support/raw/client.ts'
import { textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream } from '../support/raw/http-upstream.ts'
import { SocketTransport } from '../support/socket-transport.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const applied = 'the configuration was applied'

/** Each test its own gateway: an edit is for all who are connected. */
async function startLab() {
  await using starting = new AsyncDisposableStack()
  const release = Promise.withResolvers<void>()
  const handlers = {
    'tools/list': () => ({ tools: [tool('echo'), tool('slow')] }),
    'tools/call': async ({ params }: { params: Json }) => {
      if (params['name'] !== 'slow') return textResult('quick')
      await release.promise
      return textResult('slow, but done')
    },
  }
  const first = starting.use(await startRawUpstream(['legacy'], { handlers }))
  const second = starting.use(await startRawUpstream(['modern'], { handlers }))
  const config = {
    servers: { first: { url: first.url } },
    policies: { all: { default: 'execute' }, some: { default: 'execute' } },
    tokens: [
      { name: 'alice', secret: tokenFor('alice'), policies: ['all'] },
      { name: 'bob', secret: tokenFor('bob'), policies: ['some'] },
    ],
  }
  const gateway = starting.use(await startGateway(config))
  starting.defer(() => release.resolve())
  const started = starting.move()
  return {
    gateway,
    first,
    second,
    config,
    release: release.resolve,
    withSecond: { ...config, servers: { ...config.servers, second: { url: second.url } } } as GatewayConfig,
    at: (path = '/mcp', user = 'alice'): Address => ({ url: gateway.url + path, token: tokenFor(user) }),
    edit: async (next: GatewayConfig): Promise<void> => {
      const before = gateway.log().split(applied).length
      await gateway.writeConfig(next)
      await until('the edit is applied', () => gateway.log().split(applied).length > before)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function toolsAt(to: Address): Promise<string[]> {
  const answer = await askModern(to, { method: 'tools/list' })
  return listOf<{ name: string }>(answer, 'tools').map(({ name }) => name)
}

const call = (name: string) => ({ method: 'tools/call', params: { name, arguments: {} } })

describe.concurrent('a call that is under way', () => {
  it.each([
    ['another server is added', { url: '{first}' }, { url: '{second}' }],
    ['its own server is changed', { url: '{first}', timeoutMs: 30_000 }, undefined],
    ['its own server is removed', undefined, { url: '{second}' }],
  ])('completes when %s', async (_what, own, other) => {
    await using lab = await startLab()
    const { first, second, release, at, edit, config } = lab
    await using session = await LegacySession.open(at('/first/mcp'))
    const calls = [askModern(at(), call('first__slow')), session.ask('tools/call', call('slow').params)]
    await until('both calls are under way', () => first.count('tools/call') === 2)
    const servers = JSON.stringify({ first: own, second: other })
    const real = servers.replace('{first}', first.url).replace('{second}', second.url)
    await edit({ ...config, servers: JSON.parse(real) })
    release()
    const answers = await Promise.all(calls)
    expect(answers.map(({ result }) => result?.['content'])).toEqual([
      [{ type: 'text', text: 'slow, but done' }],
      [{ type: 'text', text: 'slow, but done' }],
    ])
  })
})

describe.concurrent('a server that is added', () => {
  it('has its tools listed and called at the aggregate', async () => {
    await using lab = await startLab()
    const { withSecond, at, edit } = lab
    expect(await toolsAt(at())).toEqual(['first__echo', 'first__slow'])
    await edit(withSecond)
    expect(await toolsAt(at())).toEqual(['first__echo', 'first__slow', 'second__echo', 'second__slow'])
    const { result } = await askModern(at(), call('second__echo'))
    expect(result?.['content']).toEqual([{ type: 'text', text: 'quick' }])
  })

  it('is heard of by a legacy session, which goes on', async () => {
    await using lab = await startLab()
    const { withSecond, at, edit } = lab
    await using session = await LegacySession.open(at())
    const heard: unknown[] = []
    await session.follow(({ method }) => heard.push(method))
    await session.ask('tools/list')
    await edit(withSecond)
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    const names = listOf<{ name: string }>(await session.ask('tools/list'), 'tools').map(({ name }) => name)
    expect(names).toContain('second__echo')
    const { result } = await session.ask('tools/call', call('second__echo').params)
    expect(result?.['content']).toEqual([{ type: 'text', text: 'quick' }])
  })

  it('is heard of by a modern client that listens', async () => {
    await using lab = await startLab()
    const { withSecond, at, edit } = lab
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
    await edit(withSecond)
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    expect(heard).toContain('notifications/tools/list_changed')
    controller.abort()
  })
})

describe.concurrent('a server that is removed', () => {
  it('is not found, its tools are gone, and its session upstream is ended', async () => {
    await using lab = await startLab()
    const { first, second, withSecond, at, edit, config } = lab
    await edit(withSecond)
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
    await using lab = await startLab()
    const { config, withSecond, at, edit } = lab
    await edit(withSecond)
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
    await using lab = await startLab()
    const { gateway, config, at } = lab
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
    await using lab = await startLab()
    const { config, at, edit } = lab
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

describe.concurrent('a policy that is changed', () => {
  it('holds from the next call on, also in a session that is open', async () => {
    await using lab = await startLab()
    const { first, at, edit, config } = lab
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

describe.concurrent('a broken edit', () => {
  it.each([
    ['is no YAML', 'servers: [', 'toolgate.yaml:'],
    ['has an unknown key', 'servers:\n  first:\n    urk: http://127.0.0.1:1/mcp\n', 'toolgate.yaml:3'],
    ['names a variable that is not set', 'tokens:\n  - name: x\n    secret: ${NOT_SET_ANYWHERE}\n', 'toolgate.yaml:3'],
  ])('that %s is reported with its line, and the old configuration stays', async (_what, text, place) => {
    await using lab = await startLab()
    const { gateway, withSecond, at, edit } = lab
    await gateway.writeConfig(text)
    await gateway.untilLogged('the configuration was not applied')
    expect(gateway.log()).toContain(place)
    expect((await askModern(at(), call('first__echo'))).result).toBeDefined()
    await edit(withSecond)
    expect(await toolsAt(at())).toContain('second__echo')
  })
})

describe.concurrent('an edit of a server', () => {
  it('holds from the next call on', async () => {
    await using lab = await startLab()
    const { first, at, edit, config } = lab
    await askModern(at('/first/mcp'), call('echo'))
    await edit({ ...config, servers: { first: { url: first.url, headers: { 'x-team': 'new' } } } })
    await askModern(at('/first/mcp'), call('echo'))
    const teams = first.seen.filter(({ method }) => method === 'tools/call').map(({ headers }) => headers['x-team'])
    expect(teams).toEqual([undefined, 'new'])
  })

  it('of another server leaves a session upstream as it is', async () => {
    await using lab = await startLab()
    const { first, second, withSecond, at, edit, config } = lab
    await edit(withSecond)
    await askModern(at('/first/mcp'), call('echo'))
    await edit({ ...config, servers: { ...config.servers, second: { url: second.url, timeoutMs: 9_000 } } })
    await askModern(at('/first/mcp'), call('echo'))
    expect(first.count('initialize')).toBe(1)
  })

  it('is not applied when nothing has changed but its layout', async () => {
    await using lab = await startLab()
    const { gateway, first, at, config } = lab
    await using session = await LegacySession.open(at('/first/mcp'))
    await gateway.writeConfig(
      JSON.stringify({ listen: { port: 0 }, storage: { path: `${gateway.folder}/data` }, ...withPlants(config) }),
    )
    await gateway.untilLogged('the configuration was applied')
    const answer = await post(at(), { jsonrpc: '2.0', id: 1, method: 'ping' })
    expect(answer.status).toBe(400)
    expect((await session.ask('tools/call', call('echo').params)).result).toBeDefined()
    expect(first.count('initialize')).toBe(1)
  })
})
