/** The library with servers that npm delivers: what a program gets without an HTTP server, a file or a token. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ConnectionError,
  createGateway,
  McpError,
  ServerAlreadyExistsError,
  ServerNotFoundError,
  ToolNotFoundError,
  ValidationError,
  type Answerer,
  type Gateway,
  type GatewayOptions,
  type ServerDefinition,
} from 'toolgate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findFreePort } from '../support/free-port.ts'
import { everythingServer, memoryServer, startEverything } from '../support/real-servers.ts'
import { until } from '../support/until.ts'

const open = new AsyncDisposableStack()
let definitions: Record<'stdio' | 'http', ServerDefinition>
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolgate-library-'))
  open.defer(() => rm(folder, { recursive: true, force: true }))
  const { url } = open.use(await startEverything())
  definitions = { stdio: asStdio('everything', everythingServer()), http: { name: 'everything', url } }
}, 30_000)

afterAll(() => open.disposeAsync())

function asStdio(
  name: string,
  { command, args, env = {} }: { command: string; args: string[]; env?: Record<string, string> },
): ServerDefinition {
  return { name, url: command, transport: 'stdio', args, env }
}

async function gatewayOf(servers: readonly ServerDefinition[], options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = createGateway(options)
  for (const server of servers) await gateway.registerServer(server)
  return gateway
}

const firstText = ({ content }: { content: Record<string, unknown>[] }): unknown => content[0]?.['text']

const outcomes = async (gateway: Gateway): Promise<string[]> =>
  (await gateway.auditLog.list({ limit: 100 })).map(({ method, target, outcome }) => `${method} ${target} ${outcome}`)

describe.each(['stdio', 'http'] as const)('the everything server over %s', (wire) => {
  let gateway: Gateway
  let onElicit: Answerer

  beforeAll(async () => {
    const content = { type: 'text', text: 'sampled' }
    gateway = await gatewayOf([definitions[wire]], {
      onElicit: (params, asker) => onElicit(params, asker),
      onSample: () => ({ role: 'assistant', model: 'none', content }),
    })
  })

  afterAll(() => gateway.close())

  it('lists its tools with all that it says of them', async () => {
    const tools = await gateway.listTools('everything')
    const echo = tools.find(({ name }) => name === 'echo')
    expect(echo?.inputSchema).toMatchObject({ type: 'object', required: ['message'] })
    expect(echo?.toJSON()).toMatchObject({ title: 'Echo Tool', annotations: { readOnlyHint: true } })
    expect(gateway.stats()).toEqual({ totalServers: 1, connectedServers: 1, totalTools: tools.length })
  })

  it('answers calls with text, images and structured content', async () => {
    expect(await gateway.callTool('everything', 'echo', { message: 'Grüß Gott' })).toEqual({
      content: [{ type: 'text', text: 'Echo: Grüß Gott' }],
    })
    const image = await gateway.callTool('everything', 'get-tiny-image')
    expect(image.content.find(({ type }) => type === 'image')).toMatchObject({ mimeType: 'image/png' })
    const weather = await gateway.callTool('everything', 'get-structured-content', { location: 'Chicago' })
    expect(weather.structuredContent).toMatchObject({ temperature: expect.any(Number) })
  })

  it('reports progress to the call that it belongs to', async () => {
    const call = async (steps: number): Promise<number[]> => {
      const seen: number[] = []
      const onProgress = ({ progress, total }: { progress: number; total?: number }): void => {
        expect(total).toBe(steps)
        seen.push(progress)
      }
      await gateway.callTool('everything', 'trigger-long-running-operation', { duration: 0.2, steps }, { onProgress })
      return seen
    }
    expect(await Promise.all([call(2), call(4)])).toEqual([
      [1, 2],
      [1, 2, 3, 4],
    ])
  })

  it('asks the program what a tool wants to know', async () => {
    const asked: unknown[] = []
    onElicit = (params, { server }) => {
      asked.push([server, params['message']])
      return { action: 'accept', content: { name: 'Ada', check: true } }
    }
    const elicited = await gateway.callTool('everything', 'trigger-elicitation-request')
    expect(JSON.stringify(elicited.content)).toContain('Ada')
    expect(asked).toEqual([['everything', expect.stringContaining('provide inputs')]])
    const sampled = await gateway.callTool('everything', 'trigger-sampling-request', { prompt: 'say it' })
    expect(JSON.stringify(sampled.content)).toContain('sampled')
  })

  it('asks the program for each of several calls at once', async () => {
    let asked = 0
    onElicit = () => ({ action: 'accept', content: { name: `Ada ${++asked}` } })
    const calls = [1, 2, 3].map(() => gateway.callTool('everything', 'trigger-elicitation-request'))
    for (const { content } of await Promise.all(calls)) expect(JSON.stringify(content)).toMatch(/Ada [123]/)
    expect(asked).toBe(3)
  })

  it('stops at once when the signal fires, tells the server, and goes on working', async () => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort(new Error('enough'))
    const options = { signal: controller.signal, onProgress }
    const args = { duration: 100, steps: 1000 }
    const call = gateway.callTool('everything', 'trigger-long-running-operation', args, options)
    await expect(call).rejects.toMatchObject({ code: 'request_cancelled', cause: { message: 'enough' } })
    await until('the call has ended', async () => {
      return (await outcomes(gateway)).includes('tools/call trigger-long-running-operation request_cancelled')
    })
    await expect(gateway.callTool('everything', 'echo', { message: 'on' }, options)).rejects.toBeInstanceOf(McpError)
    expect(firstText(await gateway.callTool('everything', 'echo', { message: 'on' }))).toBe('Echo: on')
  })

  it('lets what a callback throws end the call and reach the caller', async () => {
    const failure = new Error('of the program')
    const fail = (): never => {
      throw failure
    }
    onElicit = fail
    await expect(gateway.callTool('everything', 'trigger-elicitation-request')).rejects.toBe(failure)
    const args = { duration: 100, steps: 1000 }
    const call = gateway.callTool('everything', 'trigger-long-running-operation', args, { onProgress: fail })
    await expect(call).rejects.toBe(failure)
  })

  it('checks arguments before the server sees them, and names every fault', async () => {
    const call = gateway.callTool('everything', 'get-sum', { a: 'one' })
    await expect(call).rejects.toBeInstanceOf(ValidationError)
    await expect(call).rejects.toMatchObject({
      server: 'everything',
      tool: 'get-sum',
      errors: ["arguments: must have required property 'b'", 'arguments/a: must be number'],
    })
    expect(await outcomes(gateway)).toContain('tools/call get-sum invalid_params')
    await expect(gateway.callTool('everything', 'get-sum', [1, 2])).rejects.toBeInstanceOf(ValidationError)
  })

  it('has prompts and resources', async () => {
    expect((await gateway.listPrompts('everything')).map(({ name }) => name)).toContain('args-prompt')
    const prompt = await gateway.getPrompt('everything', 'args-prompt', { arguments: { city: 'Graz' } })
    expect(JSON.stringify(prompt['messages'])).toContain('Graz')
    const [resource] = await gateway.listResources('everything')
    const read = await gateway.readResource('everything', String(resource?.['uri']))
    expect(read['contents']).toMatchObject([{ uri: resource?.['uri'], text: expect.any(String) }])
    expect(await gateway.listResourceTemplates('everything')).not.toEqual([])
    await expect(gateway.getPrompt('everything', 'nothing')).rejects.toMatchObject({ code: 'protocol_error' })
  })
})

describe('tools for models', () => {
  it('are offered as OpenAI functions, and what the model calls is answered', async () => {
    const file = join(folder, 'openai.jsonl')
    await using gateway = await gatewayOf([definitions.stdio, asStdio('memory', memoryServer(file))])
    const tools = await gateway.getOpenAITools()
    expect(tools.map(({ function: { name } }) => name)).toEqual(
      expect.arrayContaining(['mcp_everything__echo', 'mcp_memory__create_entities']),
    )
    for (const { function: called } of tools) {
      expect(called.name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
      expect(called.parameters).toMatchObject({ type: 'object', properties: expect.any(Object) })
    }
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }]
    const toolCall = {
      id: 'call_1',
      type: 'function',
      function: { name: 'mcp_memory__create_entities', arguments: JSON.stringify({ entities }) },
    }
    const message = await gateway.callOpenAITool(toolCall)
    expect(message).toMatchObject({ role: 'tool', tool_call_id: 'call_1' })
    expect(message.content).toContain('Ada')
    const graph = await gateway.callPrefixedTool('mcp_memory__read_graph')
    expect(graph.structuredContent).toMatchObject({ entities })
  })

  it('are offered as Anthropic tools, and what the model uses is answered', async () => {
    await using gateway = await gatewayOf([definitions.stdio])
    const tools = await gateway.getAnthropicTools()
    expect(tools.find(({ name }) => name === 'mcp_everything__echo')?.input_schema).toMatchObject({ type: 'object' })
    const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'mcp_everything__echo', input: { message: 'hi' } }
    expect(await gateway.callAnthropicTool(toolUse)).toEqual({
      type: 'tool_result',
      tool_use_id: 'toolu_1',
      content: [{ type: 'text', text: 'Echo: hi' }],
    })
    const image = await gateway.callAnthropicTool({ ...toolUse, name: 'mcp_everything__get-tiny-image', input: {} })
    expect(image.content).toContainEqual(expect.objectContaining({ type: 'image' }))
  })

  it('are refused where the name means nothing, or the call is no call', async () => {
    await using gateway = await gatewayOf([definitions.stdio])
    const named = (name: string, args = '{}') => ({ id: '1', function: { name, arguments: args } })
    await expect(gateway.callOpenAITool(named('mcp_everything__nothing'))).rejects.toBeInstanceOf(ToolNotFoundError)
    await expect(gateway.callOpenAITool(named('mcp_nobody__echo'))).rejects.toBeInstanceOf(ToolNotFoundError)
    await expect(gateway.callOpenAITool(named('echo'))).rejects.toBeInstanceOf(ToolNotFoundError)
    await expect(gateway.callOpenAITool(named('mcp_everything__echo', '{'))).rejects.toBeInstanceOf(ValidationError)
    await expect(gateway.callAnthropicTool({ name: 7 })).rejects.toMatchObject({
      errors: ['id: must be a string', 'name: must be a string'],
    })
  })

  it('still come from the servers that work when another one fails', async () => {
    const url = `http://127.0.0.1:${await findFreePort()}/mcp`
    const dead = [{ name: 'dead', url }, asStdio('gone', { command: '/nowhere/at-all', args: [] })]
    const troubles: string[] = []
    const onTrouble: GatewayOptions['onTrouble'] = ({ server }) => void troubles.push(server)
    await using gateway = await gatewayOf([...dead, definitions.stdio], { onTrouble })

    const listed = await gateway.listAllTools()
    expect([...listed.keys()]).toEqual(['dead', 'gone', 'everything'])
    expect(listed.get('everything')).toMatchObject({
      tools: expect.arrayContaining([expect.objectContaining({ name: 'echo' })]),
    })
    for (const name of ['dead', 'gone']) expect(listed.get(name)).toMatchObject({ error: expect.any(ConnectionError) })
    expect((await gateway.getOpenAITools()).every((tool) => tool.function.name.startsWith('mcp_everything__'))).toBe(
      true,
    )

    const connected = await gateway.connectAll()
    expect(connected.get('everything')).toMatchObject({
      connection: { serverInfo: { name: 'mcp-servers/everything' } },
    })
    expect(connected.get('dead')).toMatchObject({ error: { server: 'dead', isRetryable: true } })
    expect(gateway.healthCheck()).toMatchObject({
      healthy: true,
      stats: { totalServers: 3, connectedServers: 1 },
      servers: { dead: { connected: false, state: 'failed' }, everything: { connected: true, state: 'connected' } },
    })
    expect(new Set(troubles)).toEqual(new Set(['dead', 'gone']))
  })
})

describe('servers', () => {
  it('are reached by their aliases until they are removed', async () => {
    await using gateway = await gatewayOf([definitions.http])
    gateway.addAlias('all', 'everything')
    expect(firstText(await gateway.callTool('all', 'echo', { message: 'a' }))).toBe('Echo: a')
    expect(gateway.getServer('all')).toMatchObject({ name: 'everything', aliases: ['all'], state: 'connected' })
    expect((await gateway.getOpenAITools())[0]?.function.name).toMatch(/^mcp_everything__/)
    expect(firstText(await gateway.callPrefixedTool('mcp_all__echo', { message: 'a' }))).toBe('Echo: a')
    expect(() => gateway.addAlias('everything', 'all')).toThrow(ServerAlreadyExistsError)

    await gateway.unregisterServer('all')
    for (const name of ['all', 'everything']) {
      expect(() => gateway.getServer(name)).toThrow(ServerNotFoundError)
      await expect(gateway.callTool(name, 'echo', { message: 'a' })).rejects.toBeInstanceOf(ServerNotFoundError)
    }
    await expect(gateway.callPrefixedTool('mcp_everything__echo')).rejects.toBeInstanceOf(ToolNotFoundError)
    expect(gateway.stats()).toEqual({ totalServers: 0, connectedServers: 0, totalTools: 0 })
    expect(gateway.healthCheck()).toMatchObject({ healthy: true, servers: {} })
  })

  it('are told apart from what they are not: taken names, disabled servers, wrong definitions', async () => {
    await using gateway = await gatewayOf([
      definitions.http,
      { name: 'off', url: 'http://127.0.0.1:9/mcp', enabled: false },
    ])
    await expect(gateway.registerServer(definitions.stdio)).rejects.toBeInstanceOf(ServerAlreadyExistsError)
    await expect(gateway.callTool('off', 'echo')).rejects.toBeInstanceOf(ServerNotFoundError)
    await expect(gateway.connect('off')).rejects.toBeInstanceOf(ServerNotFoundError)
    expect([...(await gateway.listAllTools()).keys()]).toEqual(['everything'])
    const misspelt = Object.assign({ name: 'other', url: 'http://127.0.0.1:9/mcp' }, { timeoutMS: 5 })
    await expect(gateway.registerServer(misspelt)).rejects.toThrow(/timeoutMS: is not known/)
    await expect(gateway.registerServer({ name: 'Bad Name', url: 'ftp://x' })).rejects.toMatchObject({
      errors: expect.arrayContaining([expect.stringMatching(/^name/), expect.stringMatching(/^url/)]),
    })
  })

  it('show nothing secret', async () => {
    await using gateway = await gatewayOf([
      { name: 'guarded', url: 'http://user-shown.example/mcp?key=canary-1', staticHeaders: { 'x-token': 'canary-2' } },
      { ...asStdio('local', { command: 'node', args: ['canary-3'], env: { KEY: 'canary-4' } }) },
    ])
    expect(JSON.stringify([gateway.listServers(), gateway.healthCheck(), gateway])).not.toContain('canary')
  })
})

describe('close', () => {
  it('ends calls under way and refuses what comes later', async () => {
    const gateway = await gatewayOf([definitions.stdio])
    const started = Promise.withResolvers<void>()
    const args = { duration: 100, steps: 1000 }
    const call = gateway.callTool('everything', 'trigger-long-running-operation', args, {
      onProgress: () => started.resolve(),
    })
    await started.promise
    const [outcome] = await Promise.allSettled([call, gateway.close()])
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(McpError) })
    for (const late of [
      () => gateway.callTool('everything', 'echo', { message: 'late' }),
      () => gateway.listTools('everything'),
      () => gateway.registerServer({ ...definitions.http, name: 'late' }),
    ]) {
      await expect(late()).rejects.toMatchObject({ code: 'shutting_down' })
    }
    await gateway.close()
  })
})
