/** The library as it is documented, step by step: names, signatures and what they give. A change here is a change for programs. */
import * as toolgate from 'toolgate'
import {
  AuthConfig,
  AuthenticationError,
  createGateway,
  McpServerConfig,
  PermissionLevel,
  PermissionManager,
  PermissionRule,
  PropertySchema,
  ServerNotFoundError,
  Tool,
  ToolExecutionError,
  ToolInputSchema,
  ToolNotFoundError,
  type PermissionPolicy,
} from 'toolgate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textResult, tool } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'

const open = new AsyncDisposableStack()
let upstream: RawUpstream

beforeAll(async () => {
  const inputSchema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
  upstream = open.use(
    await startRawUpstream(['legacy'], {
      handlers: {
        'tools/list': () => ({ tools: [tool('read_file', { inputSchema }), tool('delete_file', { inputSchema })] }),
        'tools/call': ({ params }) => textResult(JSON.stringify(params['arguments'])),
      },
    }),
  )
})

afterAll(() => open.disposeAsync())

it('exports what is documented and nothing else', () => {
  expect(Object.keys(toolgate).toSorted()).toEqual([
    'AuthConfig',
    'AuthenticationError',
    'AuthorizationError',
    'ConfigurationError',
    'ConnectionError',
    'InvalidUrlError',
    'McpError',
    'McpServerConfig',
    'PermissionLevel',
    'PermissionManager',
    'PermissionPolicy',
    'PermissionRule',
    'PropertySchema',
    'ProtocolError',
    'RateLimitExceededError',
    'SerializationError',
    'ServerAlreadyExistsError',
    'ServerNotFoundError',
    'TimeoutError',
    'Tool',
    'ToolExecutionError',
    'ToolInputSchema',
    'ToolNotFoundError',
    'TransportError',
    'ValidationError',
    'createGateway',
    'openSessionSocket',
    'parseTransport',
    'toAnthropicTool',
    'toAnthropicToolResult',
    'toOpenAIFunction',
    'toOpenAIToolMessage',
  ])
})

describe('the documented steps', () => {
  it('register a server, discover its tools, call one', async () => {
    await using gateway = createGateway()
    const config = new McpServerConfig('filesystem', upstream.url)
      .withAuth(AuthConfig.bearer('your-token'))
      .withTimeout(30_000)
    await gateway.registerServer(config)

    const tools = await gateway.listAllTools()
    expect(tools.get('filesystem')).toMatchObject({ tools: [{ name: 'read_file' }, { name: 'delete_file' }] })

    const result = await gateway.callTool('filesystem', 'read_file', { path: '/etc/hostname' })
    expect(result).toEqual(textResult('{"path":"/etc/hostname"}'))
    expect(upstream.seen.at(-1)?.headers.authorization).toBe('Bearer your-token')
  })

  it('configure a server as a plain object', async () => {
    await using gateway = createGateway()
    await gateway.registerServer({
      name: 'my-server',
      url: upstream.url,
      transport: 'http',
      enabled: true,
      timeoutMs: 30_000,
      auth: AuthConfig.apiKey('your-api-key'),
      staticHeaders: { 'x-team': 'core' },
    })
    await gateway.connect('my-server')
    expect(upstream.seen.at(-1)?.headers).toMatchObject({ 'x-api-key': 'your-api-key', 'x-team': 'core' })
  })

  it('authenticate in each way, and refuse the one that is not there yet instead of going without', async () => {
    await using gateway = createGateway()
    await gateway.registerServer(
      new McpServerConfig('basic', upstream.url).withAuth(AuthConfig.basic('username', 'password')),
    )
    await gateway.connect('basic')
    expect(upstream.seen.at(-1)?.headers.authorization).toBe(`Basic ${btoa('username:password')}`)

    const oauth = AuthConfig.oauth2('client_id', 'client_secret', 'https://auth.example.com/token')
    const registering = gateway.registerServer(new McpServerConfig('oauth', upstream.url).withAuth(oauth))
    await expect(registering).rejects.toMatchObject({ code: 'configuration_error' })
  })

  it('give keys their permissions', async () => {
    const production: PermissionPolicy = {
      name: 'production',
      defaultLevel: PermissionLevel.Deny,
      rules: [
        new PermissionRule('filesystem', 'read_file', PermissionLevel.Execute),
        new PermissionRule('database', '*', PermissionLevel.Execute),
        new PermissionRule('*', 'delete_*', PermissionLevel.Deny),
      ],
    }
    const permissions = new PermissionManager()
    permissions.setDefaultLevel(PermissionLevel.Read)
    permissions.setKeyPolicy('sk-prod-123', production)
    expect(permissions.checkToolAccess('sk-prod-123', 'filesystem', 'read_file')).toBe('execute')
    expect(() => permissions.checkToolAccess('sk-prod-123', 'database', 'delete_rows')).toThrow(
      toolgate.AuthorizationError,
    )

    await using gateway = createGateway({ permissions })
    await gateway.registerServer(new McpServerConfig('filesystem', upstream.url))
    const args = { path: 'a' }
    const caller = { key: 'sk-prod-123' }
    expect(await gateway.callTool('filesystem', 'read_file', args, caller)).toEqual(textResult('{"path":"a"}'))
    await expect(gateway.callTool('filesystem', 'delete_file', args, caller)).rejects.toThrow(
      toolgate.AuthorizationError,
    )
    expect((await gateway.listTools('filesystem')).map(({ name }) => name)).toEqual(['read_file', 'delete_file'])
    await expect(gateway.callTool('filesystem', 'read_file', args)).rejects.toThrow(toolgate.AuthorizationError)
  })

  it('define a tool, and give it to a model', () => {
    const weather = new Tool('get_weather', 'Get current weather for a location').withInputSchema(
      new ToolInputSchema()
        .withProperty('city', PropertySchema.string('City name'))
        .withProperty('units', PropertySchema.string('Temperature units (celsius/fahrenheit)'))
        .withRequired(['city']),
    )
    expect(weather.toOpenAIFunction()).toEqual({
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'Get current weather for a location',
        parameters: {
          type: 'object',
          properties: {
            city: { type: 'string', description: 'City name' },
            units: { type: 'string', description: 'Temperature units (celsius/fahrenheit)' },
          },
          required: ['city'],
          additionalProperties: false,
        },
      },
    })
  })

  it('turn listed tools into functions without losing a keyword, and read them back', async () => {
    await using gateway = createGateway()
    await gateway.registerServer({ name: 'filesystem', url: upstream.url })
    const [listed] = await gateway.listTools('filesystem')
    const [offered] = await gateway.getOpenAITools()
    expect(offered?.function.parameters).toEqual(listed?.inputSchema)
    expect(listed?.toAnthropicTool().input_schema).toEqual(offered?.function.parameters)
    expect(Tool.from(listed?.toJSON()).toJSON()).toEqual(listed?.toJSON())
  })

  it('keep several servers, one of them under two names', async () => {
    await using gateway = createGateway()
    for (const name of ['filesystem', 'database', 'weather']) await gateway.registerServer({ name, url: upstream.url })
    expect(gateway.listServers().map(({ name }) => name)).toEqual(['filesystem', 'database', 'weather'])
    expect(gateway.getServer('filesystem')).toMatchObject({ name: 'filesystem', state: 'disconnected' })
    await gateway.unregisterServer('filesystem')
    expect(() => gateway.getServer('filesystem')).toThrow(ServerNotFoundError)
    gateway.addAlias('db', 'database')
    expect(await gateway.callTool('db', 'read_file', { path: 'a' })).toEqual(textResult('{"path":"a"}'))
  })

  it('tell failures apart by their class', async () => {
    await using gateway = createGateway()
    await gateway.registerServer({ name: 'server', url: upstream.url })
    const describeFailure = async (server: string, name: string): Promise<string> => {
      try {
        await gateway.callTool(server, name, {})
        return 'Success'
      } catch (error) {
        if (error instanceof ServerNotFoundError) return `Server ${error.server} not found`
        if (error instanceof ToolNotFoundError) return `Tool ${error.tool} not found on ${error.server}`
        if (error instanceof AuthenticationError) return `Auth failed for ${error.server}: ${error.message}`
        if (error instanceof ToolExecutionError) return `Tool ${error.tool} failed: ${error.message}`
        return `Other error: ${String(error)}`
      }
    }
    expect(await describeFailure('nobody', 'tool')).toBe('Server nobody not found')
    expect(await describeFailure('server', 'tool')).toBe('Tool tool not found on server')
    expect(await describeFailure('server', 'read_file')).toMatch(/^Other error: ValidationError/)
  })
})
