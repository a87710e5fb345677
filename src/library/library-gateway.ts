/** The gateway as programs hold it: servers, tools, calls. Everything runs through the engine that the server runs on. */
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { AuditLog } from '#core/audit/audit-log.ts'
import { createAuditRecorder, type AuditRecorder } from '#core/audit/audit-recorder.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { Gateway } from '#gateway/gateway.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { nobody } from '#gateway/identify.ts'
import type { SchemaCheck } from './arguments.ts'
import {
  parseOpenAIToolCall,
  toAnthropicToolResult,
  toOpenAIToolMessage,
  type AnthropicTool,
  type AnthropicToolResult,
  type OpenAIFunction,
  type OpenAIToolMessage,
} from './convert.ts'
import { EngineCalls, type CallOptions } from './engine-calls.ts'
import { ServerNotFoundError, ToolNotFoundError, ValidationError, type McpError } from './errors.ts'
import { checkOptions, type GatewayOptions } from './gateway-options.ts'
import type { ToolPair } from './model-name.ts'
import { looksShortened, ModelTools, readPlainName, type NamedTool } from './model-tools.ts'
import type { PermissionCaller } from './permission-manager.ts'
import { ServerBook } from './server-book.ts'
import { ServerCalls, type ToolResult } from './server-calls.ts'
import type { McpServerConfig } from './server-config.ts'
import { toServer, type ServerDefinition } from './server-definition.ts'
import { toConnection, toServerInfo, type Connection, type ServerInfo, type ServerState } from './server-info.ts'
import { toMcpError } from './to-mcp-error.ts'
import type { Tool } from './tool.ts'

/** The outside world, which `createGateway` brings along. */
export type LibraryParts = {
  createEngine(options: {
    limits: Limits
    separator: string
    audit: AuditRecorder
    onTrouble: (server: string, error: GatewayError, diagnosis: string) => void
  }): Gateway
  createAuditLog(): AuditLog
  checkSchema: SchemaCheck
  hash: (text: string) => string
  randomId: (prefix: string) => string
  now: () => number
}

/** By real name. One server's failure is its own entry, and hides nobody's. */
export type PerServer<Result> = Map<string, Result | { error: McpError }>

export type GatewayStats = { totalServers: number; connectedServers: number; totalTools: number }

export type GatewayHealth = {
  /** Something is connected, or nothing is registered. */
  healthy: boolean
  stats: GatewayStats
  servers: Record<string, { connected: boolean; state: ServerState }>
}

export class LibraryGateway implements AsyncDisposable {
  /** One event for each call; the newest first: `await gateway.auditLog.list({ limit: 10 })`. */
  readonly auditLog: AuditLog
  readonly #options: GatewayOptions
  readonly #engine: Gateway
  readonly #calls: EngineCalls
  readonly #servers: ServerCalls
  readonly #book = new ServerBook()
  readonly #modelTools = new ModelTools()
  readonly #toolCounts = new Map<string, number>()
  #closing: Promise<void> | undefined

  /** @throws ConfigurationError that names every fault of the options */
  constructor(options: GatewayOptions, parts: LibraryParts) {
    const { limits } = checkOptions(options)
    const { checkSchema, hash, randomId, now } = parts
    this.#options = options
    this.auditLog = options.auditLog ?? parts.createAuditLog()
    // What a program does with its log is its own: it is given events, and never what they are made of.
    const audit = createAuditRecorder(this.auditLog, { hash, later: null })
    this.#engine = parts.createEngine({
      limits,
      separator: '__',
      audit,
      // Later, so that what the program throws there is its own and stops nothing here.
      onTrouble: (server, error, stderr) =>
        queueMicrotask(() => options.onTrouble?.({ server, error: toMcpError(error, { server }), stderr })),
    })
    this.#calls = new EngineCalls({ engine: this.#engine, audit, options, hash, randomId, now })
    this.#servers = new ServerCalls({ calls: this.#calls, limits, checkSchema })
  }

  /**
   * Adds a server. Nothing connects before the first use, or `connect`.
   * @throws ConfigurationError that names every fault; ServerAlreadyExistsError where the name is taken
   */
  async registerServer(config: McpServerConfig | ServerDefinition): Promise<void> {
    this.#requireOpen()
    this.#book.add(toServer(config, this.#options.defaultTimeoutMs))
    this.#applyBook()
  }

  /**
   * Removes a server and its aliases. Calls under way may finish; then its connection, or its program, ends.
   * @param name real name or alias
   * @throws ServerNotFoundError
   */
  async unregisterServer(name: string): Promise<void> {
    this.#requireOpen()
    this.#toolCounts.delete(this.#book.remove(name).name)
    this.#applyBook()
  }

  /** @param name real name or alias @throws ServerNotFoundError */
  getServer(name: string): ServerInfo {
    const server = this.#book.get(name)
    return toServerInfo(server, this.#book.aliasesOf(server.name), this.#engine.registry.find(server.name))
  }

  listServers(): ServerInfo[] {
    return this.#book.servers.map(({ name }) => this.getServer(name))
  }

  /**
   * Gives a server one more name. Policies know it by its real name alone, so an alias neither opens nor closes anything.
   * @throws ServerNotFoundError where the server does not exist; ServerAlreadyExistsError where the alias means something already;
   * ConfigurationError where it could be no server's name
   */
  addAlias(alias: string, server: string): void {
    this.#book.addAlias(alias, server)
  }

  /** Opens the connection now instead of at the first use. @throws McpError */
  async connect(server: string, caller: PermissionCaller = {}): Promise<Connection> {
    const upstream = this.#upstream(server)
    return toConnection(upstream.name, await this.#calls.connect(upstream, caller))
  }

  /** Connects to all enabled servers at once; none waits for another. */
  connectAll(caller: PermissionCaller = {}): Promise<PerServer<{ connection: Connection }>> {
    return this.#forEachServer(async (name) => ({ connection: await this.connect(name, caller) }))
  }

  /** The tools that the caller may see. They are cached until the server says that they changed, or its time is over. @throws McpError */
  async listTools(server: string, options: CallOptions = {}): Promise<Tool[]> {
    const name = this.#nameOf(server)
    const tools = await this.#servers.listTools(name, options)
    this.#toolCounts.set(name, tools.length)
    return tools
  }

  /** For every enabled server its tools, or why there are none. */
  listAllTools(options: CallOptions = {}): Promise<PerServer<{ tools: Tool[] }>> {
    return this.#forEachServer(async (name) => ({ tools: await this.listTools(name, options) }))
  }

  /**
   * All tools as OpenAI functions named `mcp_{server}__{tool}`, of at most 64 characters. Servers that fail are left out.
   * @throws ConfigurationError where tools of two servers would share a name
   */
  async getOpenAITools(options: CallOptions = {}): Promise<OpenAIFunction[]> {
    return (await this.#nameTools(options)).map(({ name, tool }) => tool.toOpenAIFunction(name))
  }

  /** The same tools under the same names, as Anthropic takes them. @throws as `getOpenAITools` */
  async getAnthropicTools(options: CallOptions = {}): Promise<AnthropicTool[]> {
    return (await this.#nameTools(options)).map(({ name, tool }) => tool.toAnthropicTool(name))
  }

  /**
   * Calls a tool. The arguments are checked against the tool's JSON Schema before the server is asked.
   * @param server real name or alias
   * @throws ServerNotFoundError, ToolNotFoundError, AuthorizationError, RateLimitExceededError, ValidationError with every fault,
   * TimeoutError, ConnectionError, AuthenticationError, ProtocolError; ToolExecutionError where the server answered with an error;
   * McpError `request_cancelled` where the signal fired
   */
  // oxlint-disable-next-line max-params -- the order in which such libraries take them; an object would be wordier
  async callTool(server: string, tool: string, args: unknown = {}, options: CallOptions = {}): Promise<ToolResult> {
    return this.#servers.callTool({ server: this.#nameOf(server), tool }, args, options)
  }

  /** Calls a tool by its name from `getOpenAITools` or `getAnthropicTools`. @throws as `callTool` */
  async callPrefixedTool(name: string, args: unknown = {}, options: CallOptions = {}): Promise<ToolResult> {
    const { server, tool } = await this.#findTool(name, options)
    return this.callTool(server, tool, args, options)
  }

  /**
   * Does what an OpenAI model asked for.
   * @param toolCall `{ id, function: { name, arguments } }`
   * @returns the message to send back
   * @throws as `callTool`
   */
  async callOpenAITool(toolCall: unknown, options: CallOptions = {}): Promise<OpenAIToolMessage> {
    const { id, name, arguments: args } = parseOpenAIToolCall(toolCall)
    return toOpenAIToolMessage(id, await this.callPrefixedTool(name, args, options))
  }

  /**
   * Does what an Anthropic model asked for.
   * @param toolUse `{ id, name, input }`
   * @returns the block to send back
   * @throws as `callTool`
   */
  async callAnthropicTool(toolUse: unknown, options: CallOptions = {}): Promise<AnthropicToolResult> {
    const { id, name, input } = isJsonObject(toolUse) ? toolUse : {}
    if (typeof id === 'string' && typeof name === 'string') {
      return toAnthropicToolResult(id, await this.callPrefixedTool(name, input, options))
    }
    const errors = Object.entries({ id, name }).filter(([, value]) => typeof value !== 'string')
    throw new ValidationError({ errors: errors.map(([member]) => `${member}: must be a string`) })
  }

  /** Prompts as MCP lists them. @throws McpError */
  async listPrompts(server: string, options: CallOptions = {}): Promise<JsonObject[]> {
    return this.#servers.list(this.#nameOf(server), 'prompts', options)
  }

  /** @returns `{ description?, messages }` @throws McpError */
  async getPrompt(
    server: string,
    name: string,
    options: CallOptions & { arguments?: Readonly<Record<string, string>> } = {},
  ): Promise<JsonObject> {
    const params = { name, arguments: { ...options.arguments } }
    return this.#servers.read(this.#nameOf(server), { method: 'prompts/get', params, target: name }, options)
  }

  /** Resources as MCP lists them. @throws McpError */
  async listResources(server: string, options: CallOptions = {}): Promise<JsonObject[]> {
    return this.#servers.list(this.#nameOf(server), 'resources', options)
  }

  /** Resource templates as MCP lists them. @throws McpError */
  async listResourceTemplates(server: string, options: CallOptions = {}): Promise<JsonObject[]> {
    return this.#servers.list(this.#nameOf(server), 'resourceTemplates', options)
  }

  /** @returns `{ contents }` @throws McpError */
  async readResource(server: string, uri: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.#servers.read(this.#nameOf(server), { method: 'resources/read', params: { uri }, target: uri }, options)
  }

  /** `totalTools` counts what the latest listing of each server gave to whoever asked. Asks no server. */
  stats(): GatewayStats {
    const servers = this.listServers()
    return {
      totalServers: servers.length,
      connectedServers: servers.filter(({ state }) => state === 'connected').length,
      totalTools: [...this.#toolCounts.values()].reduce((sum, count) => sum + count, 0),
    }
  }

  /** How the servers stood at their last use. Asks none of them; `connectAll` does. */
  healthCheck(): GatewayHealth {
    const stats = this.stats()
    const servers = this.listServers().map(
      ({ name, state }) => [name, { connected: state === 'connected', state }] as const,
    )
    const healthy = stats.totalServers === 0 || stats.connectedServers > 0
    return { healthy, stats, servers: Object.fromEntries(servers) }
  }

  /** Ends calls under way, connections, and programs that were started. Afterwards every call fails with `shutting_down`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#engine.close()
    if (!this.#options.auditLog) await this.auditLog.close()
  }

  #requireOpen(): void {
    if (this.#closing) throw toMcpError(new GatewayError('shutting_down'), { server: '' })
  }

  /** The real name. @throws McpError `shutting_down`, ServerNotFoundError */
  #nameOf(server: string): string {
    this.#requireOpen()
    return this.#book.get(server).name
  }

  /** @throws ServerNotFoundError, for a server that is not enabled too */
  #upstream(server: string): Upstream {
    const upstream = this.#engine.registry.find(this.#nameOf(server))
    if (!upstream?.server.isEnabled) throw new ServerNotFoundError({ server })
    return upstream
  }

  /** Servers that did not change keep their connections. */
  #applyBook(): void {
    this.#engine.apply({ servers: this.#book.servers, identities: nobody })
  }

  async #forEachServer<Result>(ask: (name: string) => Promise<Result>): Promise<PerServer<Result>> {
    const servers = this.#book.servers.filter(({ isEnabled }) => isEnabled)
    const results = await Promise.all(
      servers.map(async ({ name }) => {
        const result = await ask(name).catch((error: unknown) => ({ error: toMcpError(error, { server: name }) }))
        return [name, result] as const
      }),
    )
    return new Map(results)
  }

  async #nameTools(options: CallOptions): Promise<NamedTool[]> {
    const listed = await this.listAllTools(options)
    return this.#modelTools.name(
      new Map([...listed].flatMap(([name, listing]) => ('tools' in listing ? [[name, listing.tools] as const] : []))),
    )
  }

  /** A name is known from a listing, or says what it means; a short form is looked for in all lists. @throws ToolNotFoundError */
  async #findTool(name: string, options: CallOptions): Promise<ToolPair> {
    const known = this.#modelTools.findNamed(name) ?? (looksShortened(name) ? null : readPlainName(name))
    if (known && this.#book.has(known.server)) return known
    await this.#nameTools(options)
    const found = this.#modelTools.findNamed(name) ?? readPlainName(name)
    if (found && this.#book.has(found.server)) return found
    const message = `No server has a tool ${JSON.stringify(name)}.`
    throw new ToolNotFoundError({ server: '', tool: name, message })
  }
}
