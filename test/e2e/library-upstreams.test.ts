/** The library with servers that do exactly what a test tells them to, of both eras. */
import { createServer } from 'node:http'
import {
  AuthenticationError,
  AuthConfig,
  createGateway,
  McpError,
  McpServerConfig,
  ProtocolError,
  TimeoutError,
  ToolExecutionError,
  type Gateway,
  type GatewayOptions,
} from 'toolgate'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { plant } from '../support/planted.ts'
import { RpcFailure, textResult, tool, type Json, type RawCall } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { until } from '../support/until.ts'

let open: AsyncDisposableStack

beforeEach(() => {
  open = new AsyncDisposableStack()
})

afterEach(() => open.disposeAsync())

async function gatewayOf(upstream: RawUpstream, options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = open.use(createGateway(options))
  await gateway.registerServer({ name: 'raw', url: upstream.url })
  return gateway
}

describe.each(['legacy', 'modern'] as const)('a %s server', (era) => {
  const start = async (call: (call: RawCall) => Json | Promise<Json>, tools = [tool('do')]): Promise<RawUpstream> =>
    open.use(await startRawUpstream([era], { handlers: { 'tools/list': () => ({ tools }), 'tools/call': call } }))

  it('is listed once for many calls, and its answers come as it gave them', async () => {
    const answer = { content: [{ type: 'text', text: 'ä' }], structuredContent: { n: 1 }, 'x-own': [1] }
    const upstream = await start(() => answer)
    const gateway = await gatewayOf(upstream)
    for (let call = 0; call < 5; call++) expect(await gateway.callTool('raw', 'do', { call })).toEqual(answer)
    expect([upstream.count('tools/list'), upstream.count('tools/call')]).toEqual([1, 5])
    expect(upstream.count('initialize')).toBe(era === 'legacy' ? 1 : 0)
    expect(upstream.seen.at(-1)?.body).toMatchObject({ params: { name: 'do', arguments: { call: 4 } } })
  })

  it('keeps its session when other servers come and go and it is given a name', async () => {
    const upstream = await start(() => textResult('ok'))
    const gateway = await gatewayOf(upstream)
    await gateway.callTool('raw', 'do')
    await gateway.registerServer({ name: 'other', url: upstream.url })
    gateway.addAlias('alias', 'raw')
    await gateway.unregisterServer('other')
    await gateway.callTool('alias', 'do')
    expect(upstream.count('initialize') + upstream.count('server/discover')).toBe(era === 'legacy' ? 2 : 1)
  })

  it('asks the program, and the answer reaches the tool', async () => {
    const question = {
      method: 'elicitation/create',
      params: { message: 'How many?', requestedSchema: { type: 'object' } },
    }
    const upstream = await start(async (call) => {
      if (call.era === 'legacy')
        return textResult(JSON.stringify((await call.ask(question.method, question.params))['result']))
      const told = (call.params['inputResponses'] as Json | undefined)?.['it']
      if (told === undefined)
        return { resultType: 'input_required', inputRequests: { it: question }, requestState: 'r' }
      return textResult(JSON.stringify(told))
    })
    const asked: unknown[] = []
    const accepted = { action: 'accept', content: { count: 3 } }
    const gateway = await gatewayOf(upstream, {
      onElicit: (params, asker) => {
        asked.push([params, asker.server])
        return accepted
      },
    })
    expect(await gateway.callTool('raw', 'do')).toMatchObject(textResult(JSON.stringify(accepted)))
    expect(asked).toEqual([[expect.objectContaining(question.params), 'raw']])
  })

  it('is told when a call is no longer wanted', async () => {
    const started = Promise.withResolvers<RawCall>()
    const upstream = await start((call) => {
      started.resolve(call)
      return new Promise(() => undefined)
    })
    const gateway = await gatewayOf(upstream)
    const controller = new AbortController()
    const call = gateway.callTool('raw', 'do', {}, { signal: controller.signal })
    const { cancelled } = await started.promise
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'request_cancelled' })
    await cancelled
  })

  it('fails a call with its code and without its words', async () => {
    const upstream = await start(() => {
      throw new RpcFailure(-32050, 'canary: the password is 1234')
    })
    const gateway = await gatewayOf(upstream)
    const error: unknown = await gateway.callTool('raw', 'do').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ToolExecutionError)
    expect(error).toMatchObject({ server: 'raw', tool: 'do', isRetryable: false })
    expect(String(error)).not.toContain('canary')
  })

  it('gives the failure of a tool back as its answer', async () => {
    const upstream = await start(() => ({ ...textResult('no such file'), isError: true }))
    const gateway = await gatewayOf(upstream)
    expect(await gateway.callTool('raw', 'do')).toMatchObject({ isError: true, content: [{ text: 'no such file' }] })
    const message = await gateway.callOpenAITool({ id: 'c', function: { name: 'mcp_raw__do', arguments: '' } })
    expect(message.content).toBe('no such file')
  })

  it('has tools of any name, and models call them by names that they take', async () => {
    const names = ['a__b', 'dots.and.dots', 'x'.repeat(120), `${'x'.repeat(119)}y`, 'grüßen']
    const upstream = await start(
      ({ params }) => textResult(String(params['name'])),
      names.map((name) => tool(name)),
    )
    const gateway = await gatewayOf(upstream)
    const offered = (await gateway.getOpenAITools()).map((entry) => entry.function.name)
    expect(new Set(offered).size).toBe(names.length)
    const answers = offered.map((name) => gateway.callOpenAITool({ id: 'c', function: { name, arguments: '{}' } }))
    expect((await Promise.all(answers)).map(({ content }) => content)).toEqual(names)

    // A gateway that never offered them knows them too.
    const other = await gatewayOf(upstream)
    const again = offered.map((name) => other.callPrefixedTool(name))
    expect((await Promise.all(again)).map(({ content }) => content[0]?.['text'])).toEqual(names)
  })

  it('is listed whole, however many pages it takes', async () => {
    const upstream = open.use(
      await startRawUpstream([era], {
        handlers: {
          'tools/list': ({ params }) => {
            const start = Number(params['cursor'] ?? 0)
            const tools = Array.from({ length: 500 }, (_, index) => tool(`t${start + index}`))
            return { tools, ...(start < 2_000 ? { nextCursor: String(start + 500) } : {}) }
          },
        },
      }),
    )
    const gateway = await gatewayOf(upstream)
    const tools = await gateway.listTools('raw')
    expect(tools.map(({ name }) => name)).toEqual(Array.from({ length: 2_500 }, (_, index) => `t${index}`))
  })

  it('is listed anew when it says that its tools have changed', async () => {
    const names = ['one']
    const upstream = open.use(
      await startRawUpstream([era], {
        capabilities: { tools: { listChanged: true } },
        handlers: { 'tools/list': () => ({ tools: names.map((name) => tool(name)) }) },
      }),
    )
    const gateway = await gatewayOf(upstream)
    expect(await gateway.listTools('raw')).toHaveLength(1)
    names.push('two')
    await until('the new tool is listed', async () => {
      upstream.announce('notifications/tools/list_changed')
      return (await gateway.listTools('raw')).length === 2
    })
    expect(gateway.stats().totalTools).toBe(2)
  })
})

describe('a server that fails', () => {
  it('for want of an answer, in the time that its definition or the gateway gives it', async () => {
    const upstream = open.use(
      await startRawUpstream(['legacy'], { handlers: { 'tools/call': () => new Promise(() => undefined) } }),
    )
    const gateway = open.use(createGateway({ defaultTimeoutMs: 150 }))
    await gateway.registerServer({ name: 'plain', url: upstream.url })
    await gateway.registerServer(new McpServerConfig('built', upstream.url))
    await gateway.registerServer(new McpServerConfig('own', upstream.url).withTimeout(100))
    expect(gateway.listServers().map(({ timeoutMs }) => timeoutMs)).toEqual([150, 150, 100])
    for (const name of ['plain', 'built', 'own']) {
      const call = gateway.callTool(name, 'echo')
      await expect(call).rejects.toBeInstanceOf(TimeoutError)
      await expect(call).rejects.toMatchObject({ server: name, isRetryable: true })
    }
  })

  it('because it does not take our credential', async () => {
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(401, { 'www-authenticate': 'Bearer error="canary"' }).end('canary')
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    open.defer(() => new Promise<void>((closed) => server.close(() => closed())))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const gateway = open.use(createGateway())
    const token = plant('token')
    const auth = AuthConfig.bearer(token)
    await gateway.registerServer({ name: 'guarded', url: `http://127.0.0.1:${port}/mcp`, auth })
    const error: unknown = await gateway.callTool('guarded', 'echo').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({ server: 'guarded', isUpstream: true, httpStatus: 502 })
    expect(seen[0]).toBe(`Bearer ${token}`)
    const told = JSON.stringify([error, String(error), gateway.listServers()])
    for (const word of ['canary', token]) expect(told).not.toContain(word)
  })

  it('because it is no MCP server', async () => {
    const upstream = open.use(
      await startRawUpstream(['legacy'], { handlers: { initialize: () => ({ hello: 'canary' }) } }),
    )
    const gateway = await gatewayOf(upstream)
    const error: unknown = await gateway.listTools('raw').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ProtocolError)
    expect(String(error)).not.toContain('canary')
    expect(gateway.getServer('raw')).toMatchObject({ state: 'failed', reason: 'upstream_protocol' })
  })

  it('and works again when it is well again', async () => {
    let isWell = false
    const serverInfo = { name: 'raw', version: '1' }
    const upstream = open.use(
      await startRawUpstream(['legacy'], {
        handlers: {
          initialize: () => {
            if (!isWell) throw new RpcFailure(-32603, 'not now')
            return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
          },
        },
      }),
    )
    const gateway = await gatewayOf(upstream)
    const connected = await gateway.connectAll()
    expect(connected.get('raw')).toMatchObject({ error: expect.any(McpError) })
    expect(gateway.healthCheck()).toMatchObject({ healthy: false, servers: { raw: { state: 'failed' } } })
    isWell = true
    expect(await gateway.connect('raw')).toMatchObject({ server: 'raw', protocolVersion: '2025-11-25', serverInfo })
    expect(gateway.healthCheck()).toMatchObject({ healthy: true, servers: { raw: { state: 'connected' } } })
  })
})
